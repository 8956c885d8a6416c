package backup

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"winback/pipelines/objects"
)

// Keep says which backups stay: the last Count, or those younger than Age. The last
// one always stays. The zero value keeps all.
type Keep struct {
	Count int
	Age   time.Duration
}

// ParseKeep reads 14 (backups) or 7d, 36h (an age).
func ParseKeep(text string) (Keep, error) {
	if text == "" {
		return Keep{}, nil
	}
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return Keep{Count: n}, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n < 100_000 {
			return Keep{Age: time.Duration(n) * 24 * time.Hour}, nil
		}
	}
	if age, err := time.ParseDuration(text); err == nil && age > 0 {
		return Keep{Age: age}, nil
	}
	return Keep{}, fmt.Errorf("wants a number of backups, as 14, or an age, as 30d or 36h; got %q", text)
}

// outdated returns the backups that need not stay, of all, oldest first.
func (k Keep) outdated(all []*Manifest, now time.Time) []*Manifest {
	var gone []*Manifest
	for i, m := range all {
		later := len(all) - 1 - i
		if later > 0 && (k.Count > 0 && later >= k.Count || k.Age > 0 && now.Sub(m.TakenAt) > k.Age) {
			gone = append(gone, m)
		}
	}
	return gone
}

// Prune removes backups that need not stay, and then what no backup names: their
// objects, and those of backups that broke off. It must not be called while a
// backup is being stored. It returns the ids of the backups it removed.
func Prune(ctx context.Context, store objects.Store, keep Keep, now time.Time) ([]string, error) {
	all, err := List(ctx, store)
	if err != nil {
		return nil, err
	}
	var removed []string
	gone := map[string]bool{}
	for _, m := range keep.outdated(all, now) {
		if err := store.Remove(ctx, manifestKey(m.ID)); err != nil {
			return removed, fmt.Errorf("remove backup %s: %w", m.ID, err)
		}
		gone[m.ID] = true
		removed = append(removed, m.ID)
	}
	named := map[string]bool{}
	for _, m := range all {
		if gone[m.ID] {
			continue
		}
		for _, f := range m.Files {
			if f.Link == "" {
				named[m.objectKey(f.SHA256)] = true
			}
		}
	}
	return removed, removeUnnamed(ctx, store, named)
}

func removeUnnamed(ctx context.Context, store objects.Store, named map[string]bool) error {
	var unnamed []string
	for info, err := range store.List(ctx, objectFolder) {
		if err != nil {
			return fmt.Errorf("list what is stored: %w", err)
		}
		if !named[info.Key] {
			unnamed = append(unnamed, info.Key)
		}
	}
	if err := store.Remove(ctx, unnamed...); err != nil {
		return fmt.Errorf("remove what no backup needs: %w", err)
	}
	return store.Tidy(ctx, objectFolder)
}
