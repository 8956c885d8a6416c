package landing

import (
	"context"
	"slices"
)

// KeptFailures is how many failed extractions of a dataset the zone keeps, with the
// records that did not fit. A dataset that fails every hour would fill the disk.
const KeptFailures = 5

// pruneFailures removes all but the last failures of a dataset. The note of a
// failure goes first: files that nothing names are removed by Recover.
func (z *Zone) pruneFailures(ctx context.Context, source, dataset string) error {
	failures, err := z.Failures(source)
	if err != nil {
		return err
	}
	failures = slices.DeleteFunc(failures, func(m *Manifest) bool { return m.Dataset != dataset })
	for _, m := range failures[:max(len(failures)-KeptFailures, 0)] {
		if err := z.removeFailure(ctx, source, m); err != nil {
			return err
		}
	}
	return nil
}
