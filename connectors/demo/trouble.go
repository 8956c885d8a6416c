package demo

// Chances, of 10,000, that an order goes wrong, and what customers make of it.
// Quiet ones leave more often than those who complained and were answered well;
// nothing drives customers away like a bad answer.
const (
	wrongIfLate    = 2_200
	wrongOtherwise = 160
	complainPerson = 1_200
	complainFirm   = 2_400
	wellAnswered   = 5_500
	badlyAnswered  = 3_000

	leaveQuietly     = 900
	leaveAnswered    = 350
	leaveBadAnswered = 4_400
)

// wrongs are what may be wrong with an order that is not late, by weight.
var wrongs = []struct {
	cause  cause
	weight int
}{{causeQuality, 34}, {causeService, 24}, {causeStaff, 10}, {causeOverPromised, 10}, {causeTechnical, 10}, {causeBrokenAgreement, 7}, {causeConflict, 5}}

func newWrongs() *quantiles {
	weights := make([]int, len(wrongs))
	for i, w := range wrongs {
		weights[i] = w.weight
	}
	return weighted(weights)
}

// goWrong decides whether something was wrong with the order just placed, whether
// the customer complains and how that is answered. It returns the departure that
// comes of it; its day is never if none does.
func (p *player) goWrong() departure {
	e := &p.l.orders[len(p.l.orders)-1]
	stays := departure{day: never, event: -1}
	chance, wrong := wrongOtherwise, wrongs[p.d.from(p.w.chances.wrongs)].cause
	late := p.w.lateness(int(e.customer), int(e.sequence), e.day())
	if late > 0 {
		chance, wrong = wrongIfLate, causeDelivery
	}
	if !p.d.chance(chance) || e.flags&isCancelled != 0 {
		return stays
	}
	e.flags |= eventFlags(wrong) << problemShift
	complain, leave := complainPerson, leaveQuietly
	if p.segment.isFirm {
		complain = complainFirm
	}
	if p.d.chance(complain) {
		given := notAnswered
		leave = leaveBadAnswered
		switch fate := p.d.below(10_000); {
		case fate < wellAnswered:
			given, leave = answeredWell, leaveAnswered
		case fate < wellAnswered+badlyAnswered:
			given = answeredBadly
		}
		e.flags |= eventFlags(given) << answerShift
	}
	if !p.d.chance(leave) {
		return stays
	}
	upset := departure{day: e.day() + promisedDays + late + p.d.between(1, 6), cause: wrong, event: -1}
	if late > 0 && p.w.inBadQuarter(e.day()) && p.c.inCRM {
		upset.event = p.w.carrierEvent
	}
	return upset
}

func (w *world) inBadQuarter(day int) bool { return day >= w.badFrom && day <= w.badTo }

// lateness is by how many days the delivery of an order misses its promise: in the
// bad quarter, of many orders. It depends on the order alone.
func (w *world) lateness(customer, sequence, day int) int {
	var d dice
	d.start(w.seed, streamDelivery, uint64(customer), uint64(sequence))
	late := 700
	if w.inBadQuarter(day) {
		late = 3_600
	}
	if !d.chance(late) {
		return 0
	}
	return max(1, min(30, int(d.from(w.chances.delivery))))
}
