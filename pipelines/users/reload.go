package users

import "slices"

// OnLeave has f called with the name of each user who was removed or given
// another password, role or set of databases: what they have open is to end.
func (d *Directory) OnLeave(f func(name string)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notices = append(d.notices, f)
}

// Refresh reads the file anew when it has changed. One that can't be read leaves
// the users as they were: a slip of the pen locks nobody out. Each login does it;
// a service does it now and then as well, for those who left and would not log in
// again.
func (d *Directory) Refresh() {
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
	vanished := now.identity == nil && len(before) > 0
	d.lost = now.identity == nil && (d.lost || vanished)
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
	if d.guest != nil && len(d.fixed) == 0 && len(before) == 0 && len(list) > 0 {
		left = append(left, d.guest.Name)
	}
	notices := slices.Clone(d.notices)
	d.mu.Unlock()
	if vanished {
		d.log.Error("the file of users is gone: nobody of it is let in until it is there again", "file", d.file.Path())
	}
	for _, name := range left {
		for _, notice := range notices {
			notice(name)
		}
	}
	return nil
}
