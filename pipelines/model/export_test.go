package model

// BuildTouchedAlways makes incremental models build only what is touched, however
// much that is.
func (o *RunnerOptions) BuildTouchedAlways() { o.wholeAbove = 2 }

// BeforePartition has f asked before a partition is replaced; its error ends the
// build there.
func (o *RunnerOptions) BeforePartition(f func(model, partition string) error) {
	o.beforePartition = f
}
