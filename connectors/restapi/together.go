package restapi

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Job reads a part of what is wanted and gives it away page by page.
type Job[P any] func(ctx context.Context, give func(page P) error) error

// Together does jobs at once, so many at a time, and takes their pages one by one:
// each is called from the goroutine of the caller alone. The first error ends all
// of them.
func Together[P any](ctx context.Context, workers int, jobs []Job[P], each func(page P) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pages := make(chan P)
	readers, within := errgroup.WithContext(ctx)
	readers.SetLimit(workers)
	give := func(page P) error {
		select {
		case pages <- page:
			return nil
		case <-within.Done():
			return within.Err()
		}
	}
	ended := make(chan error, 1)
	go func() {
		for _, j := range jobs {
			readers.Go(func() error { return j(within, give) })
		}
		ended <- readers.Wait()
		close(pages)
	}()
	var failed error
	for p := range pages {
		if failed != nil {
			continue // the readers are ending
		}
		if failed = each(p); failed != nil {
			cancel()
		}
	}
	if err := <-ended; failed == nil {
		return err
	}
	return failed
}
