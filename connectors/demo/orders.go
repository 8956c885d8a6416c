package demo

import (
	"context"
	"fmt"

	"winback/connectors/entity"
)

var refundHeader = []string{"Возврат", "Заказ", "Дата", "Сумма", "Причина"}

// writeOrders writes the orders of all customers in the order of time, a file for
// each month, and everything else that happens day by day.
func writeOrders(ctx context.Context, w *world, files *fileSet, events *spill, count *tally, progress func(Progress)) error {
	s := &shop{w: w, files: files, count: count, refunds: make([][]refund, w.days()), nextID: 100_001}
	s.baskets = baskets{w: w, count: count, since: w.monthStart((2*w.months + 2) / 3)}
	s.line, s.exchange = serviceLine{w: w, count: count}, exchange{w: w, count: count}
	if err := s.begin(); err != nil {
		return err
	}
	var done int64
	for day := range w.days() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.open(int(w.monthOf[day])); err != nil {
			return err
		}
		today, err := events.day(day)
		if err != nil {
			return err
		}
		for i := range today {
			if today[i].flags&isCall != 0 {
				s.line.write(&today[i])
				continue
			}
			s.write(&today[i])
			done++
		}
		s.exchange.endDay()
		s.payBack(day)
		progress(Progress{Stage: "orders", Done: done, Total: events.count})
	}
	return s.close()
}

// begin makes the files that are not of a month.
func (s *shop) begin() error {
	var err error
	if s.refundTable, err = s.files.create(dataDir+"/refunds.csv", officeFormat(refundHeader...)); err != nil {
		return err
	}
	if s.complaints, err = s.files.create(dataDir+"/crm_complaints.csv", officeFormat(complaintHeader...)); err != nil {
		return err
	}
	if err := s.baskets.begin(s.files); err != nil {
		return err
	}
	if err := s.line.begin(s.files); err != nil {
		return err
	}
	if s.payments, err = s.files.create(dataDir+"/payments.csv", officeFormat(paymentHeader...)); err != nil {
		return err
	}
	return s.exchange.begin(s.files)
}

// shop writes orders with all that belongs to them.
type shop struct {
	w     *world
	files *fileSet
	count *tally

	month       int // of the open files, plus 1
	orders      *table
	items       table // not of a file: the lines of the order being made
	refundTable *table
	complaints  *table
	payments    *table
	baskets     baskets
	line        serviceLine
	exchange    exchange
	refunds     [][]refund // still to be paid back, by day
	nextID      int

	d             dice
	complaintDice dice
	paymentDice   dice
	c             customer
	order         order
}

// order is what is known of one order while its row is made.
type order struct {
	event
	id, day   int
	items     entity.Decimal // lines before discounts
	lineCuts  entity.Decimal // discounts on lines
	discount  entity.Decimal // on the whole order
	coupon    string
	firstLine entity.Decimal // what the first line costs
	lineCount int
	picked    [16]int
	delivered int // day; after the last one it has not happened yet
	refund    refund
}

// goods is what the customer pays for the goods.
func (o *order) goods() entity.Decimal { return o.items - o.lineCuts - o.discount }

type refund struct {
	order, day, second int
	amount             entity.Decimal
	reason             string
}

// open turns to the files of a month.
func (s *shop) open(month int) error {
	if s.month == month+1 {
		return nil
	}
	if err := s.finishMonth(); err != nil {
		return err
	}
	s.month = month + 1
	label := s.w.dayText(s.w.monthStarts[month])[:7]
	var err error
	if s.orders, err = s.files.create(fmt.Sprintf("%s/orders_%s.json.gz", dataDir, label), tableFormat{}); err != nil {
		return err
	}
	s.orders.row = append(s.orders.row, '[')
	return s.baskets.open(s.files, month, label)
}

func (s *shop) finishMonth() error {
	if s.orders == nil {
		return nil
	}
	s.orders.row = append(s.orders.row, "\n]\n"...)
	s.orders.begin = len(s.orders.row)
	if err := s.files.finish(s.orders); err != nil {
		return err
	}
	return s.baskets.finishMonth(s.files)
}

func (s *shop) close() error {
	if err := s.finishMonth(); err != nil {
		return err
	}
	// The accountant's program closes its list with a sum; it is no refund.
	t := s.refundTable
	t.plain("Итого")
	t.null()
	t.null()
	t.money(s.count.refunded)
	t.endLine()
	s.count.dirt.ShortLines++
	for _, t := range []*table{t, s.complaints, s.payments, s.baskets.reminders, s.line.t, s.exchange.cdr, s.exchange.queue} {
		if err := s.files.finish(t); err != nil {
			return err
		}
	}
	return nil
}

// write makes one order from its event.
func (s *shop) write(e *event) {
	w := s.w
	w.customer(int(e.customer), w.arrival(int(e.customer)), &s.c)
	s.d.start(w.seed, streamOrder, uint64(e.customer), uint64(e.sequence))
	s.order = order{event: *e, id: s.nextID, day: e.day()}
	s.nextID++
	s.writeLines()
	s.drawDiscount()
	s.drawDelivery()
	s.drawRefund()
	s.writeOrder()
	s.complain()
	s.bill()
	s.count.order(&s.order)
}

func (s *shop) writeLines() {
	o, seg := &s.order, &segments[s.c.segment]
	s.items.row = s.items.row[:0]
	wanted := 1 + int(s.d.from(s.w.chances.lines[s.c.segment]))
	for range wanted {
		i := s.pickNew()
		p := &s.w.catalogue.products[i]
		quantity := seg.quantity * (1 + min(s.d.below(seg.maxQuantity), s.d.below(seg.maxQuantity)))
		price := p.priceOn(o.day, s.w.riseDay)
		price = price * entity.Decimal(100-seg.priceOff) / 100 / cent * cent
		amount := price * entity.Decimal(quantity)
		var cut entity.Decimal
		if s.d.chance(600) {
			cut = amount * entity.Decimal(5*s.d.between(1, 4)) / 100 / cent * cent
		}
		o.lineCount++
		o.items += amount
		o.lineCuts += cut
		if o.lineCount == 1 {
			o.firstLine = amount - cut
		}
		s.writeItem(p, o.lineCount, quantity, price, cut)
	}
	if s.d.chance(4) {
		s.writeBadItem()
	}
}

// pickNew draws an article that the order does not have yet, if that is easy.
func (s *shop) pickNew() int {
	o := &s.order
	i := s.w.catalogue.pick(&s.d, s.c.taste, o.day)
	for _, had := range o.picked[:o.lineCount] {
		if had == i {
			i = s.w.catalogue.pick(&s.d, scramble(s.c.taste), o.day)
			break
		}
	}
	o.picked[o.lineCount] = i
	return i
}

var coupons = []struct {
	code    string
	percent int
}{{"SALE5", 5}, {"BONUS7", 7}, {"TEA15", 15}, {"SPRING10", 10}, {"FRIENDS12", 12}}

func (s *shop) drawDiscount() {
	o, seg := &s.order, &segments[s.c.segment]
	percent := 0
	switch plan := o.campaign(); {
	case plan > 0 && s.w.campaigns[plan-1].discount > 0:
		percent, o.coupon = s.w.campaigns[plan-1].discount, s.w.campaigns[plan-1].coupon
	case o.sequence == 0 && s.d.chance(2*seg.coupons):
		percent, o.coupon = 10, "WELCOME10"
	case s.d.chance(seg.coupons):
		c := coupons[s.d.below(len(coupons))]
		percent, o.coupon = c.percent, c.code
	case s.d.chance(seg.discounts):
		percent = s.d.between(2, 8)
	}
	o.discount = (o.items - o.lineCuts) * entity.Decimal(percent) / 100 / cent * cent
}

// promisedDays is how many days a delivery may take.
const promisedDays = 5

// drawDelivery decides when the goods arrive: in the bad quarter, late.
func (s *shop) drawDelivery() {
	o := &s.order
	o.delivered = o.day + s.d.between(2, promisedDays)
	if late := s.w.lateness(int(o.customer), int(o.sequence), o.day); late > 0 {
		o.delivered = o.day + promisedDays + late
	}
}

func (s *shop) status() string {
	switch o := &s.order; {
	case o.flags&isCancelled != 0:
		return "cancelled"
	case o.delivered <= s.w.lastDay:
		return "completed"
	case o.day < s.w.lastDay:
		return "shipped"
	}
	return "processing"
}

func (s *shop) shipping() entity.Decimal {
	free, charge := entity.Decimal(4_900), entity.Decimal(490)
	if s.c.isFirm() {
		free, charge = 10_000, 990
	}
	if s.order.goods() >= free*cent {
		return 0
	}
	return charge * cent
}

func (s *shop) channel() string {
	fate := s.d.below(100)
	hour := int(s.order.second) % 86_400 / 3_600
	lineIsOpen := hour >= 8 && hour < 20
	if s.c.isFirm() {
		switch {
		case fate < 50:
			return "web"
		case fate < 72 && lineIsOpen:
			return "phone"
		case fate < 90:
			return "email"
		}
		return "manager"
	}
	switch {
	case fate < 62:
		return "web"
	case fate < 90 || !lineIsOpen:
		return "app"
	}
	return "phone"
}

var refundReasons = []string{
	"arrived damaged", "брак", "не подошло", "wrong item sent", "changed my mind", "опоздала доставка", "просрочен срок годности", "quality not as before",
}

// drawRefund decides whether money goes back for the order, and when.
func (s *shop) drawRefund() {
	o := &s.order
	chance := 260
	if s.w.inBadQuarter(o.day) {
		chance = 650
	}
	if o.flags&isCancelled != 0 || !s.d.chance(chance) {
		return
	}
	r := refund{order: o.id, day: o.delivered + s.d.between(1, 18), second: s.w.firmHours.second(&s.d)}
	r.amount = min(o.firstLine, o.goods())
	if s.d.chance(3_500) {
		r.amount = o.goods()
	}
	r.reason = refundReasons[s.d.below(len(refundReasons))]
	o.refund = r
	if r.day <= s.w.lastDay {
		s.refunds[r.day] = append(s.refunds[r.day], r)
		s.count.orderRefund(r.amount)
	}
}

// payBack writes the refunds of a day.
func (s *shop) payBack(day int) {
	t := s.refundTable
	for _, r := range s.refunds[day] {
		t.field()
		t.row = appendInt(append(t.row, 'R'), r.order)
		t.integer(r.order)
		t.field()
		t.row = appendDottedDay(t.row, s.w.dayText(day))
		t.row = appendClock(append(t.row, ' '), r.second)
		t.money(r.amount)
		t.text(r.reason)
		t.endRow()
	}
	s.refunds[day] = nil
}

// appendDottedDay writes 2006-01-02 as 02.01.2006.
func appendDottedDay(b []byte, day string) []byte {
	b = append(append(b, day[8:10]...), '.')
	b = append(append(b, day[5:7]...), '.')
	return append(b, day[:4]...)
}
