package demo

import (
	"cmp"
	"fmt"
	"slices"
)

// exchange writes what the company's own telephone exchange, an Asterisk, notes of
// the calls by which customers order: detail records and the log of its queue.
type exchange struct {
	w       *world
	cdr     *table
	queue   *table
	count   *tally
	d       dice
	today   []logLine
	channel int
}

// logLine is a line of either log with the second of the day on which it was written.
type logLine struct {
	second int
	queue  bool
	text   string
}

// Extensions of those who take orders, and of the queue.
var orderTakers = []string{"201", "202", "203", "204"}

const orderQueue = "orders"

// begin makes the logs, which only grow.
func (x *exchange) begin(files *fileSet) error {
	var err error
	bare := tableFormat{delimiter: ','}
	if x.cdr, err = files.create(dataDir+"/pbx/Master.csv", bare); err != nil {
		return err
	}
	x.queue, err = files.create(dataDir+"/pbx/queue_log", bare)
	return err
}

// ordered notes the call by which an order came, and often one before it that
// nobody answered in time.
func (x *exchange) ordered(o *order, c *customer) {
	x.d.start(x.w.seed, streamCall, uint64(o.customer), 1_000_000+uint64(o.sequence))
	var number [24]byte
	from := string(c.appendPhone(number[:0], 1))
	talked := 60 + int(x.d.from(x.w.chances.talk))
	waited := int(x.d.from(x.w.chances.wait))
	ended := int(o.second) % 86_400
	begun := max(60, ended-talked-waited)
	if x.d.chance(1_600) {
		gaveUp := 10 + x.d.below(90)
		if before := begun - gaveUp - x.d.between(300, 5_000); before > 0 {
			x.inbound(o.day, before, gaveUp, 0, from)
		}
	}
	x.inbound(o.day, begun, waited, talked, from)
}

// inbound notes one call: without talk, the caller gave up.
func (x *exchange) inbound(day, begun, waited, talked int, from string) {
	x.count.calls.truth.OrderCalls++
	x.channel++
	local := day*86_400 + begun
	epoch := x.w.epoch(local)
	id := fmt.Sprintf("%d.%d", epoch, x.channel)
	ended := begun + waited + talked
	event := func(at int, agent, what string) {
		x.today = append(x.today, logLine{at, true, fmt.Sprintf("%d|%s|%s|%s|%s", epoch+int64(at-begun), id, orderQueue, agent, what)})
	}
	event(begun+1, "NONE", "ENTERQUEUE||"+from+"|1")
	taker, to, answer := orderTakers[x.d.below(len(orderTakers))], "", x.stamp(day, begun+1)
	if talked > 0 {
		event(begun+1+waited, "PJSIP/"+taker, fmt.Sprintf("CONNECT|%d|%s|%d", waited, id, min(waited, 4)))
		event(ended+1, "PJSIP/"+taker, fmt.Sprintf("%s|%d|%d|1", []string{"COMPLETECALLER", "COMPLETEAGENT"}[x.d.below(2)], waited, talked))
		to = fmt.Sprintf("PJSIP/%s-%08x", taker, 2*x.channel+1)
	} else {
		x.count.calls.truth.OrderLost++
		event(ended+1, "NONE", fmt.Sprintf("ABANDON|1|1|%d", waited))
	}
	x.today = append(x.today, logLine{ended + 1, false, fmt.Sprintf(
		`"","%s","700","from-trunk","""%s"" <%s>","PJSIP/trunk-%08x","%s","Queue","%s,tT,,,300","%s","%s","%s",%d,%d,"ANSWERED","DOCUMENTATION","%s",""`,
		from, from, from, 2*x.channel, to, orderQueue, x.stamp(day, begun), answer, x.stamp(day, ended+1), ended+1-begun, ended-begun, id)})
}

func (x *exchange) stamp(day, second int) string {
	return x.w.dayText(day) + " " + string(appendClock(nil, min(second, 86_399)))
}

// epoch is a second of the history, by the company's clocks, in seconds since 1970.
func (w *world) epoch(second int) int64 {
	hours := int64(2)
	if w.isSummer(second / 86_400) {
		hours++
	}
	return w.start.Unix() + int64(second) - hours*3_600
}

// endDay writes the lines of a day in the order in which they were written.
func (x *exchange) endDay() {
	slices.SortStableFunc(x.today, func(a, b logLine) int { return cmp.Compare(a.second, b.second) })
	for _, line := range x.today {
		t := x.cdr
		if line.queue {
			t = x.queue
		}
		t.row = append(append(t.row, line.text...), '\n')
		t.endRow()
	}
	x.today = x.today[:0]
}
