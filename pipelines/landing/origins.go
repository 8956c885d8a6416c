package landing

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"os"

	"winback/connectors/entity"
)

// Origins of a part's rows are kept beside it until the commit: only then is it
// known which keys occur in two parts, and a message about a row has to say where
// it came from. Each row is two signed numbers, the differences to the row before.

const originsSuffix = ".origins" + tempSuffix

func (w *Writer) writeOrigins(p *part, b *buffer, rows rowRange) (err error) {
	path := p.path + originsSuffix
	f, err := w.zone.files.create(path)
	if err != nil {
		return storageError("write", path, err)
	}
	defer func() { err = errors.Join(err, storageError("write", path, f.Close())) }()
	out := bufio.NewWriterSize(failing{f, path}, 64<<10)
	var last entity.Origin
	for i := range rows.len() {
		at := b.origins[rows.row(i)]
		buf := binary.AppendVarint(out.AvailableBuffer(), int64(at.Input)-int64(last.Input))
		out.Write(binary.AppendVarint(buf, at.Line-last.Line)) //nolint:errcheck // kept until Flush
		last = at
	}
	return out.Flush()
}

// originReader reads the origins of a part's rows in the rows' order.
type originReader struct {
	path string
	file *os.File
	in   *bufio.Reader
	row  int64 // of the next origin
	last entity.Origin
}

func openOrigins(p *part) (*originReader, error) {
	path := p.path + originsSuffix
	f, err := os.Open(path)
	if err != nil {
		return nil, storageError("read", path, err)
	}
	return &originReader{path: path, file: f, in: bufio.NewReaderSize(f, 64<<10)}, nil
}

// at returns the origin of a row at or behind the last one asked for.
func (r *originReader) at(row int64) (entity.Origin, error) {
	for r.row <= row {
		input, err := binary.ReadVarint(r.in)
		if err == nil {
			var line int64
			line, err = binary.ReadVarint(r.in)
			r.last.Input, r.last.Line = r.last.Input+int32(input), r.last.Line+line
		}
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return entity.Origin{}, storageError("read", r.path, err)
		}
		r.row++
	}
	return r.last, nil
}

func (r *originReader) close() error { return r.file.Close() }
