package demo

import (
	"context"
	"slices"
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
	o, err := openOffice(w, files, count)
	if err != nil {
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
		for _, list := range [][]event{l.orders, l.calls} {
			for _, e := range list {
				if err := events.add(e); err != nil {
					return err
				}
			}
		}
		r.write(&l)
		o.customer(&r.c, &l)
		count.customer(&r.c, &l)
	}
	progress(Progress{Stage: "customers", Done: int64(population), Total: int64(population)})
	if err := r.close(files); err != nil {
		return err
	}
	return o.close(files)
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
	switch {
	case c.presence == isGuest && len(l.purchases) > 0:
		r.link("shop.orders", "email", func(b []byte) []byte { return c.appendEmail(b) })
	case c.presence == hasAccount:
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
	if c.hasPhone && !(number == 1 && c.duplicate == sameEmail) {
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

// writeCRMDates writes the manager, when the record was made, the contract of a
// firm, and why a contract or an account was ended.
func (r *registry) writeCRMDates(l *life) {
	c, t, d, w := &r.c, r.crm, &r.d, r.w
	made := c.day
	if w.isTakenOver(c.day) && d.chance(8_000) {
		made -= d.between(200, 2_000)
	}
	started := made + d.between(0, 12)
	if again, ok := c.signsAgain(l); ok {
		started = again
	}
	if !c.isFirm() {
		t.null()
		t.plain(w.dayText(made))
		t.null()
	} else {
		t.plain(managers[managerOf(c, w.lastDay, w)].id)
		t.plain(w.dayText(made))
		t.plain(w.dayText(min(started, w.lastDay)))
	}
	if l.terminated < 0 {
		t.null()
		t.null()
		return
	}
	t.plain(w.dayText(l.terminated))
	said := w.farewellOf(c, l, len(l.departures)-1)
	t.text(said.words.text)
	r.count.terminated(&said)
}

// signsAgain returns the day of the first purchase after the contract ended, and
// whether a new contract was made on it: half of the firms ask for one. The CRM has
// one record of each firm, so it now tells when the old contract ended and when the
// new one began.
func (c *customer) signsAgain(l *life) (int, bool) {
	if l.terminated < 0 || c.index%2 == 0 {
		return 0, false
	}
	i, _ := slices.BinarySearch(l.purchases, l.terminated)
	if i == len(l.purchases) {
		return 0, false
	}
	return l.purchases[i], true
}
