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
	again bool // it was read by an earlier extraction
}

// place is where a piece stands.
type place struct {
	File   string `json:"file"` // its first line's hash
	Offset int64  `json:"offset"`
	Line   int64  `json:"line"`
	End    int64  `json:"end"` // where the file ended when it was read last
	// Size and Changed are those of the file then: as long as they stay, and nothing
	// of it is to be read again, it is not opened.
	Size    int64     `json:"size"`
	Changed time.Time `json:"changed"`
	name    string    // path, for messages
}

// feed gives the pieces of a log in the order in which they were written.
type feed interface {
	// next returns nil at the end.
	next(ctx context.Context) (*piece, error)
	// fresh says whether there is more than earlier extractions have read.
	fresh() (bool, error)
	// mark is where to begin so that everything from a time on is read again.
	mark(from time.Time) []place
	close()
}
