package files

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"winback/connectors"
	"winback/connectors/connectortest"
)

func TestFiles_Contract(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Subject{Connector: Connector(), Start: startShop("fields: {id: id, channel: note}")})
}

func TestDocuments_Contract(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Subject{Connector: Connector(), Start: startShop("group_by: id\n    fields: {id: id, channel: note}")})
}

// exported is a folder that a shop exports its orders to: lines are appended to one
// file, and further files come.
type exported struct {
	t       testing.TB
	dir     string
	mapping string
	orders  map[string]bool
	last    int
	files   int
	taken   int
}

// startShop has a folder read by a mapping.
func startShop(mapping string) func(testing.TB, connectors.Clock) connectortest.Fake {
	return func(t testing.TB, _ connectors.Clock) connectortest.Fake {
		e := &exported{t: t, dir: t.TempDir(), mapping: mapping, orders: map[string]bool{}}
		for range 4 {
			e.file(e.more(500))
		}
		e.append("id,note\n" + e.more(500))
		return e
	}
}

// more are lines of new orders.
func (e *exported) more(n int) string {
	var b strings.Builder
	for range n {
		e.last++
		e.orders[strconv.Itoa(e.last)] = true
		fmt.Fprintf(&b, "%d,new\n", e.last)
	}
	return b.String()
}

// file exports a packed file.
func (e *exported) file(lines string) {
	e.t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte("id,note\n" + lines)); err != nil {
		e.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		e.t.Fatal(err)
	}
	e.files++
	e.write(fmt.Sprintf("orders-%03d.csv.gz", e.files), packed.Bytes(), os.O_CREATE|os.O_WRONLY|os.O_EXCL)
}

// append adds lines to the file that grows.
func (e *exported) append(lines string) {
	e.write("orders-today.csv", []byte(lines), os.O_CREATE|os.O_WRONLY|os.O_APPEND)
}

func (e *exported) write(name string, text []byte, how int) {
	e.t.Helper()
	f, err := os.OpenFile(filepath.Join(e.dir, name), how, 0o644)
	if err != nil {
		e.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(text); err != nil {
		e.t.Fatal(err)
	}
}

func (e *exported) rename(from, to string) {
	e.t.Helper()
	if err := os.Rename(filepath.Join(e.dir, from), filepath.Join(e.dir, to)); err != nil {
		e.t.Fatal(err)
	}
}

func (e *exported) config(dir string) string {
	return fmt.Sprintf("connector: files\ndatasets:\n  shop.orders:\n    files: '%s/orders-*'\n    %s\n    duplicates: last\n", dir, e.mapping)
}

func (e *exported) Server() *connectortest.Server  { return nil }
func (e *exported) Config() string                 { return e.config(e.dir) }
func (e *exported) Variables() map[string]string   { return nil }
func (e *exported) Wrong() map[string]string       { return nil }
func (e *exported) Expire() bool                   { return false }
func (e *exported) Remove(int) map[string][]string { return nil } // a file that is gone says nothing of orders
func (e *exported) Down() (config string, is error) {
	return e.config(e.dir + "/other"), connectors.ErrNoInput
}
func (e *exported) Rows() map[string][]string {
	rows := make([]string, 0, len(e.orders))
	for id := range e.orders {
		rows = append(rows, id)
	}
	return map[string][]string{"shop.orders": rows}
}

// Touch has a file come with orders as they are now, and a line be appended.
func (e *exported) Touch(n int) map[string][]string {
	var keys []string
	var lines strings.Builder
	for range n {
		e.taken += 97
		id := strconv.Itoa(e.taken % 2_000)
		fmt.Fprintf(&lines, "%s,changed %d\n", id, e.taken)
		keys = append(keys, id)
		e.orders[id] = true
	}
	e.file(lines.String())
	e.append(e.more(1))
	keys = append(keys, strconv.Itoa(e.last))
	slices.Sort(keys)
	return map[string][]string{"shop.orders": keys}
}

func (e *exported) Troubles() map[string]func() {
	return map[string]func(){
		"lines that are appended meanwhile": func() { e.append(e.more(3)) },
		"files that are renamed meanwhile": func() {
			e.rename("orders-001.csv.gz", "orders-x.csv.gz")
			e.rename("orders-002.csv.gz", "orders-001.csv.gz")
			e.rename("orders-x.csv.gz", "orders-002.csv.gz")
		},
		"files that come meanwhile": func() { e.file(e.more(5)) },
	}
}
