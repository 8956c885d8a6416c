package connectors

import "errors"

// Errors of a whole source: its other datasets would meet the same. They are
// wrapped in what says more.
var (
	// ErrUnreachable says that the source does not answer, or not in time.
	ErrUnreachable = errors.New("the source cannot be reached")
	// ErrRefused says that the source does not accept the credentials, or that they
	// are not for the whole of it.
	ErrRefused = errors.New("the source refuses the credentials")
	// ErrEnough is what the sink of a sample returns when it has enough.
	ErrEnough = errors.New("there are enough rows for a sample")
)

// WholeSource marks an error as one of ErrUnreachable and ErrRefused, and leaves
// what it says as it is.
func WholeSource(kind, err error) error { return &wholeSource{kind, err} }

type wholeSource struct{ kind, err error }

func (w *wholeSource) Error() string        { return w.err.Error() }
func (w *wholeSource) Unwrap() error        { return w.err }
func (w *wholeSource) Is(target error) bool { return target == w.kind }

// OfWholeSource says whether an error is not about a dataset but the source as a
// whole.
func OfWholeSource(err error) bool {
	return errors.Is(err, ErrUnreachable) || errors.Is(err, ErrRefused)
}
