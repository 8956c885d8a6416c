package demo

import (
	"context"
	"slices"
	"strings"
)

var (
	accountHeader = []string{"user_id", "email", "phone", "first_name", "last_name", "city", "country", "registered", "newsletter"}
	crmHeader     = []string{
		"ID", "Название", "Тип", "Сегмент", "E-mail", "Телефоны", "Город", "Страна", "Ответственный", "Создан",
		"Договор с", "Договор расторгнут", "Причина", "ID в магазине", "Рассылка",
	}
	linkHeader = []string{"customer", "entity", "id", "evidence"}
)

// writeCustomers plays every customer's life: the records of the customer go to
// the accounts and the CRM, the orders to events, what is true to the tally.
func writeCustomers(ctx context.Context, w *world, files *fileSet, events *spill, count *tally, progress func(Progress)) error {
	r := &registry{w: w, count: count}
	if err := r.open(files); err != nil {
		return err
	}
	var l life
	population := w.population()
	for i := range population {
		if i%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			progress(Progress{Stage: "customers", Done: int64(i), Total: int64(population)})
		}
		w.customer(i, w.arrival(i), &r.c)
		w.live(&r.c, &l)
		for _, e := range l.orders {
			if err := events.add(e); err != nil {
				return err
			}
		}
		r.write(&l)
		count.customer(&r.c, &l)
	}
	progress(Progress{Stage: "customers", Done: int64(population), Total: int64(population)})
	return r.close(files)
}

// registry writes the records that the shop and the CRM keep of customers.
type registry struct {
	w        *world
	count    *tally
	accounts *table
	crm      *table
	links    *table
	c        customer
	d        dice
}

func (r *registry) open(files *fileSet) error {
	var err error
	if r.accounts, err = files.create(dataDir+"/customers.csv", shopFormat(accountHeader...)); err != nil {
		return err
	}
	if r.crm, err = files.create(dataDir+"/crm_customers.csv", officeFormat(crmHeader...)); err != nil {
		return err
	}
	r.links, err = files.create(LinksFile, shopFormat(linkHeader...))
	return err
}

func (r *registry) close(files *fileSet) error {
	// The CRM's export closes with the number of its records.
	r.crm.plain("Всего")
	r.crm.integer(int(r.crm.rows))
	r.crm.endLine()
	r.count.dirt.ShortLines++
	for _, t := range []*table{r.accounts, r.crm, r.links} {
		if err := files.finish(t); err != nil {
			return err
		}
	}
	return nil
}

func (r *registry) write(l *life) {
	c := &r.c
	switch c.presence {
	case isGuest:
		r.link("shop.orders", "email", func(b []byte) []byte { return c.appendEmail(b) })
	case hasAccount:
		r.writeAccount(0, c.day*86_400+c.second)
		r.link("shop.customers", "first", func(b []byte) []byte { return appendInt(b, c.accountID(0)) })
	}
	if l.secondAt >= 0 {
		r.count.duplicates++
		r.writeAccount(1, l.secondAt)
		evidence := map[duplicate]string{sameBoth: "email phone", sameEmail: "email", samePhone: "phone"}[c.duplicate]
		r.link("shop.customers", evidence, func(b []byte) []byte { return appendInt(b, c.accountID(1)) })
	}
	if c.inCRM {
		r.writeCRM(l)
	}
	if r.begin(3); r.d.chance(4) {
		r.writeTestAccount()
	}
}

// begin turns the dice to one of the customer's records: one that appears later
// must not change the others.
func (r *registry) begin(record int) {
	r.d.start(r.w.seed, streamRecord, uint64(r.c.index), uint64(record))
}

// link notes that a record belongs to the customer.
func (r *registry) link(entity, evidence string, id func([]byte) []byte) {
	t := r.links
	t.integer(r.c.index)
	t.plain(entity)
	t.field()
	t.row = id(t.row)
	t.plain(evidence)
	t.endRow()
}

// writeAccount writes the first account of the customer (number 0) or the second.
func (r *registry) writeAccount(number, second int) {
	c, t := &r.c, r.accounts
	r.begin(number)
	t.integer(c.accountID(number))
	t.field()
	from := len(t.row)
	switch {
	case number == 1 && c.duplicate == samePhone:
		t.row = c.appendOtherEmail(t.row)
	case number == 1:
		t.row = c.appendEmail(t.row)
		shoutEmail(t.row, from, &r.d)
	default:
		t.row = c.appendEmail(t.row)
	}
	t.field()
	hasPhone := r.d.chance(8_500) || c.duplicate != noDuplicate
	if hasPhone && !(number == 1 && c.duplicate == sameEmail) {
		t.row = c.appendPhone(t.row, c.phoneStyle+number*2)
	}
	t.text(c.first.text)
	t.text(c.last.text)
	t.text(c.place.city)
	t.text(c.place.country)
	t.field()
	t.row = append(appendDottedDay(t.row, r.w.dayText(second/86_400)), ' ')
	t.row = appendClock(t.row, second%86_400)[:len(t.row)+5]
	t.yes(c.newsOK)
	t.endRow()
}

// writeTestAccount writes what a tester left behind: an account without a number.
func (r *registry) writeTestAccount() {
	r.accounts.row = append(r.accounts.row, ",test@test.example,,Test,Test,,,,no"...)
	r.accounts.endLine()
	r.count.dirt.MissingIDs++
}

func (r *registry) writeCRM(l *life) {
	c, t := &r.c, r.crm
	r.begin(2)
	r.link("crm.customers", r.crmEvidence(), c.appendCRMID)
	t.field()
	t.row = c.appendCRMID(t.row)
	if c.isFirm() {
		t.text(c.firmName())
		t.plain("Компания")
	} else {
		t.text(c.last.text + " " + c.first.text)
		t.plain("Физлицо")
	}
	t.plain(segments[c.segment].name)
	r.writeCRMContacts()
	t.text(c.place.city)
	t.text(c.place.country)
	r.writeCRMDates(l)
	if c.crmHasID && c.presence == hasAccount {
		t.integer(c.accountID(0))
	} else {
		t.null()
	}
	t.plain(zeroOne[c.newsOK])
	t.endRow()
}

var zeroOne = map[bool]string{false: "0", true: "1"}

func (r *registry) crmEvidence() string {
	if r.c.crmHasID && r.c.presence == hasAccount {
		return "external_id"
	}
	return "email"
}

// writeCRMContacts writes addresses and numbers as managers type them. A record
// that does not name the account always has the customer's own address.
func (r *registry) writeCRMContacts() {
	c, t, d := &r.c, r.crm, &r.d
	t.field()
	from := len(t.row)
	switch {
	case c.crmHasID && d.chance(500):
		t.row = append(t.row, []string{"-", "нет"}[d.below(2)]...)
	case c.isFirm() && d.chance(2_500):
		t.row = append(c.appendRoleEmail(t.row), ", "...)
		t.row = c.appendEmail(t.row)
	default:
		t.row = c.appendEmail(t.row)
		if d.chance(1_200) {
			shoutEmail(t.row, from, d)
		}
	}
	t.field()
	from = len(t.row)
	if d.chance(8_000) {
		t.row = c.appendPhone(t.row, d.below(phoneStyles))
	}
	if r.w.givesSwitchboard(c) {
		if len(t.row) > from {
			t.row = append(t.row, ", "...)
		}
		t.row = append(t.row, switchboard...)
		r.count.switchboardHolders++
	}
}

// writeCRMDates writes the manager, when the record was made and, for firms, the
// contract.
func (r *registry) writeCRMDates(l *life) {
	c, t, d, w := &r.c, r.crm, &r.d, r.w
	made := c.day
	if w.isTakenOver(c.day) && d.chance(8_000) {
		made -= d.between(200, 2_000)
	}
	started := made + d.between(0, 12)
	if !c.isFirm() {
		t.null()
		t.plain(w.dayText(made))
		t.null()
		t.null()
		t.null()
		return
	}
	t.plain(managers[managerOf(c, w.lastDay, w)].id)
	t.plain(w.dayText(made))
	t.plain(w.dayText(min(started, w.lastDay)))
	if l.terminated < 0 {
		t.null()
		t.null()
		return
	}
	t.plain(w.dayText(l.terminated))
	t.text(resignations[d.below(len(resignations))])
}

// resignations are the reasons that managers note when a contract ends.
var resignations = []string{
	"дорого", "нашли поставщика дешевле", "ушли к конкуренту: КофеПлюс", "переехали", "закрылись", "срывы сроков доставки",
	"quality got worse", "too expensive", "moved to another supplier", "closed the office", "late deliveries", "сменился директор",
}

// manager looks after firms. Those who left have a share of the history in which
// they still worked.
type manager struct {
	id, name, latin, department string
	hired                       int // days before the start
	stayed                      int // percent of the history, 100 if still here
}

var managers = []manager{
	{"M01", "Анна Белова", "anna.belova", "small firms", 900, 100},
	{"M02", "Peter Lawson", "peter.lawson", "small firms", 400, 100},
	{"M03", "Сергей Крылов", "sergey.krylov", "small firms", 1_500, 62},
	{"M04", "Kate Doyle", "kate.doyle", "small firms", 120, 100},
	{"M05", "Мария Титова", "maria.titova", "small firms", 700, 100},
	{"M06", "Олег Дроздов", "oleg.drozdov", "wholesale", 2_100, 100},
	{"M07", "Helen Marsh", "helen.marsh", "wholesale", 1_100, 100},
	{"M08", "Игорь Савин", "igor.savin", "wholesale", 300, 78},
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

// left returns the first day without the manager.
func (m *manager) left(w *world) int {
	if m.stayed == 100 {
		return never
	}
	return w.monthStart(w.months) * m.stayed / 100
}

// writeSmallFiles writes what does not depend on customers.
func writeSmallFiles(w *world, files *fileSet) error {
	for _, write := range []func(*world, *fileSet) error{writeProducts, writeManagers, writeBusinessEvents} {
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
	for _, e := range w.plantedEvents() {
		if e.day > w.lastDay {
			continue
		}
		t.plain(e.ID)
		t.plain(w.dayText(e.day))
		t.plain(e.Kind)
		t.text(e.Title)
		t.null()
		t.endRow()
	}
	return files.finish(t)
}

// plantedEvents are the events of the company's history in the order of time.
func (w *world) plantedEvents() []PlantedEvent {
	events := []PlantedEvent{{ID: "E1", day: 0, Kind: "other", Title: "The web shop opens"}}
	if w.badFrom <= w.badTo {
		worse := map[string]float64{}
		for _, s := range segments {
			worse[s.name] = float64(s.badQuarter) / 100
		}
		events = append(events, PlantedEvent{
			ID: "E2", day: w.badFrom, untilDay: w.badTo, Kind: "supplier", HazardFactor: worse,
			Title: strings.Join([]string{"Новый перевозчик", "carrier changed, deliveries late for a quarter"}, " / "),
		})
	}
	events = append(events, PlantedEvent{ID: "E3", day: w.riseDay, Kind: "price", Title: "List prices up by 7 %"})
	slices.SortFunc(events, func(a, b PlantedEvent) int { return a.day - b.day })
	for i := range events {
		events[i].Day = w.dayText(events[i].day)
		if events[i].untilDay > 0 {
			events[i].Until = w.dayText(min(events[i].untilDay, w.lastDay))
		}
	}
	return events
}
