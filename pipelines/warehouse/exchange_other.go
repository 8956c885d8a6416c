//go:build !linux

package warehouse

import "errors"

// exchange swaps the names of two folders in one step, which this system cannot.
func exchange(_, _ string) error { return errors.ErrUnsupported }
