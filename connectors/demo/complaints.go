package demo

var complaintHeader = []string{
	"Обращение", "Клиент", "Заказ", "Открыто", "Ответ", "Закрыто", "Категория", "Текст", "Тяжесть", "Человеческий фактор", "Решение", "Доволен", "Менеджер",
}

// answerNames are the outcomes of complaints in the truth.
var answerNames = [...]string{notComplained: "quiet", answeredWell: "answered_well", answeredBadly: "answered_badly", notAnswered: "not_answered"}

// answerChances are the planted chances to leave, by answer.
var answerChances = [...]int{notComplained: leaveQuietly, answeredWell: leaveAnswered, answeredBadly: leaveBadAnswered, notAnswered: leaveBadAnswered}

// remedies and evasions are what the company did.
var (
	remedies = [2][]string{
		{"replaced at our cost and apologised", "money back and 10 % off the next order", "director called, delivered the same day"},
		{"заменили за наш счёт, извинились", "вернули деньги и дали скидку 10 %", "директор позвонил, привезли в тот же день"},
	}
	evasions = [2][]string{
		{"told the customer to read the terms", "referred to the carrier", "said it was not our fault"},
		{"отправили читать договор", "сослались на перевозчика", "сказали, что сами виноваты"},
	}
)

// complaintCategories are the words of the CRM's list.
var complaintCategories = map[cause]string{
	causeDelivery: "Доставка", causeQuality: "Качество товара", causeService: "Обслуживание", causeStaff: "Поведение сотрудников",
	causeOverPromised: "Обещания", causeTechnical: "Сайт и приложение", causeBrokenAgreement: "Условия договора", causeConflict: "Конфликт",
}

// complain writes what the customer says of an order with which something was
// wrong, if the customer says anything.
func (s *shop) complain() {
	o := &s.order
	wrong, given := o.problem(), o.answer()
	if wrong == noCause {
		return
	}
	s.count.problems[given].Orders++
	if given == notComplained {
		return
	}
	d := &s.complaintDice
	d.start(s.w.seed, streamComplaint, uint64(o.customer), uint64(o.sequence))
	opened := (o.day+promisedDays+d.between(1, 3))*86_400 + s.w.firmHours.second(d)
	if opened/86_400 > s.w.lastDay {
		return
	}
	s.count.problems[given].Records++
	t, w := s.complaints, s.w
	t.field()
	t.row = appendInt(append(t.row, 'Q'), o.id)
	if s.c.inCRM {
		t.integer(s.c.crmID())
	} else {
		t.null()
	}
	t.integer(o.id)
	t.clock(w.dayText(opened/86_400), opened%86_400)
	s.writeAnswer(d, given, opened)
	t.plain(complaintCategories[wrong])
	t.text(drawReason(d, wrong, s.c.language).text)
	t.integer(min(5, max(1, causes[wrong].severity+d.below(3)-1)))
	isHuman := wrong == causeStaff || wrong == causeConflict || wrong == causeOverPromised || d.chance(3_000)
	t.plain(zeroOne[isHuman])
	s.writeResolution(d, given, opened)
	t.endRow()
}

// writeAnswer writes when the company answered and when it held the matter to be
// settled.
func (s *shop) writeAnswer(d *dice, given answer, opened int) {
	waited := d.between(1, 26) * 3_600
	if given == answeredBadly {
		waited = d.between(30, 190) * 3_600
	}
	settled := opened + waited + d.between(1, 60)*3_600
	for _, at := range []int{opened + waited, settled} {
		if given == notAnswered || at/86_400 > s.w.lastDay {
			s.complaints.null()
		} else {
			s.complaints.clock(s.w.dayText(at/86_400), at%86_400)
		}
	}
}

func (s *shop) writeResolution(d *dice, given answer, opened int) {
	t := s.complaints
	happy := ""
	texts := evasions
	switch {
	case given == notAnswered || opened/86_400+10 > s.w.lastDay:
		texts[0], texts[1] = nil, nil
	case given == answeredWell:
		texts, happy = remedies, "да"
	default:
		happy = "нет"
	}
	if list := texts[s.c.language]; list != nil {
		t.text(list[d.below(len(list))])
	} else {
		t.null()
	}
	t.plain(happy)
	if s.c.isFirm() {
		t.plain(managers[managerOf(&s.c, s.order.day, s.w)].id)
	} else {
		t.null()
	}
}

// problemTruths returns what came of orders with which something was wrong.
func (t *tally) problemTruths() []ComplaintTruth {
	var rows []ComplaintTruth
	for i := range answerNames {
		row := t.problems[i]
		row.Outcome, row.LeavePct = answerNames[i], float64(answerChances[i])/100
		rows = append(rows, row)
	}
	return rows
}
