package connectors

import "errors"

// Passing marks an error as one that may pass by itself, or as one that will not, and
// leaves what it says as it is: a run that meets the former tries the dataset again
// after a while. A connector says so where it knows better than the network's errors
// tell, as of a server that says it is too busy.
func Passing(passes bool, err error) error {
	if err == nil {
		return nil
	}
	return &passing{err, passes}
}

type passing struct {
	err    error
	passes bool
}

func (p *passing) Error() string { return p.err.Error() }
func (p *passing) Unwrap() error { return p.err }
func (p *passing) Passing() bool { return p.passes }

// IsPassing says whether an error may pass by itself, and whether its connector knows
// that.
func IsPassing(err error) (passes, known bool) {
	var knows interface{ Passing() bool }
	if !errors.As(err, &knows) {
		return false, false
	}
	return knows.Passing(), true
}
