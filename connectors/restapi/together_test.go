package restapi

import (
	"context"
	"errors"
	"testing"
)

func TestTogether_PagesComeOneByOne(t *testing.T) {
	var jobs []Job[int]
	for i := range 10 {
		jobs = append(jobs, func(_ context.Context, give func(int) error) error { return errors.Join(give(i), give(i)) })
	}
	sum := 0
	if err := Together(t.Context(), 3, jobs, func(n int) error { sum += n; return nil }); err != nil || sum != 90 {
		t.Errorf("got %d, %v", sum, err)
	}
}

func TestTogether_TheFirstErrorEndsAll(t *testing.T) {
	broken := errors.New("broken")
	forever := func(_ context.Context, give func(int) error) error {
		for {
			if err := give(1); err != nil {
				return err
			}
		}
	}
	if err := Together(t.Context(), 2, []Job[int]{forever, forever}, func(int) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("of the taker: %v", err)
	}
	fails := func(context.Context, func(int) error) error { return broken }
	if err := Together(t.Context(), 2, []Job[int]{forever, fails}, func(int) error { return nil }); !errors.Is(err, broken) {
		t.Errorf("of a job: %v", err)
	}
}
