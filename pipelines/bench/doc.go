// Package bench measures the road against the fastest thing there is here, the
// engine itself: make bench runs it. The data are made on the spot; a benchmark
// runs both sides in turn and reports the medians and their ratio.
package bench
