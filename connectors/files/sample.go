package files

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zip"
	"github.com/valyala/fastjson"
)

// Place is where in a file a table stands.
type Place struct {
	Member    string // of an archive; "" for the file itself
	Sheet     string // of a workbook; "" for the one that would be read
	HeaderRow int    // row or line with the names of the columns; 0 to find it
}

// Sampled is the begin of a table of a file, whatever its format.
type Sampled struct {
	Format  string // csv, tsv, ndjson, json, xlsx, parquet
	Found   string // how it is written, for people
	Records string // path of the array of a JSON document that holds the records
	// Text holds the records: as JSON objects, one a line, or as delimited lines,
	// without their header. Its first line is that of number Line in the table: of a
	// sheet lines are rows, of which those above the records are empty.
	Text      []byte
	Line      int64
	JSON      bool
	Delimiter byte
	// Columns are their names, where the format tells them.
	Columns []string
	Whole   bool // Text is all there is
}

// Places lists the tables of a file: the members of an archive, the sheets of a
// workbook that are not hidden, else the file itself. The error says in a sentence
// why it cannot be read.
func Places(path string) (list []Place, err error) {
	file, err := open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.close()) }()
	var start [4]byte
	if _, err := file.file.ReadAt(start[:], 0); err != nil || string(start[:]) != magicZip {
		return []Place{{}}, nil
	}
	archive, err := zip.NewReader(file, file.size)
	if err != nil || otherOffice(archive.File) != "" {
		return []Place{{}}, nil // reading it says what is wrong
	}
	if isWorkbook(archive.File) {
		return sheetPlaces(file, archive.File), nil
	}
	for _, m := range (&content{}).chosen(archive.File) {
		list = append(list, Place{Member: memberName(m)})
	}
	if len(list) == 0 {
		return []Place{{}}, nil
	}
	return list, nil
}

func sheetPlaces(file *opened, all []*zip.File) []Place {
	w, err := openWorkbook(file, all)
	if err != nil {
		return []Place{{}}
	}
	var list []Place
	for _, s := range w.sheets {
		if !s.hidden {
			list = append(list, Place{Sheet: s.name})
		}
	}
	if len(list) == 0 {
		return []Place{{}}
	}
	return list
}

// Sample reads the begin of a table of a file, at most so many bytes of text, as the
// connector would. The error says in a sentence why it cannot be read.
func Sample(path string, at Place, most int64) (*Sampled, error) {
	first, err := beginOf(path, at, "", most)
	if err != nil || first.Format != formatJSON && first.Format != formatNDJSON {
		return first, err
	}
	records := longestArray(first.Text)
	if records == "" {
		return first, nil
	}
	inner, err := beginOf(path, at, records, most)
	if err == nil {
		inner.Records = records
	}
	return inner, err
}

func beginOf(path string, at Place, records string, most int64) (out *Sampled, err error) {
	file, err := open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.close()) }()
	p := &plan{config: &Dataset{Records: records, HeaderRow: at.HeaderRow}}
	c := candidate{path: path, name: filepath.Base(path)}
	if at.Sheet != "" {
		p.config.Sheet = []string{at.Sheet}
	}
	if at.Member != "" {
		c.members = []string{escaped(at.Member)}
	}
	err = file.tables(p, c, func(t *table) error {
		if t.problem != "" {
			return fmt.Errorf("%s: %s", t.input, t.problem)
		}
		if at.Sheet != "" && t.bound.sheet != at.Sheet {
			return nil // its number is the other one's name
		}
		text, err := io.ReadAll(io.LimitReader(t.text, most))
		if err != nil && damage(err) == "" {
			return err
		}
		out = &Sampled{
			Format: t.format(), Found: t.describe(), Text: text, JSON: t.bound.document || t.bound.format == formatNDJSON, Line: t.bound.line,
			Delimiter: t.bound.delimiter, Columns: slices.Clone(t.bound.header), Whole: int64(len(text)) < most && err == nil,
		}
		if len(text) == 0 && err != nil {
			return fmt.Errorf("%s: %s", t.input, damage(err))
		}
		return errEnough
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	if out == nil {
		return nil, fmt.Errorf("%s: it holds no table", filepath.Base(path))
	}
	return out, nil
}

// escaped is a pattern that fits a name alone.
func escaped(name string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `{`, `\{`, `}`, `\}`, `\`, `\\`).Replace(name)
}

// format names the format of a table.
func (t *table) format() string {
	for _, name := range []string{formatXLSX, formatParquet, formatJSON, formatNDJSON, formatTSV} {
		if slices.ContainsFunc(t.found, func(found string) bool {
			return strings.EqualFold(found, name) || name == formatXLSX && strings.Contains(found, "sheet")
		}) {
			return name
		}
	}
	return formatCSV
}

// deepestRecords is how deep in a JSON document records are looked for.
const deepestRecords = 3

// numbers are members that number a record, and envelopes those that hold an answer's
// records beside a number of the answer itself.
var (
	numbers   = []string{"id", "uuid", "guid", "order_id", "orderid", "order_number", "ordernumber", "номер"}
	envelopes = []string{"result", "results", "data", "records", "rows", "response"}
)

// isRecord tells an object that is a record of its own, with lists that are its
// parts, from one around records.
func isRecord(object *fastjson.Object) bool {
	own := false
	object.Visit(func(key []byte, inner *fastjson.Value) {
		name, isText := strings.ToLower(string(key)), inner.Type() == fastjson.TypeString
		scalar := isText || inner.Type() == fastjson.TypeNumber
		own = own || scalar && slices.Contains(numbers, name) || isText && name == "number" // else it may be a page's
	})
	return own
}

// longestArray returns the path of the longest array of objects in the only record
// of a JSON document, as answers of services have; "" where the records stand at
// the top.
func longestArray(text []byte) string {
	line, rest, _ := strings.Cut(string(text), "\n")
	if strings.TrimSpace(rest) != "" {
		return "" // several records
	}
	v, err := fastjson.Parse(line)
	if err != nil {
		return ""
	}
	best, path := 0, ""
	var look func(v *fastjson.Value, at []string)
	look = func(v *fastjson.Value, at []string) {
		if v.Type() == fastjson.TypeArray {
			if list := v.GetArray(); len(list) > best && list[0].Type() == fastjson.TypeObject {
				best, path = len(list), strings.Join(at, ".")
			}
			return
		}
		object, err := v.Object()
		if err != nil || len(at) == deepestRecords {
			return
		}
		own := isRecord(object)
		object.Visit(func(key []byte, inner *fastjson.Value) {
			part := own && !slices.Contains(envelopes, strings.ToLower(string(key)))
			if !strings.Contains(string(key), ".") && !part {
				look(inner, append(slices.Clone(at), string(key)))
			}
		})
	}
	look(v, nil)
	return path
}
