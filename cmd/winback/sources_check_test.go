package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"winback/connectors"
	"winback/pipelines"
)

// checked is a source whose check takes a time and ends with an error.
type checked struct {
	connectors.Source
	takes time.Duration
	err   error
}

func (c checked) Datasets() []connectors.Dataset { return nil }

func (c checked) Check(ctx context.Context) ([]connectors.Finding, error) {
	found := []connectors.Finding{{Dataset: "orders", OK: true, Text: "7 records"}}
	return found, errors.Join((connectors.SystemClock{}).Sleep(ctx, c.takes), c.err)
}

// Sources are checked side by side, and one that does not answer keeps no other
// from being told of.
func TestCheckAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		found, err := checkAll(t.Context(), nil, []pipelines.Source{
			{Name: "silent", Source: checked{takes: time.Hour}},
			{Name: "slow", Source: checked{takes: time.Minute}},
			{Name: "refusing", Source: checked{err: errors.New("the token is refused")}},
		}, t.Logf)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range found {
			for _, f := range s.Findings {
				got = append(got, s.Source+": "+f.Text)
			}
		}
		want := "silent: 7 records, silent: the source did not answer all questions within 2m0s; try it again, or look at the system, " +
			"slow: 7 records, refusing: 7 records, refusing: the token is refused"
		if strings.Join(got, ", ") != want {
			t.Errorf("got %q", got)
		}
		if took := time.Since(started); took != checkWithin {
			t.Errorf("it took %v", took)
		}
	})
}
