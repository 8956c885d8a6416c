package demo

import (
	"fmt"

	"winback/connectors/entity"
)

var (
	cartHeader     = []string{"cart_id", "customer_id", "email", "phone", "created", "updated", "value", "items", "order_id", "channel"}
	reminderHeader = []string{"reminder_id", "cart_id", "sent", "channel", "cost", "opened", "clicked"}
)

// baskets writes the carts of the web shop, which keeps them since two thirds
// of the history, and the reminders of those that were left.
type baskets struct {
	w            *world
	carts        *table
	reminders    *table
	count        *tally
	d            dice
	reminderDice dice
	c            customer
	life         life
	since        int // day
	nextID       int
}

// cart is one basket while its row is made.
type cart struct {
	id              int
	owner           *customer // nil if nobody knows whose it is
	begun, changed  int       // seconds since the start
	order           int       // id, 0 if none
	isCancelled     bool      // the order
	ordered         int       // second of the order
	items           [4]int    // products
	lines, quantity int
	value           entity.Decimal
	channel         string
}

// begin makes the file of reminders.
func (b *baskets) begin(files *fileSet) error {
	b.count.carts.Since = b.w.dayText(b.since)
	var err error
	b.reminders, err = files.create(dataDir+"/cart_reminders.csv", shopFormat(reminderHeader...))
	return err
}

// open makes the file of a month; there is none before there were carts.
func (b *baskets) open(files *fileSet, month int, label string) error {
	if b.w.monthStarts[month+1] <= b.since {
		return nil
	}
	var err error
	b.carts, err = files.create(fmt.Sprintf("%s/carts_%s.csv.gz", dataDir, label), shopFormat(cartHeader...))
	return err
}

// finishMonth completes the file of a month.
func (b *baskets) finishMonth(files *fileSet) error {
	if b.carts == nil {
		return nil
	}
	err := files.finish(b.carts)
	b.carts = nil
	return err
}

// abandonedPerOrder is how many carts are left, of 1000 for each that is ordered
// at once; with those that come back later it makes the usual 73 %.
const abandonedPerOrder = 2_560

// ordered writes the cart of an order of the web shop and the carts that others
// left on the same day, and returns the cart's number, 0 before there were any.
func (b *baskets) ordered(o *order, c *customer, channel string) int {
	if o.day < b.since {
		return 0
	}
	b.d.start(b.w.seed, streamCart, uint64(o.customer), uint64(o.sequence))
	own := cart{owner: c, order: o.id, ordered: int(o.second), channel: channel, isCancelled: o.flags&isCancelled != 0}
	own.changed = own.ordered - b.d.between(20, 240)
	if b.d.chance(800) && o.day > b.since+8 {
		own.changed = own.ordered - b.d.between(2*3_600, 6*86_400) // came back for it
	}
	own.begun = own.changed - b.d.between(60, 5_400)
	for i := 0; i < min(o.lineCount, len(own.items)); i++ {
		own.items[i] = o.picked[i]
		own.lines++
	}
	own.value = o.items
	b.write(&own)
	for left := abandonedPerOrder; left > 0; left -= 1_000 {
		if b.d.below(1_000) < left {
			b.leave(o, channel)
		}
	}
	return own.id
}

// leave writes a cart that somebody left on the day of an order: half of them the
// shop knows.
func (b *baskets) leave(o *order, channel string) {
	at := cart{channel: channel, quantity: 1, lines: 1 + min(b.d.below(3), b.d.below(3))}
	at.changed = o.day*86_400 + b.w.peopleHours.second(&b.d)
	at.begun = at.changed - min(b.d.between(30, 4_000), at.changed%86_400)
	if who := b.d.below(int(o.customer) + 1); b.d.chance(4_800) {
		b.w.customer(who, b.w.arrival(who), &b.c)
		if b.c.presence == hasAccount && b.c.day < o.day && b.comesBy(o.day) {
			at.owner = &b.c
		}
	}
	for i := range at.lines {
		at.items[i] = b.w.catalogue.pick(&b.d, scramble(b.d.source.Uint64()), o.day)
		at.value += b.w.catalogue.products[at.items[i]].priceOn(o.day, b.w.riseDay)
	}
	b.write(&at)
}

// comesBy says whether the customer drawn still looks into the shop on a day: who
// has left does not.
func (b *baskets) comesBy(day int) bool {
	b.w.live(&b.c, &b.life)
	for _, leave := range b.life.departures {
		if leave.day <= day && day < leave.back {
			return false
		}
	}
	return true
}

func (b *baskets) write(at *cart) {
	b.nextID++
	at.id = 500_000 + b.nextID
	t, w, d := b.carts, b.w, &b.d
	t.integer(at.id)
	known := at.owner != nil
	if known && at.owner.presence == hasAccount && d.chance(7_000) {
		t.integer(at.owner.accountID(0))
	} else {
		t.null()
	}
	t.field()
	if known {
		t.row = at.owner.appendEmail(t.row)
	}
	t.field()
	if known && d.chance(3_000) {
		t.row = at.owner.appendPhone(t.row, at.owner.phoneStyle)
	}
	t.clock(w.dayText(at.begun/86_400), at.begun%86_400)
	t.clock(w.dayText(at.changed/86_400), at.changed%86_400)
	t.money(at.value)
	b.writeItems(at)
	if at.order > 0 {
		t.integer(at.order)
	} else {
		t.null()
	}
	t.plain(at.channel)
	t.endRow()
	b.count.cart(at, b.remind(at))
}

// writeItems writes the goods as JSON, as the shop's table has them.
func (b *baskets) writeItems(at *cart) {
	text := append(make([]byte, 0, 256), '[')
	for i := range at.lines {
		p := &b.w.catalogue.products[at.items[i]]
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(text, `{"product_id":"`...), p.idText...)
		text = append(append(text, `","sku":"`...), p.sku...)
		text = append(append(text, `","category":"`...), p.category...)
		text = append(append(text, `","quantity":`...), byte('1'+b.d.below(2)), '}')
	}
	b.carts.text(string(append(text, ']')))
}

// remindAfter are the seconds after which a cart's owner is reminded, and what
// share of owners is, of 10,000.
var remindAfter = []struct{ seconds, share int }{{4_000, 7_500}, {86_400, 6_000}, {6 * 86_400, 4_500}}

// remind writes the reminders that were sent before the cart was ordered, and
// returns how many.
func (b *baskets) remind(at *cart) int {
	if at.owner == nil {
		return 0
	}
	sent := 0
	for i, after := range remindAfter {
		d := &b.reminderDice
		d.start(b.w.seed, streamCart, uint64(at.id), uint64(1_000_000+i))
		due := at.changed + after.seconds + d.below(1_800)
		fate := d.below(10_000)
		opened, clicked := d.below(10_000), d.below(10_000)
		if fate >= after.share || at.order > 0 && due >= at.ordered || due >= b.w.days()*86_400 {
			continue
		}
		sent++
		b.writeReminder(at.id, i+1, due, opened < 4_200, clicked < 2_500 || at.order > 0)
	}
	return sent
}

// writeReminder writes the nth reminder of a cart, whose number hangs on the cart: on the
// next day it is still that one's, whatever was sent since.
func (b *baskets) writeReminder(id, nth, at int, isOpened, isClicked bool) {
	t, w := b.reminders, b.w
	t.integer(10*id + nth)
	t.integer(id)
	t.clock(w.dayText(at/86_400), at%86_400)
	channel, cost := "email", entity.Decimal(2)
	if b.reminderDice.chance(2_000) {
		channel, cost = "sms", 6
	}
	t.plain(channel)
	t.money(cost * cent)
	for i, is := range []bool{isOpened, isOpened && isClicked} {
		if then := at + (i+1)*b.reminderDice.between(60, 6_000); is && then < w.days()*86_400 {
			t.clock(w.dayText(then/86_400), then%86_400)
		} else {
			t.null()
		}
	}
	t.endRow()
}

// CartsTruth is what became of carts by the last day: left are those that were not
// ordered within an hour, which must be over. An order that was cancelled shows that its
// cart was not left at once; a cart that was left it does not bring back.
type CartsTruth struct {
	Since     string `json:"since"` // first day with carts
	Carts     int    `json:"carts"`
	Ordered   int    `json:"ordered_at_once"`
	Abandoned int    `json:"abandoned"`
	Reminded  int    `json:"reminded"`  // of the abandoned
	Recovered int    `json:"recovered"` // ordered after all
	Reminders int    `json:"reminders"`
}

// leftAfter is how many seconds after its last change a cart counts as left.
const leftAfter = 3_600

func (t *tally) cart(at *cart, reminders int) {
	c := &t.carts
	c.Reminders += reminders
	switch {
	case at.order > 0 && at.ordered-at.changed <= leftAfter:
		c.Carts++
		c.Ordered++
		return
	case at.changed+leftAfter >= t.w.days()*86_400:
		return // nobody knows yet
	}
	c.Carts++
	c.Abandoned++
	if reminders > 0 {
		c.Reminded++
	}
	if at.order > 0 && !at.isCancelled {
		c.Recovered++
	}
}
