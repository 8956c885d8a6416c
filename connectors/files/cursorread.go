package files

import (
	"encoding/json"
	"fmt"

	"github.com/valyala/fastjson"
)

// cursorReader reads cursors, each in place of the one before.
type cursorReader struct {
	parser fastjson.Parser
	cursor cursor
}

// read returns what json.Unmarshal would, valid until the next is read; its texts
// stay valid.
func (r *cursorReader) read(raw json.RawMessage) (*cursor, error) {
	v, err := r.parser.ParseBytes(raw)
	if err != nil {
		return nil, err
	}
	if v.Type() != fastjson.TypeObject {
		return nil, fmt.Errorf("a %s is no cursor", v.Type())
	}
	c := cursor{Mapping: r.cursor.Mapping, Files: r.cursor.Files[:0]}
	f := fieldsOf{v: v}
	if mapping := f.bytes("mapping"); string(mapping) != c.Mapping {
		c.Mapping = string(mapping)
	}
	for _, file := range f.list("files") {
		of := fieldsOf{v: file}
		c.Files = append(c.Files, fileRead{
			Path: string(of.bytes("path")), Size: of.number("size"), Mtime: of.number("mtime"), Hash: string(of.bytes("hash")),
			Lines: of.number("lines"), Whole: of.truth("whole"), Open: of.truth("open"),
		})
		f.keep(of.err)
	}
	for _, gone := range f.list("gone") {
		name, err := gone.StringBytes()
		c.Gone = append(c.Gone, string(name))
		f.keep(err)
	}
	r.cursor = c
	return &r.cursor, f.err
}

// fieldsOf takes fields of an object. What is not there is empty; what has another
// type is an error.
type fieldsOf struct {
	v   *fastjson.Value
	err error
}

func (f *fieldsOf) keep(err error) {
	if f.err == nil {
		f.err = err
	}
}

// get returns a field, or nil.
func (f *fieldsOf) get(name string) *fastjson.Value {
	v := f.v.Get(name)
	if v == nil || v.Type() == fastjson.TypeNull {
		return nil
	}
	return v
}

func (f *fieldsOf) bytes(name string) []byte {
	v := f.get(name)
	if v == nil {
		return nil
	}
	text, err := v.StringBytes()
	f.keep(err)
	return text
}

func (f *fieldsOf) number(name string) int64 {
	v := f.get(name)
	if v == nil {
		return 0
	}
	n, err := v.Int64()
	f.keep(err)
	return n
}

func (f *fieldsOf) truth(name string) bool {
	v := f.get(name)
	if v == nil {
		return false
	}
	is, err := v.Bool()
	f.keep(err)
	return is
}

func (f *fieldsOf) list(name string) []*fastjson.Value {
	v := f.get(name)
	if v == nil {
		return nil
	}
	list, err := v.Array()
	f.keep(err)
	return list
}
