package demo

// staff writes who looked after which firm and when.
type staff struct {
	w *world
	t *table
}

func newStaff(w *world, files *fileSet) (*staff, error) {
	t, err := files.create(dataDir+"/manager_assignments.csv", officeFormat("Клиент", "Менеджер", "С", "По"))
	return &staff{w, t}, err
}

// customer writes the managers of a firm one after another: the next takes over on
// the day on which the one before is gone.
func (s *staff) customer(c *customer) {
	if !c.isFirm() || !c.inCRM {
		return
	}
	for from := c.day; ; {
		in := managerOf(c, from, s.w)
		until := managers[in].left(s.w)
		s.t.integer(c.crmID())
		s.t.plain(managers[in].id)
		s.t.plain(s.w.dayText(from))
		if until > s.w.lastDay {
			s.t.null()
			s.t.endRow()
			return
		}
		s.t.plain(s.w.dayText(until))
		s.t.endRow()
		from = until
	}
}
