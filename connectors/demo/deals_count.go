package demo

import "winback/connectors/entity"

// funnelCount adds up what becomes of deals.
type funnelCount struct {
	dirt   *Dirt
	stages [][]stageCount // by funnel and stage
	truth  FunnelTruth
	won    entity.Decimal
	said   ReasonsOfDeals
}

type stageCount struct {
	entered, dropped, open, lostFrom int
	amount                           entity.Decimal
}

// ReasonsOfDeals is what was written down of lost deals.
type ReasonsOfDeals struct {
	Lost        int            `json:"lost"`
	Verified    int            `json:"verified"`
	Unmapped    int            `json:"unmapped_stated"`
	TrueReasons map[string]int `json:"true_reasons"`
	Stated      map[string]int `json:"stated"`
	Found       map[string]int `json:"verified_reasons"`
	Competitors map[string]int `json:"competitors"` // by the right name
}

func newFunnelCount(dirt *Dirt) *funnelCount {
	f := &funnelCount{dirt: dirt, said: ReasonsOfDeals{TrueReasons: map[string]int{}, Stated: map[string]int{}, Found: map[string]int{}, Competitors: map[string]int{}}}
	for i := range funnels {
		f.stages = append(f.stages, make([]stageCount, len(funnels[i].stages)))
	}
	return f
}

func (f *funnelCount) deal(o *deal) {
	stages, furthest, last := f.stages[o.funnel], 0, 0
	end := o.moves[len(o.moves)-1].stage
	for _, m := range o.moves {
		if m.stage < len(stages) {
			furthest, last = max(furthest, m.stage), m.stage
		}
	}
	f.truth.Deals++
	if end == wonStage {
		furthest = len(stages) - 1
		f.truth.Won++
		f.won += o.amount
	}
	for i := range furthest + 1 {
		stages[i].entered++
	}
	switch end {
	case wonStage:
	case lostStage:
		f.truth.Lost++
		stages[furthest].dropped++
		stages[furthest].amount += o.amount
		stages[last].lostFrom++
	default:
		f.truth.Open++
		stages[furthest].open++
	}
}

// lostFor notes the reasons of a lost deal: the true one, and what was written.
func (f *funnelCount) lostFor(truth, stated, found cause, isVerified bool, rival string) {
	f.said.Lost++
	f.said.TrueReasons[causes[truth].category]++
	if stated == noCause {
		f.said.Unmapped++
	} else {
		f.said.Stated[causes[stated].category]++
	}
	if isVerified {
		f.said.Verified++
		if found != noCause {
			f.said.Found[causes[found].category]++
		}
	}
	if rival != "" {
		f.said.Competitors[rival]++
	}
}

// result returns the funnel with its worst stage: that with the largest share lost
// of those that were not open any more.
func (f *funnelCount) result() FunnelTruth {
	t := f.truth
	t.WonAmount = money(f.won)
	worst := 0.0
	for i, counts := range f.stages {
		for n, c := range counts {
			advanced := c.entered - c.dropped - c.open
			t.Stages = append(t.Stages, StageTruth{
				Pipeline: funnels[i].id, Stage: funnels[i].stages[n].id, StageNo: n + 1, Entered: c.entered, Advanced: advanced,
				PipelineName: funnels[i].name, StageName: funnels[i].stages[n].name,
				Dropped: c.dropped, Open: c.open, LostFrom: c.lostFrom, DroppedAmount: money(c.amount),
			})
			if share := pct(c.dropped, c.dropped+advanced); share > worst {
				worst, t.WorstPipeline, t.WorstStage = share, funnels[i].id, funnels[i].stages[n].id
			}
		}
	}
	return t
}
