package demo

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"
)

// unpacked returns a file's text.
func unpacked(t *testing.T, files map[string]string, name string) string {
	t.Helper()
	content, ok := files[name]
	if !ok {
		t.Fatalf("there is no %s", name)
	}
	if !strings.HasSuffix(name, ".gz") {
		return content
	}
	reader, err := gzip.NewReader(strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(text)
}

// readTable reads a file as a reader of the real system's exports would: torn
// lines, repeated lines and rows without an id are left out.
func readTable(t *testing.T, files map[string]string, name string, delimiter rune) []map[string]string {
	t.Helper()
	text := strings.TrimPrefix(unpacked(t, files, name), "\ufeff")
	reader := csv.NewReader(bytes.NewReader([]byte(text)))
	reader.Comma, reader.FieldsPerRecord = delimiter, -1
	records, err := reader.ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	header, seen := records[0], map[string]bool{}
	var rows []map[string]string
	for _, record := range records[1:] {
		whole := strings.Join(record, "\x00")
		if len(record) != len(header) || record[0] == "" || seen[whole] {
			continue
		}
		seen[whole] = true
		row := map[string]string{}
		for i, column := range header {
			row[column] = record[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// readMonths reads all files of a kind in the order of their months.
func readMonths(t *testing.T, files map[string]string, truth Truth, kind string) []map[string]string {
	t.Helper()
	var rows []map[string]string
	for _, f := range truth.Files {
		if strings.HasPrefix(f.Name, "data/"+kind+"_20") {
			rows = append(rows, readTable(t, files, f.Name, ',')...)
		}
	}
	return rows
}

func day(t *testing.T, text string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, text[:10])
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func amount(t *testing.T, text string) *big.Rat {
	t.Helper()
	n, ok := new(big.Rat).SetString(strings.Replace(text, ",", ".", 1))
	if !ok {
		t.Fatalf("%q is no amount", text)
	}
	return n
}
