package landing

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// QuarantineState says what has become of a record that was put aside.
type QuarantineState string

// The states of records that were put aside. All but StillOpen are final.
const (
	StillOpen QuarantineState = "open"
	Replayed  QuarantineState = "replayed"  // fitted later, and its rows were landed
	Resolved  QuarantineState = "resolved"  // its input was read again since, and that reading counts
	Discarded QuarantineState = "discarded" // somebody said that it is not wanted
)

// Settlement is an entry of the quarantine's log: what happened to records that
// one run put aside. It is written with the manifest of the run that did it, and a
// compaction keeps it as it is.
type Settlement struct {
	// Of is the run that put the records aside.
	Of      string          `json:"of"`
	State   QuarantineState `json:"state"` // open: it was tried and still does not fit
	Records Numbers         `json:"records"`
	Column  string          `json:"column,omitempty"`
	Reason  string          `json:"reason,omitempty"` // why it does not fit, or is not wanted
	// RunID is the run that did it, By the person who asked for it.
	RunID string    `json:"run_id"`
	By    string    `json:"by,omitempty"`
	At    time.Time `json:"at"`
}

// Numbers is a set of record numbers from 1 in ascending order: 1-400,402.
type Numbers string

// NumbersOf writes numbers, which need not be in order.
func NumbersOf(list []int) Numbers {
	list = slices.Compact(slices.Sorted(slices.Values(list)))
	var text strings.Builder
	for i := 0; i < len(list); {
		last := i
		for last+1 < len(list) && list[last+1] == list[last]+1 {
			last++
		}
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(strconv.Itoa(list[i]))
		if last > i {
			text.WriteByte('-')
			text.WriteString(strconv.Itoa(list[last]))
		}
		i = last + 1
	}
	return Numbers(text.String())
}

// ErrNumbers says that a text is no set of numbers.
var ErrNumbers = errors.New("wants numbers from 1, as 1-400,402")

// Each calls do with every number up to most. The error is ErrNumbers.
func (n Numbers) Each(most int, do func(int)) error {
	if n == "" {
		return nil
	}
	for part := range strings.SplitSeq(string(n), ",") {
		from, to, isRange := strings.Cut(part, "-")
		first, err := strconv.Atoi(from)
		last := first
		if isRange && err == nil {
			last, err = strconv.Atoi(to)
		}
		if err != nil || first < 1 || last < first {
			return fmt.Errorf("%q: %w", string(n), ErrNumbers)
		}
		for i := first; i <= min(last, most); i++ {
			do(i)
		}
	}
	return nil
}
