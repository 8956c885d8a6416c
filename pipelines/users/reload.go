package users

import (
	"context"
	"os"
	"slices"
	"time"
)

// OnLeave has f called with the name of each user who was removed or given
// another password, role or set of databases: what they have open is to end.
func (d *Directory) OnLeave(f func(name string)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notices = append(d.notices, f)
}

// refresh reads the file anew when it has changed. One that can't be read leaves
// the users as they were: a slip of the pen locks nobody out.
func (d *Directory) refresh() {
	if d.file == nil {
		return
	}
	now, err := d.file.stamp()
	if err == nil {
		d.mu.Lock()
		same := now.same(d.stamp)
		d.mu.Unlock()
		if same {
			return
		}
		err = d.reload()
	}
	if err != nil {
		d.log.Error("the users stay as they were", "error", err)
	}
}

// reload reads the file and tells about those who left.
func (d *Directory) reload() error {
	now, err := d.file.stamp()
	if err != nil {
		return err
	}
	list, err := d.file.Read()
	d.mu.Lock()
	d.stamp = now // one that is broken is not read again and again
	if err != nil {
		d.mu.Unlock()
		return err
	}
	before := d.byName
	d.byName = map[string]entry{}
	for _, u := range list {
		hash, err := parseHash(u.Password)
		if err != nil {
			hash = d.nobody
		}
		d.byName[u.Name] = entry{u, hash}
	}
	var left []string
	for name, e := range before {
		if now, still := d.byName[name]; !still || now.Password != e.Password || now.Role != e.Role || !slices.Equal(now.Databases, e.Databases) {
			left = append(left, name)
		}
	}
	notices := slices.Clone(d.notices)
	d.mu.Unlock()
	for _, name := range left {
		for _, notice := range notices {
			notice(name)
		}
	}
	return nil
}

// Watch looks at the file every so often, and at once for each signal, until the
// context ends. Logins look at it themselves; Watch is for those who have left
// and would not log in again.
func (d *Directory) Watch(ctx context.Context, every time.Duration, signals <-chan os.Signal) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-signals:
		}
		d.refresh()
	}
}
