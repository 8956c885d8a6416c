package demo

// agent takes calls.
type agent struct{ id, name, team string }

// The service line is another company's, with a program of its own; the order line
// is the company's exchange.
var (
	lineAgents = []agent{
		{"op11", "Ирина Лапина", "Первая линия"}, {"op12", "Tom Fisher", "Первая линия"}, {"op13", "Денис Ковалёв", "Первая линия"},
		{"op14", "Laura Stone", "Первая линия"}, {"op15", "Юлия Зуева", "Вторая линия"}, {"op16", "Mark Evans", "Вторая линия"},
		{"op17", "Алина Рощина", "Исходящие"}, {"op18", "Sam Hill", "Исходящие"},
	}
	callHeader = []string{
		"Звонок", "Начало", "Ответ", "Конец", "Направление", "Откуда", "Куда", "Номер клиента", "Очередь", "Оператор", "Итог", "Ожидание", "Разговор",
		"Удержание", "Переводы", "Тема", "Товар", "Результат", "В компетенции", "Отправлен в офис", "Перезвонить до", "Ответ на звонок", "Оценка",
	}
)

// lineNumber is what customers dial.
const lineNumber = "+37167000200"

// serviceLine writes the calls of the service line, as its program exports them.
type serviceLine struct {
	w     *world
	t     *table
	count *tally
	d     dice
	c     customer
	call  call
}

// call is what is known of a call while its row is made.
type call struct {
	event
	day, second            int // of the day
	waited, talked, onHold int
	passed                 int // times to another operator
	outbound               bool
}

func (s *serviceLine) begin(files *fileSet) error {
	var err error
	s.t, err = files.create(dataDir+"/service_calls.csv", officeFormat(callHeader...))
	return err
}

// write makes one call from its event.
func (s *serviceLine) write(e *event) {
	w, d, o := s.w, &s.d, &s.call
	w.customer(int(e.customer), w.arrival(int(e.customer)), &s.c)
	d.start(w.seed, streamCall, uint64(e.customer), uint64(e.sequence))
	*o = call{event: *e, day: e.day(), second: int(e.second) % 86_400}
	o.outbound = e.topic() == topicOffer || e.topic() == topicCallback
	o.waited = int(d.from(w.chances.wait))
	if w.inBadQuarter(o.day) {
		o.waited = o.waited * 5 / 2
	}
	o.talked = 20 + int(d.from(w.chances.talk))
	if e.state() == callGivenUp {
		o.waited, o.talked = 8+2*o.waited, 0
	}
	if d.chance(1_500) && o.talked > 0 {
		o.onHold = d.between(5, 5+o.talked/3)
	}
	if e.leak() == leakCompetence {
		o.passed = d.between(0, 2)
	} else if d.chance(600) {
		o.passed = 1
	}
	s.writeCall()
	s.count.call(o)
}

func (s *serviceLine) writeCall() {
	o, t, d := &s.call, s.t, &s.d
	isAnswered := o.state() != callGivenUp
	t.field()
	t.row = appendCallID(t.row, o.customer, o.sequence)
	s.clock(o.second)
	if isAnswered {
		s.clock(o.second + o.waited)
	} else {
		t.null()
	}
	ended := o.second + o.waited + o.talked + o.onHold
	if d.chance(8) && isAnswered {
		ended -= 3_600 // another clock
		s.count.dirt.ClocksBack++
	}
	s.clock(ended)
	s.writeNumbers()
	s.writeAgent(isAnswered)
	t.integer(o.waited)
	if isAnswered {
		t.integer(o.talked)
		t.integer(o.onHold)
		t.integer(o.passed)
	} else {
		t.null()
		t.null()
		t.null()
	}
	s.writeMatter(isAnswered)
	t.endRow()
}

// appendCallID writes the number of a call: customers' calls are numbered.
func appendCallID(b []byte, customer, sequence uint32) []byte {
	b = append(appendInt(append(b, 'K'), 30_000+int(customer)), '-')
	return appendInt(b, int(sequence)+1)
}

func (s *serviceLine) clock(second int) { s.t.clock(s.w.dayText(s.call.day), second) }

func (s *serviceLine) writeNumbers() {
	t := s.t
	var number [24]byte
	customer := string(s.c.appendPhone(number[:0], 1))
	if s.call.outbound {
		t.plain("исходящий")
		t.plain(lineNumber)
		t.plain(customer)
	} else {
		t.plain("входящий")
		t.plain(customer)
		t.plain(lineNumber)
	}
	t.plain(customer)
}

func (s *serviceLine) writeAgent(isAnswered bool) {
	t := s.t
	team := lineAgents[:6]
	if s.call.outbound {
		t.plain("outbound")
		team = lineAgents[6:]
	} else {
		t.plain("service")
	}
	if isAnswered {
		t.plain(team[s.d.below(len(team))].id)
		t.plain("принят")
	} else {
		t.null()
		t.plain("потерян")
	}
}

// writeMatter writes what the operator noted.
func (s *serviceLine) writeMatter(isAnswered bool) {
	o, t, d, w := &s.call, s.t, &s.d, s.w
	if !isAnswered {
		t.null() // nobody asked what it was about
	} else {
		t.plain(topicNames[o.topic()])
	}
	if isAnswered && (o.topic() == topicProduct || o.topic() == topicOffer) {
		t.plain(w.catalogue.products[s.product()].sku)
	} else {
		t.null()
	}
	if !isAnswered {
		for range 6 {
			t.null()
		}
		return
	}
	t.plain(s.outcome())
	t.plain(zeroOne[o.leak() != leakCompetence])
	t.plain(zeroOne[o.leak() == leakOffice])
	if o.state() == callPromised {
		due := int(o.second) + promiseWithin
		t.clock(w.dayText(o.day+due/86_400), due%86_400)
	} else {
		t.null()
	}
	t.field()
	if o.state() == callBack {
		t.row = appendCallID(t.row, o.customer, o.sequence-1)
	}
	t.field()
	if d.chance(2_200) && !o.outbound {
		mark := d.between(3, 5)
		if o.leak() != noLeak {
			mark = d.between(1, 4)
		}
		t.row = appendInt(t.row, mark)
	}
}

func (s *serviceLine) outcome() string {
	o := &s.call
	switch {
	case o.state() == callPromised:
		return "обещали перезвонить"
	case o.leak() == leakOffice:
		return "направлен в офис"
	case o.leak() == leakCompetence:
		return "не решён"
	case o.topic() == topicOffer:
		return []string{"отказ", "подумает", "согласен"}[s.d.below(3)]
	}
	return "решён"
}

// product is what a question or an offer is about: an offer right after a question
// is about the same, a senseless one about what the customer has bought.
func (s *serviceLine) product() int {
	o, w := &s.call, s.w
	switch o.leak() {
	case leakPitch:
		return s.asked(o.customer, o.sequence-1)
	case leakBought:
		return w.firstProduct(&s.c, o.after(), o.day-6)
	}
	if o.topic() == topicProduct {
		return s.asked(o.customer, o.sequence)
	}
	var d dice
	d.start(w.seed, streamCall, uint64(o.customer), 3_000_000+uint64(o.sequence))
	return w.catalogue.pick(&d, scramble(s.c.taste+1), o.day)
}

// asked returns the product that a customer's call is about.
func (s *serviceLine) asked(customer, sequence uint32) int {
	var d dice
	d.start(s.w.seed, streamCall, uint64(customer), 2_000_000+uint64(sequence))
	return s.w.catalogue.pick(&d, s.c.taste, s.call.day)
}

// firstProduct returns the first article of an order.
func (w *world) firstProduct(c *customer, sequence, day int) int {
	var d dice
	d.start(w.seed, streamOrder, uint64(c.index), uint64(sequence))
	d.from(w.chances.lines[c.segment])
	return w.catalogue.pick(&d, c.taste, day)
}

// writeAgents writes the operators of the service line.
func writeAgents(_ *world, files *fileSet) error {
	t, err := files.create(dataDir+"/service_agents.csv", officeFormat("Оператор", "Имя", "Группа"))
	if err != nil {
		return err
	}
	for _, a := range lineAgents {
		t.plain(a.id)
		t.text(a.name)
		t.plain(a.team)
		t.endRow()
	}
	return files.finish(t)
}
