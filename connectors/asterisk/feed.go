package asterisk

import (
	"context"
	"time"
)

// piece is one record of a log: a leg of a call, or an event of a queue.
type piece struct {
	at    time.Time // when it was written down, about
	leg   *leg
	event *event
	wrong string // why it is neither
	text  string // as it was written
	place place
	queue bool // it is of the queue log
	again bool // it was read by an earlier extraction
}

// place is where a piece stands.
type place struct {
	File   string `json:"file,omitzero"` // its first line's hash
	Offset int64  `json:"offset,omitzero"`
	Line   int64  `json:"line,omitzero"`
	End    int64  `json:"end,omitzero"` // where the file ended when it was read last
	// Size and Changed are those of the file then: as long as they stay, and nothing
	// of it is to be read again, it is not opened.
	Size    int64     `json:"size,omitzero"`
	Changed time.Time `json:"changed,omitzero"`
	// Of a table: from when on it is to be read again, how far it was read, and how
	// many rows it had from there on.
	From time.Time `json:"from,omitzero"`
	Upto time.Time `json:"upto,omitzero"`
	Rows int64     `json:"rows,omitzero"`

	name string // path, for messages
}

// feed gives the pieces of a log in the order in which they were written.
type feed interface {
	// next returns nil at the end.
	next(ctx context.Context) (*piece, error)
	// fresh says whether there is more than earlier extractions have read.
	fresh(ctx context.Context) (bool, error)
	// mark is where to begin so that everything from a time on is read again; upto
	// is how far it was read.
	mark(ctx context.Context, from, upto time.Time) ([]place, error)
	close()
}
