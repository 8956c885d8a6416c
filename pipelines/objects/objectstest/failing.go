package objectstest

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"

	"winback/pipelines/objects"
)

// ErrKilled is how a store fails whose process was killed.
var ErrKilled = errors.New("the process was killed")

// Killed is a store that a process sees which is killed: from one request on nothing
// is done any more. Whether that request itself is done is decided by Done.
type Killed struct {
	objects.Store
	At   int  // number of the request, from 1; 0 for never
	Done bool // the request at which it is killed is done all the same

	mu   sync.Mutex
	seen []string
}

// Requests are what was asked so far.
func (k *Killed) Requests() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.seen
}

// step counts a request and says whether it is done and whether its answer comes.
func (k *Killed) step(op, key string) (do bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen = append(k.seen, op+" "+key)
	if k.At == 0 || len(k.seen) < k.At {
		return true, nil
	}
	return k.Done && len(k.seen) == k.At, ErrKilled
}

// List is a request.
func (k *Killed) List(ctx context.Context, prefix string) iter.Seq2[objects.Info, error] {
	if _, err := k.step("list", prefix); err != nil {
		return func(yield func(objects.Info, error) bool) { yield(objects.Info{}, err) }
	}
	return k.Store.List(ctx, prefix)
}

// Folders is a request.
func (k *Killed) Folders(ctx context.Context, folder string) ([]string, error) {
	if _, err := k.step("folders", folder); err != nil {
		return nil, err
	}
	return k.Store.Folders(ctx, folder)
}

// Stat is a request.
func (k *Killed) Stat(ctx context.Context, key string) (objects.Info, error) {
	if _, err := k.step("stat", key); err != nil {
		return objects.Info{}, err
	}
	return k.Store.Stat(ctx, key)
}

// Read is a request.
func (k *Killed) Read(ctx context.Context, key string, part objects.Range) (io.ReadCloser, objects.Info, error) {
	if _, err := k.step("read", key); err != nil {
		return nil, objects.Info{}, err
	}
	return k.Store.Read(ctx, key, part)
}

// Write is a request.
func (k *Killed) Write(ctx context.Context, key string, body io.ReaderAt, size int64, when objects.Condition) (objects.Info, error) {
	do, err := k.step("write", key)
	if !do {
		return objects.Info{}, err
	}
	info, done := k.Store.Write(ctx, key, body, size, when)
	return info, errors.Join(done, err)
}

// Remove is a request for each key.
func (k *Killed) Remove(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		do, err := k.step("remove", key)
		if do {
			err = errors.Join(k.Store.Remove(ctx, key), err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Tidy is a request.
func (k *Killed) Tidy(ctx context.Context, prefix string) error {
	if _, err := k.step("tidy", prefix); err != nil {
		return err
	}
	return k.Store.Tidy(ctx, prefix)
}
