package demo

import (
	"slices"

	"winback/connectors/entity"
)

// funnel is a sales pipeline of the CRM.
type funnel struct {
	id, name string
	stages   []stage // open ones, in their order
	won      string  // ids of the last ones
	lost     string
}

// stage is a step of a funnel. Days is how long deals usually stay, lose the
// weight of losing them there.
type stage struct {
	id, name string
	days     int64
	lose     int
}

// funnels are those of the company. From the proposals far more deals are lost
// than from any other stage: that is the leak to find.
var funnels = []funnel{
	{"1", "New firms / Новые фирмы", []stage{
		{"C1:NEW", "New lead", 2, 12}, {"C1:QUALIFIED", "Needs known / Потребность", 4, 12}, {"C1:PROPOSAL", "Proposal sent / КП отправлено", 9, 50},
		{"C1:NEGOTIATION", "Negotiation / Переговоры", 7, 13}, {"C1:CONTRACT", "Contract / Договор", 4, 5},
	}, "C1:WON", "C1:LOSE"},
	{"2", "Repeat business / Повторные продажи", []stage{
		{"C2:NEED", "Need found", 3, 20}, {"C2:OFFER", "Offer / Предложение", 6, 35}, {"C2:AGREED", "Agreed / Согласовано", 5, 10},
	}, "C2:WON", "C2:LOSE"},
}

// leadSources say where leads came from: how often, and how many of 100 are won
// against what is usual.
var leadSources = []struct {
	id     string
	weight int
}{{"WEB", 30}, {"CALL", 18}, {"RECOMMENDATION", 14}, {"ADVERTISING", 16}, {"EXHIBITION", 8}, {"COLD", 14}}

func newLeadSources() *quantiles {
	weights := make([]int, len(leadSources))
	for i, s := range leadSources {
		weights[i] = s.weight
	}
	return weighted(weights)
}

// fate is what becomes of a deal.
type fate uint8

const (
	isWon fate = iota
	isLost
	isForgotten // stays in a stage for ever
)

// deal is one sale as it is written to the CRM.
type deal struct {
	id       int
	customer *customer // nil for a lead that never became one
	title    string
	funnel   int
	fate     fate
	from     int // stage that it is lost from
	begun    int // second
	cause    cause
	amount   entity.Decimal
	manager  int
	moves    []move
}

// move is a deal's entering a stage. Stages beyond the open ones are won and lost.
type move struct {
	stage, at int
}

// sales writes the CRM's deals and their history.
type sales struct {
	w       *world
	deals   *pages
	history *pages
	count   *funnelCount
	d       dice
	deal    deal
}

func newSales(w *world, files *fileSet, count *funnelCount) (*sales, error) {
	s := &sales{w: w, count: count}
	var err error
	if s.deals, err = files.createPages(dataDir+"/crm.deal.list.json.gz", ""); err != nil {
		return nil, err
	}
	s.history, err = files.createPages(dataDir+"/crm.stagehistory.list.json.gz", "items")
	return s, err
}

func (s *sales) finish(files *fileSet) error {
	if err := s.deals.finish(files); err != nil {
		return err
	}
	return s.history.finish(files)
}

// dealsOfOne is the most deals that there are because of one firm.
const dealsOfOne = 16

// customer writes the deals with a firm, and those with firms that came at the
// same time and did not become customers.
func (s *sales) customer(c *customer, l *life) {
	if !c.isFirm() {
		return
	}
	begun := c.day*86_400 + c.second
	for k := range 1 + s.leads(c) {
		s.d.start(s.w.seed, streamDeal, uint64(c.index), uint64(k))
		s.deal = deal{id: 1_000 + c.index*dealsOfOne + k, begun: begun, moves: s.deal.moves[:0]}
		if k == 0 {
			s.deal.customer, s.deal.title = c, "Supply contract: "+c.firmName()
			s.deal.fate = s.ownFate(c)
		} else {
			s.deal.begun += s.d.below(27 * 86_400)
			s.deal.title = "Lead " + s.leadName(c)
			s.deal.fate = isLost
			if s.d.chance(300) {
				s.deal.fate = isForgotten
			}
		}
		s.write(c)
	}
	s.repeats(c, l)
}

// leads is the number of lost leads for each firm that came.
func (s *sales) leads(c *customer) int {
	s.d.start(s.w.seed, streamDeal, uint64(c.index), 1_000)
	return s.d.below(6)
}

func (s *sales) leadName(c *customer) string {
	other := *c
	other.firm, other.language = s.d.below(1<<20), s.d.below(2)
	return other.firmName()
}

func (s *sales) ownFate(c *customer) fate {
	chance := 600
	if c.silent || c.oneTime {
		chance = 7_000
	}
	switch {
	case !s.d.chance(chance):
		return isWon
	case s.d.chance(1_200):
		return isForgotten
	}
	return isLost
}

// repeats writes further deals with a firm that buys: some now and then, and one
// that is lost when the firm leaves.
func (s *sales) repeats(c *customer, l *life) {
	if len(l.purchases) == 0 {
		return
	}
	k := 6
	for day := l.purchases[0] + 90; day <= l.purchases[len(l.purchases)-1] && k < dealsOfOne-4; k++ {
		s.d.start(s.w.seed, streamDeal, uint64(c.index), uint64(k))
		day += s.d.between(20, 240)
		s.deal = deal{id: 1_000 + c.index*dealsOfOne + k, begun: day*86_400 + s.w.firmHours.second(&s.d), customer: c, funnel: 1, moves: s.deal.moves[:0]}
		s.deal.title = "Equipment and tasting: " + c.firmName()
		if s.d.chance(4_600) {
			s.deal.fate = isLost
		}
		s.write(c)
	}
	for i := range l.departures {
		leave := &l.departures[i]
		if k = dealsOfOne - 4 + i; i == 4 || leave.loss > s.w.lastDay {
			break
		}
		s.d.start(s.w.seed, streamDeal, uint64(c.index), uint64(k))
		day := leave.loss - s.d.between(2, 20)
		s.deal = deal{id: 1_000 + c.index*dealsOfOne + k, begun: day*86_400 + s.w.firmHours.second(&s.d), customer: c, funnel: 1, fate: isLost, cause: leave.cause, moves: s.deal.moves[:0]}
		s.deal.title = "Keep the customer: " + c.firmName()
		s.write(c)
	}
}

// write draws the rest of the deal and writes it, if it has begun.
func (s *sales) write(c *customer) {
	o, d := &s.deal, &s.d
	small, large := 180, 1_600
	if segments[c.segment].name == "wholesale" {
		small, large = 1_500, 9_000
	}
	o.amount = entity.Decimal(d.between(small, large)*100+d.below(100)) * cent
	o.manager = managerOf(c, min(o.begun/86_400, s.w.lastDay), s.w)
	source := int(d.from(s.w.chances.leadSources))
	s.drawMoves()
	if o.begun/86_400 > s.w.lastDay || o.begun < 0 {
		return
	}
	lost := o.moves[len(o.moves)-1].stage == lostStage
	s.writeDeal(source, lost)
	s.writeHistory()
	s.count.deal(o)
}

// Stages of moves beyond the open ones.
const (
	wonStage  = 100
	lostStage = 101
)

// drawMoves takes the deal through its funnel up to the last day.
func (s *sales) drawMoves() {
	o, d := &s.deal, &s.d
	stages := funnels[o.funnel].stages
	o.from = len(stages) - 1
	if o.fate != isWon {
		o.from = int(d.from(s.w.chances.loseFrom[o.funnel]))
	}
	at := o.begun
	stay := func(stage int) {
		o.moves = append(o.moves, move{stage, at})
		if !d.chance(400) { // else moved on within the same second
			at += int(d.from(s.w.chances.stay))*int(stages[min(stage, len(stages)-1)].days)*864/10 + d.below(7_200)
		}
	}
	for i := 0; i <= o.from; i++ {
		if i > 0 && i < o.from && d.chance(600) {
			continue // skipped
		}
		stay(i)
		if i > 0 && d.chance(500) {
			stay(i - 1) // sent back
			stay(i)
		}
	}
	switch o.fate {
	case isWon:
		o.moves = append(o.moves, move{wonStage, at})
	case isLost:
		o.moves = append(o.moves, move{lostStage, at})
		if d.chance(350) { // opened again, in vain
			at += d.between(5, 40) * 86_400
			stay(o.from)
			o.moves = append(o.moves, move{lostStage, at})
		}
	}
	end := s.w.days() * 86_400
	o.moves = slices.DeleteFunc(o.moves, func(m move) bool { return m.at >= end })
	if len(o.moves) == 0 {
		o.moves = append(o.moves, move{0, o.begun})
	}
}
