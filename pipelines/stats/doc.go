// Package stats is the statistics that winback computes in Go: models of repeat
// purchases and of spend fitted by maximum likelihood, intervals of rates and of
// their differences, tests of lifetimes and of experiments, and their size.
//
// Nothing here knows of the warehouse. Every function is a formula with its
// source; the published numbers it has to meet are its tests. Results do not
// depend on the number of processors: sums are added in one order.
package stats
