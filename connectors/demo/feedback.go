package demo

var surveyHeader = []string{
	"ID", "Клиент", "Вид опроса", "Дата", "Оценка", "Из", "Причина со слов клиента", "Причина проверенная", "Пожелание", "Кто отвечал",
}

// feedback writes what customers answer when they are asked: after orders, and
// when they have left.
type feedback struct {
	w     *world
	t     *table
	count *tally
	d     dice
}

func newFeedback(w *world, files *fileSet, count *tally) (*feedback, error) {
	t, err := files.create(dataDir+"/crm_surveys.csv", officeFormat(surveyHeader...))
	return &feedback{w: w, t: t, count: count}, err
}

// surveysOfOne is the most surveys that there are of one customer.
const surveysOfOne = 64

func (f *feedback) customer(c *customer, l *life) {
	if !c.inCRM {
		return
	}
	for i := range l.departures {
		if said := f.w.farewellOf(c, l, i); said.isAsked {
			f.writeExit(c, i, &said)
		}
	}
	unhappy := 0 // orders since something went wrong
	for i, e := range l.orders {
		if unhappy++; e.problem() != noCause {
			unhappy = 0
		}
		if k := 4 + i/3; i%3 == 0 && k < surveysOfOne/2 {
			f.d.start(f.w.seed, streamSurvey, uint64(c.index), uint64(i))
			if f.d.chance(3_600) {
				f.ask(c, k, e.day(), i > 0 && unhappy < 2 || e.problem() != noCause)
			}
		}
	}
}

func (f *feedback) writeExit(c *customer, i int, said *farewell) {
	f.d.start(f.w.seed, streamSurvey, uint64(c.index), uint64(2_000+i))
	f.begin(c, i, "exit", said.at)
	f.t.null()
	f.t.null()
	f.t.text(said.words.text)
	if said.verified == noCause {
		f.t.null()
	} else {
		f.t.text(said.found.text)
	}
	f.wish(c)
	f.t.plain("customer")
	f.t.endRow()
}

// begin writes what all surveys begin with.
func (f *feedback) begin(c *customer, k int, kind string, second int) {
	t := f.t
	t.field()
	t.row = appendInt(append(t.row, 'S'), c.index*surveysOfOne+k)
	t.integer(c.crmID())
	t.plain(kind)
	t.field()
	t.row = append(appendDottedDay(t.row, f.w.dayText(second/86_400)), ' ')
	t.row = appendClock(t.row, second%86_400)[:len(t.row)+5]
}

var wishes = [2][]string{
	{"free delivery", "more decaf", "a personal manager", "longer payment terms"},
	{"бесплатную доставку", "больше чая без ароматизаторов", "отсрочку платежа", "чтобы перезванивали"},
}

func (f *feedback) wish(c *customer) {
	if f.d.chance(2_000) {
		f.t.text(wishes[c.language][f.d.below(4)])
	} else {
		f.t.null()
	}
}

// ask asks a customer how content they are, some days after an order; two of three
// do not answer. Employees who guess what a customer thinks think better of it.
func (f *feedback) ask(c *customer, k, day int, unhappy bool) {
	second := (day+promisedDays+f.d.between(2, 9))*86_400 + f.w.peopleHours.second(&f.d)
	if second/86_400 > f.w.lastDay {
		return
	}
	kind := "satisfaction"
	if f.d.chance(4_500) {
		kind = "nps"
	}
	score := 6 + max(f.d.below(5), f.d.below(5)) - f.d.below(2)
	if unhappy {
		score = f.d.below(7)
	}
	answers := f.d.chance(3_600)
	f.count.surveys.sent(kind, score, answers)
	f.mark(c, k, kind, second, score, answers, "customer")
	if c.isFirm() && f.d.chance(4_000) {
		guess := min(10, 8+f.d.below(3))
		f.count.surveys.guess(guess)
		f.mark(c, k+surveysOfOne/2, "employee_guess", second, guess, true, "employee")
	}
}

// mark writes a mark, of ten; some forms of satisfaction had stars, of five.
func (f *feedback) mark(c *customer, k int, kind string, second, score int, answers bool, who string) {
	f.begin(c, k, kind, second)
	most := 10
	if kind == "satisfaction" && f.d.chance(2_000) {
		most = 5
	}
	if answers {
		f.t.field()
		f.t.row = appendTenths(f.t.row, score*most) // of ten tenths
		f.t.integer(most)
	} else {
		f.t.null()
		f.t.integer(most)
	}
	f.t.null()
	f.t.null()
	f.wish(c)
	f.t.plain(who)
	f.t.endRow()
}

// appendTenths writes a number of tenths with a decimal comma: 75 is 7,5.
func appendTenths(b []byte, tenths int) []byte {
	b = appendInt(b, tenths/10)
	if tenths%10 != 0 {
		b = append(b, ',', byte('0'+tenths%10))
	}
	return b
}

// surveyCount adds marks up, of ten.
type surveyCount struct {
	truth SurveyTruth
	sums  [3]int
}

// SurveyTruth is what was asked and answered.
type SurveyTruth struct {
	SatisfactionSent     int     `json:"satisfaction_sent"`
	SatisfactionAnswered int     `json:"satisfaction_answered"`
	SatisfactionMean     float64 `json:"satisfaction_mean"` // of 10
	NPSSent              int     `json:"nps_sent"`
	NPSAnswered          int     `json:"nps_answered"`
	NPS                  float64 `json:"nps"`
	Guesses              int     `json:"employee_guesses"`
	GuessMean            float64 `json:"employee_guess_mean"`
}

func (s *surveyCount) sent(kind string, score int, answered bool) {
	t := &s.truth
	if kind == "nps" {
		t.NPSSent++
	} else {
		t.SatisfactionSent++
	}
	switch {
	case !answered:
	case kind != "nps":
		t.SatisfactionAnswered++
		s.sums[0] += score
	default:
		t.NPSAnswered++
		switch {
		case score >= 9:
			s.sums[1]++
		case score <= 6:
			s.sums[1]--
		}
	}
}

func (s *surveyCount) guess(score int) {
	s.truth.Guesses++
	s.sums[2] += score
}

func (s *surveyCount) result() SurveyTruth {
	t := s.truth
	t.SatisfactionMean = pct(s.sums[0], 100*t.SatisfactionAnswered)
	t.NPS = pct(s.sums[1], t.NPSAnswered)
	t.GuessMean = pct(s.sums[2], 100*t.Guesses)
	return t
}
