package demo

// topic is what a call to the service line is about.
type topic uint8

const (
	topicNone topic = iota
	topicOrder
	topicProduct
	topicInvoice
	topicProblem
	topicOffer // calls by the company
	topicCallback
)

// topicNames are those of the service line's program.
var topicNames = [...]string{
	topicNone: "", topicOrder: "Статус заказа", topicProduct: "Вопрос о товаре", topicInvoice: "Счёт и документы",
	topicProblem: "Жалоба", topicOffer: "Предложение товара", topicCallback: "Обратный звонок",
}

// leak is something that a call centre does that loses customers.
type leak uint8

const (
	noLeak leak = iota
	leakCallback
	leakOffice
	leakCompetence
	leakPitch
	leakBought
	leakAbandoned
	leakLate // a promise kept late
	leakKinds
)

// leaks are in the order of their numbers. By far the worst is the call-back that
// is promised and never made.
var leaks = []struct {
	name  string
	leave int // of 10,000 callers, because of it
}{
	noLeak: {}, leakCallback: {"callback_never_made", 2_400}, leakOffice: {"sent_to_office", 500}, leakCompetence: {"outside_competence", 400},
	leakPitch: {"pitch_after_own_call", 250}, leakBought: {"offer_already_bought", 150}, leakAbandoned: {"abandoned_call", 250}, leakLate: {"callback_late", 500},
}

// Chances, of 10,000, around calls.
const (
	callAnyway    = 800 // about an order with which nothing is wrong
	callIfWrong   = 4_500
	giveUp        = 900 // before anybody answers
	giveUpBusy    = 2_400
	tryAgain      = 5_000
	promised      = 2_200 // a call-back
	promiseKept   = 3_200
	promiseLate   = 1_200
	sentToOffice  = 600
	outOfHisDepth = 900
	pitchAfter    = 1_400 // a question about goods
	pitchAnyway   = 130
	alreadyHas    = 3_000 // of those pitches
)

// What is decided of a call is in its flags.
const (
	topicShift = 8
	leakShift  = 12
	callBits   = 15
	stateShift = 16
	orderShift = 18 // number of the order that the call came after
)

func (e event) topic() topic { return topic(e.flags >> topicShift & callBits) }
func (e event) leak() leak   { return leak(e.flags >> leakShift & callBits) }
func (e event) after() int   { return int(e.flags >> orderShift) }

// callState is what became of a call.
type callState uint8

const (
	callSettled callState = iota
	callGivenUp
	callPromised // a call-back, its fate being that of the leak
	callBack     // made, for the call before
)

func (e event) state() callState { return callState(e.flags >> stateShift & 3) }

// telephone decides the calls around the order just placed, and returns the
// departure that one of them brings on; its day is never if none does.
func (p *player) telephone() departure {
	stays := departure{day: never, event: -1}
	e := &p.l.orders[len(p.l.orders)-1]
	if !p.c.hasPhone || p.c.presence != hasAccount || e.flags&isCancelled != 0 {
		return stays
	}
	chance, about, day := callAnyway, topic(1+p.d.below(3)), e.day()+p.d.below(5)
	if e.problem() != noCause {
		chance, about = callIfWrong, topicProblem
		day = e.day() + promisedDays + p.d.below(3)
	}
	upset := stays
	if p.d.chance(chance) {
		upset = p.callIn(day, about)
	}
	if p.d.chance(pitchAnyway) {
		if pitched := p.pitch(e.day()+p.d.between(6, 40), false); pitched.day < upset.day {
			upset = pitched
		}
	}
	return upset
}

// open hours of the service line, in seconds of the day.
const (
	lineOpens  = 8 * 3_600
	lineCloses = 20 * 3_600
)

// dial notes a call and returns the departure that its leak brings on.
func (p *player) dial(second int, about topic, state callState, wrong leak) departure {
	leave := departure{day: never, event: -1}
	upset := p.d.chance(leaks[wrong].leave)
	soon := p.d.between(1, 9)
	if second/86_400 <= p.w.lastDay { // else it has not come yet
		p.l.calls = append(p.l.calls, event{
			second: uint32(second), customer: uint32(p.c.index), sequence: uint32(len(p.l.calls)),
			flags: isCall | eventFlags(about)<<topicShift | eventFlags(wrong)<<leakShift | eventFlags(state)<<stateShift |
				eventFlags(len(p.l.orders)-1)<<orderShift,
		})
	}
	if upset {
		leave.day, leave.cause, leave.leak = second/86_400+soon, causeService, wrong
	}
	return leave
}

// callIn lets the customer call the service line, again if nobody answers.
func (p *player) callIn(day int, about topic) departure {
	second := day*86_400 + p.d.between(lineOpens, lineCloses-2*3_600)
	chance := giveUp
	if p.w.inBadQuarter(day) {
		chance = giveUpBusy
	}
	if p.d.chance(chance) {
		upset := p.dial(second, about, callGivenUp, leakAbandoned)
		if upset.day < never || !p.d.chance(tryAgain) {
			return upset
		}
		second += p.d.between(240, 7_000)
	}
	switch fate := p.d.below(10_000); {
	case fate < promised:
		return p.promise(second, about)
	case fate < promised+sentToOffice:
		return p.dial(second, about, callSettled, leakOffice)
	case fate < promised+sentToOffice+outOfHisDepth:
		return p.dial(second, about, callSettled, leakCompetence)
	}
	upset := p.dial(second, about, callSettled, noLeak)
	if about == topicProduct && p.d.chance(pitchAfter) {
		return p.pitch(day+p.d.between(1, 3), true)
	}
	return upset
}

// promiseWithin is when a call-back is due, in seconds after the call.
const promiseWithin = 24 * 3_600

// promise lets the operator promise a call-back, which comes on time, late or
// never.
func (p *player) promise(second int, about topic) departure {
	fate, delay := p.d.below(10_000), p.d.between(-840, 840)
	switch {
	case fate < promiseKept:
		p.dial(second, about, callPromised, noLeak)
		return p.dial(second+promiseWithin+delay, topicCallback, callBack, noLeak)
	case fate < promiseKept+promiseLate:
		late := p.dial(second, about, callPromised, leakLate)
		days := p.d.between(1, 4)
		p.dial(second+promiseWithin+days*86_400-delay/4, topicCallback, callBack, noLeak)
		if late.day < never {
			late.day += days + 1
		}
		return late
	}
	broken := p.dial(second, about, callPromised, leakCallback)
	broken.day += 2 // who waits a day or two
	return broken
}

// pitch lets the company offer something: what the customer has just asked about,
// or, of the others, now and then what the customer has already.
func (p *player) pitch(day int, asked bool) departure {
	second := day*86_400 + p.d.between(lineOpens+3_600, lineCloses-4*3_600)
	has := p.d.chance(alreadyHas)
	switch {
	case asked:
		return p.dial(second, topicOffer, callSettled, leakPitch)
	case has:
		return p.dial(second, topicOffer, callSettled, leakBought)
	}
	return p.dial(second, topicOffer, callSettled, noLeak)
}
