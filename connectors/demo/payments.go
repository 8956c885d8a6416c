package demo

import "winback/connectors/entity"

var paymentHeader = []string{"Счёт", "Клиент", "Заказ", "Срок оплаты", "Оплачен", "Сумма", "Списано"}

// bill writes the invoice of a firm's order and when it was paid. Some firms always
// pay late; those that run out of money never pay their last orders.
func (s *shop) bill() {
	o, c := &s.order, &s.c
	if !c.isFirm() || !c.inCRM || o.flags&isCancelled != 0 {
		return
	}
	d := &s.paymentDice
	d.start(s.w.seed, streamPayment, uint64(o.customer), uint64(o.sequence))
	term := 14
	if segments[c.segment].name == "wholesale" {
		term = 30
	}
	due := o.day + term
	late := 900
	if c.taste%6 == 0 {
		late = 6_000
	}
	paid := max(o.day, due+d.between(-10, 0))
	if d.chance(late) {
		paid = due + max(1, int(d.from(s.w.chances.resignDays)))
	}
	if o.flags&isUnpaid != 0 {
		paid = never
	}
	s.writePayment(due, paid)
}

func (s *shop) writePayment(due, paid int) {
	o, t, w := &s.order, s.payments, s.w
	amount := o.goods() + s.shipping()
	var writtenOff entity.Decimal
	if paid == never && due+180 <= w.lastDay {
		writtenOff = amount * 3 / 10 / cent * cent
	}
	t.field()
	t.row = appendInt(append(t.row, "INV-"...), o.id)
	t.integer(s.c.crmID())
	t.integer(o.id)
	t.field()
	t.row = appendDottedDay(t.row, w.dayText(due))
	t.field()
	if paid <= w.lastDay {
		t.row = appendDottedDay(t.row, w.dayText(paid))
	}
	t.money(amount)
	if writtenOff > 0 {
		t.money(writtenOff)
	} else {
		t.null()
	}
	t.endRow()
	s.count.payments.add(amount, writtenOff, due < w.lastDay && paid > w.lastDay)
}

// PaymentsTruth is what firms owe on the last day.
type PaymentsTruth struct {
	Invoices   int    `json:"invoices"`
	Overdue    int    `json:"overdue"`        // due before the last day, not paid
	Debt       string `json:"overdue_amount"` // less what was written off
	WrittenOff string `json:"written_off"`

	debt, off entity.Decimal
}

func (p *PaymentsTruth) add(amount, writtenOff entity.Decimal, isOverdue bool) {
	p.Invoices++
	p.off += writtenOff
	if isOverdue {
		p.Overdue++
		p.debt += amount - writtenOff
	}
}

func (p *PaymentsTruth) result() PaymentsTruth {
	t := *p
	t.Debt, t.WrittenOff, t.debt, t.off = money(p.debt), money(p.off), 0, 0
	return t
}
