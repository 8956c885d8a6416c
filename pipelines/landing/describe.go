package landing

import (
	"github.com/parquet-go/parquet-go/format"
)

// PartDescription says what a part file of the zone is made of.
type PartDescription struct {
	File
	RunID     string
	RowGroups int
	Columns   []ColumnDescription
}

// ColumnDescription says how a column of a part file is stored.
type ColumnDescription struct {
	Name      string // path of the Parquet column, with dots
	Encodings []string
	Bytes     int64 // in the file
	Unpacked  int64
	Nulls     int64
}

// DescribeParts returns what the part files of a source are made of, by run and
// in the order of the manifests. Errors as of Manifests and OpenPart.
func (z *Zone) DescribeParts(source string) ([]PartDescription, error) {
	manifests, err := z.Manifests(source)
	if err != nil {
		return nil, err
	}
	var list []PartDescription
	for _, m := range manifests {
		for _, f := range m.Files {
			p, err := z.OpenPart(f)
			if err != nil {
				return nil, err
			}
			list = append(list, p.describe(m.RunID, f))
			if err := p.Close(); err != nil {
				return nil, storageError("read", z.Path(f.Path), err)
			}
		}
	}
	return list, nil
}

func (p *Part) describe(runID string, f File) PartDescription {
	groups := p.data.Metadata().RowGroups
	d := PartDescription{File: f, RunID: runID, RowGroups: len(groups)}
	for at, path := range p.data.Schema().Columns() {
		column := ColumnDescription{}
		for i, name := range path {
			if i > 0 {
				column.Name += "."
			}
			column.Name += name
		}
		for _, g := range groups {
			column.add(&g.Columns[at].MetaData)
		}
		d.Columns = append(d.Columns, column)
	}
	return d
}

func (c *ColumnDescription) add(m *format.ColumnMetaData) {
	c.Bytes += m.TotalCompressedSize
	c.Unpacked += m.TotalUncompressedSize
	c.Nulls += m.Statistics.NullCount
pages:
	for _, s := range m.EncodingStats {
		if s.PageType == format.DictionaryPage {
			continue
		}
		for _, known := range c.Encodings {
			if known == s.Encoding.String() {
				continue pages
			}
		}
		c.Encodings = append(c.Encodings, s.Encoding.String())
	}
}
