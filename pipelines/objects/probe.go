package objects

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// Probe tries on an object of its own what commits and leases depend on: that objects
// can be written, read, listed and removed, and that a write whose condition does not
// hold is refused. There are services that take conditions and pay no heed to them;
// with those, two writers would overwrite each other's work.
func Probe(ctx context.Context, s Store) (err error) {
	if err := removeOldProbes(ctx, s); err != nil {
		return err
	}
	key := probeFolder + rand.Text()
	first, err := WriteBytes(ctx, s, key, []byte("first"), IfAbsent())
	if err != nil {
		return err
	}
	defer func() {
		if removed := s.Remove(context.WithoutCancel(ctx), key); err == nil {
			err = removed
		}
	}()
	if _, err := WriteBytes(ctx, s, key, []byte("second"), IfAbsent()); !errors.Is(err, ErrCondition) {
		return ignored(s, "If-None-Match", err)
	}
	second, err := WriteBytes(ctx, s, key, []byte("second"), IfUnchanged(first.Version))
	if err != nil {
		return err
	}
	if _, err := WriteBytes(ctx, s, key, []byte("third"), IfUnchanged(first.Version)); !errors.Is(err, ErrCondition) {
		return ignored(s, "If-Match", err)
	}
	text, info, err := ReadBytes(ctx, s, key)
	switch {
	case err != nil:
		return err
	case string(text) != "second" || info.Version != second.Version:
		return fmt.Errorf("%s gives back something else than was written just before: use a service that reads what it has written", s)
	}
	for listed, err := range s.List(ctx, key) {
		if err != nil || listed.Key == key {
			return err
		}
	}
	return fmt.Errorf("%s does not list what was written just before: use a service that does", s)
}

// TryWrite says whether objects can be written at all, before anything is done that is
// of no use without.
func TryWrite(ctx context.Context, s Store) error {
	key := probeFolder + rand.Text()
	if _, err := WriteBytes(ctx, s, key, []byte("probe"), Always()); err != nil {
		return err
	}
	return s.Remove(context.WithoutCancel(ctx), key)
}

const (
	probeFolder = "_probe/"
	// oldProbe is when a probe is nobody's any more that was killed.
	oldProbe = time.Hour
)

func removeOldProbes(ctx context.Context, s Store) error {
	var old []string
	for info, err := range s.List(ctx, probeFolder) {
		if err != nil {
			return err
		}
		if time.Since(info.Changed) > oldProbe {
			old = append(old, info.Key)
		}
	}
	return s.Remove(ctx, old...)
}

// ignored tells of a condition that was not kept, or of what else went wrong.
func ignored(s Store, header string, err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%s takes writes with %s and does not keep to it, so two writers could overwrite each other: use a service that does (Amazon S3, MinIO, Ceph, Cloudflare R2 …) in a recent version", s, header)
}
