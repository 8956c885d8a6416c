package scaffold

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// foreign are files that people take for data, by how they begin.
var foreign = []struct{ begin, what string }{
	{"%PDF-", "a PDF document"}, {"\x89PNG", "a picture (PNG)"}, {"\xff\xd8\xff", "a picture (JPEG)"}, {"GIF8", "a picture (GIF)"},
	{"\x7fELF", "a program"}, {"MZ\x90", "a program"}, {"Rar!", "a RAR archive: unpack it, or pack it as zip"}, {"7z\xbc\xaf", "a 7z archive: unpack it, or pack it as zip"},
}

const whatIsRead = "; CSV, TSV, JSON, NDJSON, Excel (.xlsx) and Parquet are read"

// noTable says why the beginning of a file cannot be that of a text with a table, "" if it can.
func noTable(start []byte) string {
	if kind := foreignKind(start); kind != "" {
		return kind
	}
	if strings.HasPrefix(encodingOf(start), "utf-16") {
		return ""
	}
	start = start[:min(len(start), 4096)]
	odd := 0
	for _, c := range start {
		if c < ' ' && !slices.Contains([]byte("\t\r\n\f\v"), c) {
			odd++
		}
	}
	if odd*50 > len(start) {
		return "it is no table: it holds bytes that are no text" + whatIsRead
	}
	return ""
}

func foreignKind(start []byte) string {
	for _, kind := range foreign {
		if bytes.HasPrefix(start, []byte(kind.begin)) {
			return "it is no table but " + kind.what + whatIsRead
		}
	}
	return ""
}

// noRecords says why a JSON text gives no columns.
func noRecords(text []byte) error {
	line, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
	if len(line) == 0 {
		return errors.New("it holds no records")
	}
	var value any
	if err := json.Unmarshal(line, &value); err != nil {
		return fmt.Errorf("its JSON is damaged or was cut off (%w)", err)
	}
	if object, is := value.(map[string]any); is && len(object) == 0 {
		return errors.New("its JSON objects have no members")
	}
	return errors.New(`its JSON holds no objects: a record is an object such as {"id": 1, "total": 9.9}`)
}
