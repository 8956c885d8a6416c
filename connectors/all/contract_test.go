package all

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every connector of the list is held to the contract: a test in its folder has
// connectortest.Run try what its line in the list makes.
func TestEveryConnectorIsHeldToTheContract(t *testing.T) {
	for _, made := range listed(t) {
		folder, function, _ := strings.Cut(made, ".")
		if !strings.Contains(tried(t, filepath.Join("..", folder)), function+"()") {
			t.Errorf("no test in connectors/%s has connectortest.Run try a connectortest.Subject with the Connector %s()", folder, made)
		}
	}
}

// listed are the calls in Connectors, as package.Function.
func listed(t *testing.T) (calls []string) {
	file, err := parser.ParseFile(token.NewFileSet(), "all.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if list, ok := n.(*ast.CompositeLit); ok {
			for _, e := range list.Elts {
				if call, ok := e.(*ast.CallExpr); ok {
					if made, ok := call.Fun.(*ast.SelectorExpr); ok {
						calls = append(calls, made.X.(*ast.Ident).Name+"."+made.Sel.Name)
					}
				}
			}
		}
		return true
	})
	if n := len(Connectors()); len(calls) != n {
		t.Fatalf("%d of %d connectors were found in all.go: %v", len(calls), n, calls)
	}
	return calls
}

// tried is the text of what a folder's tests give to connectortest.Run as connectors.
func tried(t *testing.T, folder string) string {
	var text strings.Builder
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, source, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && isRun(call) {
				ast.Inspect(call, func(n ast.Node) bool {
					if pair, ok := n.(*ast.KeyValueExpr); ok && pair.Key.(*ast.Ident).Name == "Connector" {
						text.Write(source[set.Position(pair.Value.Pos()).Offset:set.Position(pair.Value.End()).Offset])
						text.WriteByte('\n')
						return false
					}
					return true
				})
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func isRun(call *ast.CallExpr) bool {
	run, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || run.Sel.Name != "Run" {
		return false
	}
	in, ok := run.X.(*ast.Ident)
	return ok && in.Name == "connectortest"
}
