package main

import (
	"io"
	"testing"
	"time"

	"winback/pipelines"
)

// A run may load and build more than once; what broke off of the first time keeps nobody
// waiting at the end.
func TestBars_EndWhereTheyStand(t *testing.T) {
	t.Parallel()
	b := newBars(io.Discard)
	for range 2 {
		b.Loading(pipelines.LoadSummary{Files: 1, Rows: 10})
		b.Building(3)
	}
	ended := make(chan struct{})
	go func() { b.Close(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the bars do not end")
	}
}
