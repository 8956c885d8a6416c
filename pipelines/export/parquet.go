package export

import (
	"fmt"
	"io"

	"github.com/google/renameio/v2"
	"github.com/parquet-go/parquet-go"
)

// copyParquet writes the file as the engine encodes it, which knows the exact
// type of every column, and opens what was written: a file that cannot be read
// is none.
func (t Target) copyParquet(file *renameio.PendingFile, stream io.Reader, r *Result) error {
	source := &watched{r: stream}
	size, err := io.Copy(file, source)
	if err != nil {
		return source.orElse(t.wrap(err))
	}
	written, err := parquet.OpenFile(file, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return t.wrap(fmt.Errorf("the result is not whole: %w", err))
	}
	r.Bytes, r.Rows = size, written.NumRows()
	return nil
}
