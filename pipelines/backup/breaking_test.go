package backup

import (
	"context"
	"errors"
	"io"
	"sync"

	"winback/pipelines/objects"
)

// breaking is a store that fails after so many writes.
type breaking struct {
	objects.Store
	mu    sync.Mutex
	after int
}

func (b *breaking) Write(ctx context.Context, key string, body io.ReaderAt, size int64, when objects.Condition) (objects.Info, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.after == 0 {
		return objects.Info{}, errors.New("the store is gone")
	}
	b.after--
	return b.Store.Write(ctx, key, body, size, when)
}
