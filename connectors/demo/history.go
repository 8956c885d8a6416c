package demo

// manager looks after firms. Those who left have a share of the history in which
// they still worked.
type manager struct {
	id, name, latin, department string
	hired                       int   // days before the start
	stayed                      int   // percent of the history, 100 if still here
	worse                       int64 // added to the hazard of the customers, in percent of it
}

var managers = []manager{
	{"M01", "Анна Белова", "anna.belova", "small firms", 900, 100, 0},
	{"M02", "Peter Lawson", "peter.lawson", "small firms", 400, 100, 0},
	{"M03", "Сергей Крылов", "sergey.krylov", "small firms", 1_500, 85, 0},
	{"M04", "Kate Doyle", "kate.doyle", "small firms", 120, 100, 80},
	{"M05", "Мария Титова", "maria.titova", "small firms", 700, 100, 0},
	{"M06", "Олег Дроздов", "oleg.drozdov", "wholesale", 2_100, 100, 0},
	{"M07", "Helen Marsh", "helen.marsh", "wholesale", 1_100, 100, 0},
	{"M08", "Игорь Савин", "igor.savin", "wholesale", 300, 92, 0},
}

// managerOf returns the number of the manager in charge of a firm on a day. When
// one leaves, the next of the department takes over.
func managerOf(c *customer, day int, w *world) int {
	first, count := 0, 5
	if segments[c.segment].name == "wholesale" {
		first, count = 5, 3
	}
	at := int(c.taste>>8) & 0xffff % count
	for managers[first+at].left(w) <= day {
		at = (at + 1) % count
	}
	return first + at
}

// segment returns the segment that the manager looks after.
func (m *manager) segment() string {
	if m.department == "wholesale" {
		return m.department
	}
	return "small_firm"
}

// left returns the first day without the manager.
func (m *manager) left(w *world) int {
	if m.stayed == 100 {
		return never
	}
	return w.monthStart(w.months) * m.stayed / 100
}

// writeSmallFiles writes what does not depend on customers.
func writeSmallFiles(w *world, files *fileSet) error {
	for _, write := range []func(*world, *fileSet) error{writeProducts, writeManagers, writeBusinessEvents, writeFunnels, writeAgents, writeCampaigns} {
		if err := write(w, files); err != nil {
			return err
		}
	}
	return nil
}

func writeProducts(w *world, files *fileSet) error {
	t, err := files.create(dataDir+"/products.csv", shopFormat("product_id", "sku", "name", "category", "brand", "price", "cost", "active", "withdrawn"))
	if err != nil {
		return err
	}
	for i := range w.catalogue.products {
		p := &w.catalogue.products[i]
		if p.from > w.lastDay {
			continue // not heard of yet
		}
		t.integer(p.id)
		t.plain(p.sku)
		t.text(p.name)
		t.text(p.category)
		t.text(p.brand)
		t.money(p.priceOn(w.lastDay, w.riseDay))
		t.money(p.cost)
		t.yes(p.withdrawn > w.lastDay)
		if p.withdrawn <= w.lastDay {
			t.plain(w.dayText(p.withdrawn))
		} else {
			t.null()
		}
		t.endRow()
	}
	return files.finish(t)
}

func writeManagers(w *world, files *fileSet) error {
	t, err := files.create(dataDir+"/managers.csv", officeFormat("ID", "Имя", "E-mail", "Отдел", "Принят", "Уволен", "Работает"))
	if err != nil {
		return err
	}
	for i := range managers {
		m := &managers[i]
		t.plain(m.id)
		t.text(m.name)
		t.plain(m.latin + "@winback-demo.example")
		t.plain(m.department)
		t.plain(w.dayText(-m.hired))
		if left := m.left(w); left <= w.lastDay {
			t.plain(w.dayText(left))
			t.plain("0")
		} else {
			t.null()
			t.plain("1")
		}
		t.endRow()
	}
	return files.finish(t)
}

// writeBusinessEvents writes what the company would tell of its history: the
// cause of the bad quarter, and things that customers did not mind.
func writeBusinessEvents(w *world, files *fileSet) error {
	t, err := files.create(dataDir+"/business_events.csv", shopFormat("id", "day", "kind", "title", "segment"))
	if err != nil {
		return err
	}
	for _, e := range w.eventsSoFar() {
		t.plain(e.ID)
		t.plain(w.dayText(e.day))
		t.plain(e.Kind)
		t.text(e.Title)
		t.plain(e.Segment)
		t.endRow()
	}
	return files.finish(t)
}
