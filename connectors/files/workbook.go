package files

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/klauspost/compress/zip"
)

// workbook is an Excel workbook, opened. Sheets are read as a stream: the usual
// library for them keeps no cell's type while it streams, and whole sheets in
// memory where it does.
type workbook struct {
	file     *opened
	parts    map[string]*zip.File
	sheets   []sheetRef
	date1904 bool
	kinds    []numberKind // by style
	texts    *sharedTexts
	strings  string // part with the texts of cells, "" if there is none
}

// sheetRef is a sheet of a workbook.
type sheetRef struct {
	name   string
	part   string
	hidden bool
}

const mainPart = "xl/workbook.xml"

// isWorkbook tells workbooks from other archives.
func isWorkbook(all []*zip.File) bool {
	return slices.ContainsFunc(all, func(m *zip.File) bool { return strings.TrimPrefix(memberName(m), "/") == mainPart })
}

// otherOffice says of an archive that is a spreadsheet of another kind what to do,
// "" if it is none.
func otherOffice(all []*zip.File) string {
	names := map[string]bool{}
	for _, m := range all {
		names[m.Name] = true
	}
	switch {
	case names["xl/workbook.bin"]:
		return "the file is a binary Excel workbook (.xlsb): save it as .xlsx"
	case names["mimetype"] && names["content.xml"]:
		return "the file is an OpenDocument spreadsheet (.ods): save it as .xlsx or .csv"
	}
	return ""
}

// openWorkbook reads what a workbook says about its sheets.
func openWorkbook(file *opened, all []*zip.File) (*workbook, error) {
	w := &workbook{file: file, parts: map[string]*zip.File{}}
	for _, m := range all {
		w.parts[strings.TrimPrefix(memberName(m), "/")] = m
	}
	targets, err := w.relations()
	if err != nil {
		return nil, err
	}
	err = w.each(mainPart, func(x *xmlReader) error {
		switch {
		case x.begins("workbookPr"):
			w.date1904 = isTrue(x.attr("date1904"))
		case x.begins("sheet"):
			if part := targets[string(x.attr("id"))]; part != "" {
				w.sheets = append(w.sheets, sheetRef{name: string(x.attr("name")), part: part, hidden: len(x.attr("state")) > 0 && string(x.attr("state")) != "visible"})
			}
		}
		return nil
	})
	return w, err
}

func isTrue(text []byte) bool { return string(text) == "1" || string(text) == "true" }

// relations finds the parts of the workbook. It returns those of sheets by id.
func (w *workbook) relations() (sheets map[string]string, err error) {
	sheets = map[string]string{}
	styles := ""
	err = w.each("xl/_rels/workbook.xml.rels", func(x *xmlReader) error {
		if !x.begins("Relationship") {
			return nil
		}
		target := string(x.attr("Target"))
		if after, absolute := strings.CutPrefix(target, "/"); absolute {
			target = after
		} else {
			target = path.Join("xl", target)
		}
		switch kind := string(x.attr("Type")); {
		case strings.HasSuffix(kind, "/worksheet"):
			sheets[string(x.attr("Id"))] = target
		case strings.HasSuffix(kind, "/styles"):
			styles = target
		case strings.HasSuffix(kind, "/sharedStrings"):
			w.strings = target
		}
		return nil
	})
	if err == nil && w.parts[styles] != nil {
		err = w.readStyles(styles)
	}
	return sheets, err
}

// readStyles finds out which styles show numbers as times.
func (w *workbook) readStyles(part string) error {
	codes := map[int]numberKind{}
	inCells := false
	return w.each(part, func(x *xmlReader) error {
		switch {
		case x.begins("numFmt"):
			if id, err := strconv.Atoi(string(x.attr("numFmtId"))); err == nil {
				codes[id] = formatKind(string(x.attr("formatCode")))
			}
		case x.begins("cellXfs"), x.ends("cellXfs"):
			inCells = x.kind == xmlBegin
		case inCells && x.begins("xf"):
			id, _ := strconv.Atoi(string(x.attr("numFmtId"))) // none: 0, the general format
			kind, own := codes[id]
			if !own {
				kind = builtinFormat(id)
			}
			w.kinds = append(w.kinds, kind)
		}
		return nil
	})
}

// open opens a part. Its errors are the workbook's damage.
func (w *workbook) open(part string) (io.ReadCloser, error) {
	m := w.parts[part]
	if m == nil {
		return nil, damagef(nil, "the workbook lacks its part %s: it is damaged", part)
	}
	if m.Flags&1 != 0 {
		return nil, damagef(nil, "the workbook is protected by a password: save it without one")
	}
	in, err := m.Open()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, packedDamage("zip", err)
	}
	return struct {
		io.Reader
		io.Closer
	}{&checked{name: "zip", file: w.file, in: in}, in}, nil
}

// each calls use with every token of a part.
func (w *workbook) each(part string, use func(*xmlReader) error) error {
	in, err := w.open(part)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read from
	x, err := newXMLReader(in)
	for err == nil {
		if err = x.next(); err == nil {
			err = use(x)
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// chosenSheets returns the sheets that the configuration asks for, by name, by
// pattern or by number. Where it says nothing it is the one with the most mapped
// columns of those that are not hidden, the first of equals.
func (w *workbook) chosenSheets(p *plan) ([]sheetRef, error) {
	var list []sheetRef
	for i, s := range w.sheets {
		if len(p.config.Sheet) == 0 && !s.hidden || slices.ContainsFunc(p.config.Sheet, func(want string) bool { return s.is(want, i+1) }) {
			list = append(list, s)
		}
	}
	if len(p.config.Sheet) > 0 || len(list) < 2 {
		return list, nil
	}
	best, most := 0, -1
	for i, s := range list {
		header, err := w.header(p, s, nil)
		if err != nil && damage(err) == "" {
			return nil, err
		}
		if err == nil && header.score > most {
			best, most = i, header.score
		}
	}
	return list[best : best+1], nil
}

func (s *sheetRef) is(want string, number int) bool {
	if strings.EqualFold(s.name, want) || strconv.Itoa(number) == want {
		return true
	}
	fits, err := doublestar.Match(strings.ToLower(want), strings.ToLower(s.name))
	return err == nil && fits
}

func (w *workbook) sheetNames() string {
	var names []string
	for _, s := range w.sheets {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

// sheetTables hands out the tables of a workbook.
func (c *content) sheetTables(p *plan, all []*zip.File, use func(*table) error) error {
	w, err := openWorkbook(c.file, all)
	if err != nil {
		return c.refused(p, err, use)
	}
	c.found = append(slices.DeleteFunc(c.found, func(name string) bool { return name == "zip" }), "XLSX")
	sheets, err := w.chosenSheets(p)
	if err != nil {
		return unreadable(c.name, err)
	}
	if len(sheets) == 0 {
		return use(c.unusable(p, fmt.Sprintf("the workbook has no sheet %s (it has: %s)", cmp.Or(strings.Join(p.config.Sheet, ", "), "that is not hidden"), w.sheetNames())))
	}
	for _, s := range sheets {
		if err := c.sheetTable(p, w, s, use); err != nil {
			return err
		}
	}
	return nil
}

// refused hands out what cannot be read as a table with a problem. Errors of
// reading stay errors.
func (c *content) refused(p *plan, err error, use func(*table) error) error {
	if reason := damage(err); reason != "" {
		return use(c.unusable(p, reason))
	}
	return unreadable(c.name, err)
}
