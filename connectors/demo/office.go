package demo

// office writes what the CRM knows of customers beyond their records.
type office struct {
	sales    *sales
	feedback *feedback
	staff    *staff
	outreach *outreach
	plans    *plans
	diary    *diary
}

func openOffice(w *world, files *fileSet, count *tally) (*office, error) {
	var o office
	var err error
	if o.sales, err = newSales(w, files, count.funnel); err != nil {
		return nil, err
	}
	if o.feedback, err = newFeedback(w, files, count); err != nil {
		return nil, err
	}
	if o.staff, err = newStaff(w, files); err != nil {
		return nil, err
	}
	if o.outreach, err = newOutreach(w, files, count); err != nil {
		return nil, err
	}
	if o.plans, err = newPlans(w, files, count); err != nil {
		return nil, err
	}
	o.diary, err = newDiary(w, files)
	return &o, err
}

func (o *office) customer(c *customer, l *life) {
	o.staff.customer(c)
	o.sales.customer(c, l)
	o.feedback.customer(c, l)
	o.outreach.customer(c, l)
	o.plans.customer(c, l)
	o.diary.customer(c, l)
}

func (o *office) close(files *fileSet) error {
	if err := o.sales.finish(files); err != nil {
		return err
	}
	if err := o.diary.list.finish(files); err != nil {
		return err
	}
	for _, t := range []*table{o.feedback.t, o.staff.t, o.outreach.t, o.plans.t} {
		if err := files.finish(t); err != nil {
			return err
		}
	}
	return nil
}
