package model

// BeforePartition has f asked before a partition is replaced; its error ends the
// build there.
func (o *RunnerOptions) BeforePartition(f func(model, partition string) error) {
	o.beforePartition = f
}
