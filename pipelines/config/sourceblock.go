package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"winback/connectors"
	"winback/connectors/spec"
)

// SourceBlock is a source as it is written into winback.yaml below "sources:", and
// the variables that it uses.
type SourceBlock struct {
	Name      string     `json:"name"`
	YAML      string     `json:"yaml"` // indented by two blanks
	Variables []Variable `json:"variables"`
}

// Variable is a value that a block takes from the environment.
type Variable struct {
	Name string `json:"name"`
	Doc  string `json:"doc"` // what the key is that it stands for
}

var (
	variableUse = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)`)
	keyOfLine   = regexp.MustCompile(`^[\s-]*([A-Za-z_][A-Za-z0-9_]*):`)
)

// SourceBlocks writes the examples of connectors as sources, each called like its
// connector, or with a number where that name is taken.
func SourceBlocks(list []*connectors.Connector, taken ...string) []SourceBlock {
	blocks := make([]SourceBlock, 0, len(list))
	for _, c := range list {
		name := c.Name
		for n := 2; slices.Contains(taken, name); n++ {
			name = fmt.Sprintf("%s%d", c.Name, n)
		}
		taken = append(taken, name)
		var text strings.Builder
		fmt.Fprintf(&text, "  # %s\n  %s:\n", c.Summary, name)
		for line := range strings.Lines(strings.TrimRight(c.Example, "\n") + "\n") {
			if strings.TrimSpace(line) != "" {
				text.WriteString("    ")
			}
			text.WriteString(line)
		}
		blocks = append(blocks, SourceBlock{Name: name, YAML: text.String(), Variables: variablesOf(c)})
	}
	return blocks
}

// variablesOf returns the variables of a connector's example, in their order.
func variablesOf(c *connectors.Connector) []Variable {
	docs := map[string]string{}
	for _, f := range spec.Flatten(spec.Describe(c.NewConfig())) {
		docs[f.Name] = f.Doc
	}
	list := []Variable{}
	for line := range strings.Lines(c.Example) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, use := range variableUse.FindAllStringSubmatch(line, -1) {
			if slices.ContainsFunc(list, func(v Variable) bool { return v.Name == use[1] }) {
				continue
			}
			v := Variable{Name: use[1]}
			if key := keyOfLine.FindStringSubmatch(line); key != nil {
				v.Doc = docs[key[1]]
			}
			list = append(list, v)
		}
	}
	return list
}

// envLines are the lines of .env.example for blocks.
func envLines(blocks []SourceBlock) string {
	var text strings.Builder
	for _, b := range blocks {
		if len(b.Variables) == 0 {
			continue
		}
		fmt.Fprintf(&text, "\n# For the source %s:\n", b.Name)
		for _, v := range b.Variables {
			if v.Doc != "" {
				fmt.Fprintf(&text, "# %s\n", v.Doc)
			}
			fmt.Fprintf(&text, "%s=\n", v.Name)
		}
	}
	return text.String()
}
