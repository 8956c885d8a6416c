package demo

import (
	"strings"

	"winback/connectors/entity"
)

// stageID returns the CRM's name of a stage of moves, and what a deal in it is.
func (f *funnel) stageID(stage int) (id, semantics string) {
	switch stage {
	case wonStage:
		return f.won, "S"
	case lostStage:
		return f.lost, "F"
	}
	return f.stages[stage].id, "P"
}

func (s *sales) writeDeal(source int, lost bool) {
	o, t, d, f := &s.deal, s.deals.t, &s.d, &funnels[s.deal.funnel]
	last := o.moves[len(o.moves)-1]
	id, semantics := f.stageID(last.stage)
	margin := o.amount * entity.Decimal(d.between(18, 38)) / 100 / cent * cent
	s.deals.begin()
	t.num("ID", o.id)
	t.str("TITLE", o.title)
	t.str("CATEGORY_ID", f.id)
	t.str("STAGE_ID", id)
	t.str("STAGE_SEMANTIC_ID", semantics)
	s.writeAmount()
	t.str("CURRENCY_ID", Currency)
	t.cash("UF_CRM_MARGIN", margin)
	if o.customer != nil {
		t.num("COMPANY_ID", o.customer.crmID())
		t.none("CONTACT_ID")
	} else {
		t.none("COMPANY_ID")
		t.num("CONTACT_ID", 900_000+o.id)
	}
	t.str("ASSIGNED_BY_ID", managers[o.manager].id)
	t.str("SOURCE_ID", leadSources[source].id)
	t.str("UF_CRM_PRODUCT", categories[d.below(4)].name)
	t.moment(s.w, "DATE_CREATE", o.begun)
	t.str("CLOSEDATE", s.w.dayText(o.begun/86_400+d.between(14, 45)))
	closed := semantics != "P"
	t.str("CLOSED", map[bool]string{true: "Y", false: "N"}[closed])
	if closed {
		t.moment(s.w, "UF_CRM_CLOSED_AT", last.at)
	} else {
		t.none("UF_CRM_CLOSED_AT")
	}
	s.writeReasons(lost)
	s.deals.end()
}

// writeAmount writes the amount; now and then somebody typed words into the field.
func (s *sales) writeAmount() {
	t := s.deals.t
	if s.d.chance(15) {
		t.str("OPPORTUNITY", []string{"уточнить", "ca. 500", "12 тыс."}[s.d.below(3)])
		s.count.dirt.BadAmounts++
		s.deal.amount = 0 // nobody knows it
		return
	}
	t.cash("OPPORTUNITY", s.deal.amount)
}

// writeReasons writes why a deal was lost, as the customer said and as it was
// found out, and to whom.
func (s *sales) writeReasons(lost bool) {
	o, t, d := &s.deal, s.deals.t, &s.d
	truth, language := o.cause, d.below(2)
	if truth == noCause {
		truth = s.dealCause()
	}
	stated := drawStated(d, truth)
	words, found := drawReason(d, stated, language), drawReason(d, truth, language)
	isVerified := d.chance(5_500)
	if !lost {
		t.none("UF_CRM_LOST_REASON")
		t.none("UF_CRM_LOST_REASON_VERIFIED")
		t.none("UF_CRM_COMPETITOR")
		return
	}
	t.str("UF_CRM_LOST_REASON", words.text)
	rival := words.competitor
	if isVerified {
		t.str("UF_CRM_LOST_REASON_VERIFIED", found.text)
		if rival == "" {
			rival = found.competitor
		}
	} else {
		t.none("UF_CRM_LOST_REASON_VERIFIED")
	}
	if rival == "" && truth == causePrice && d.chance(5_000) {
		rival, _ = drawCompetitor(d)
	}
	if rival == "" {
		t.none("UF_CRM_COMPETITOR")
	} else {
		t.str("UF_CRM_COMPETITOR", misspelled(d, rival))
	}
	s.count.lostFor(truth, words.said, found.said, isVerified, rival)
}

// dealCause draws why a deal is lost: proposals are lost for their price.
func (s *sales) dealCause() cause {
	d := &s.d
	fate := d.below(100)
	isOffer := strings.HasSuffix(funnels[s.deal.funnel].stages[s.deal.from].id, "PROPOSAL")
	switch {
	case isOffer && fate < 55:
		return causePrice
	case isOffer && fate < 80:
		return causeCompetitor
	}
	return cause(s.w.chances.causes[1].at(d.source.Uint64()))
}

// misspelled writes a competitor's name as managers type it.
func misspelled(d *dice, name string) string {
	for _, c := range competitors {
		if c.spellings[0] == name {
			return c.spellings[d.below(len(c.spellings))]
		}
	}
	return name
}

// replaceName puts a name into a text.
func replaceName(text, name string) string { return strings.ReplaceAll(text, "%s", name) }

// movesOfOne is more than a deal has moves.
const movesOfOne = 100

// writeHistory writes the stages that the deal has been in.
func (s *sales) writeHistory() {
	o, t, f := &s.deal, s.history.t, &funnels[s.deal.funnel]
	for i, m := range o.moves {
		id, semantics := f.stageID(m.stage)
		s.history.begin()
		t.num("ID", o.id*movesOfOne+i) // the same on any day
		t.str("TYPE_ID", map[bool]string{true: "1", false: "2"}[i == 0])
		t.num("OWNER_ID", o.id)
		t.num("SEQ", i+1)
		t.moment(s.w, "CREATED_TIME", m.at)
		if i+1 < len(o.moves) {
			t.moment(s.w, "LEFT_TIME", o.moves[i+1].at)
		} else {
			t.none("LEFT_TIME")
		}
		t.str("CATEGORY_ID", f.id)
		t.str("STAGE_SEMANTIC_ID", semantics)
		t.str("STAGE_ID", id)
		s.history.end()
	}
}

// writeFunnels writes the pipelines and their stages.
func writeFunnels(_ *world, files *fileSet) error {
	list, err := files.createPages(dataDir+"/crm.category.list.json", "categories")
	if err != nil {
		return err
	}
	for i, f := range funnels {
		list.begin()
		list.t.str("id", f.id)
		list.t.str("name", f.name)
		list.t.num("sort", 100*(i+1))
		list.t.num("entityTypeId", 2)
		list.t.str("isDefault", "N")
		list.end()
	}
	if err := list.finish(files); err != nil {
		return err
	}
	if list, err = files.createPages(dataDir+"/crm.status.list.json", ""); err != nil {
		return err
	}
	for _, f := range funnels {
		for i, st := range f.stages {
			writeStage(list, &f, i, st.id, st.name, "process")
		}
		writeStage(list, &f, len(f.stages), f.won, "Won / Успех", "success")
		writeStage(list, &f, len(f.stages)+1, f.lost, "Lost / Провал", "failure")
	}
	return list.finish(files)
}

func writeStage(list *pages, f *funnel, number int, id, name, semantics string) {
	list.begin()
	list.t.num("ID", list.count+101)
	list.t.str("ENTITY_ID", "DEAL_STAGE_"+f.id)
	list.t.str("STATUS_ID", id)
	list.t.str("NAME", name)
	list.t.num("SORT", 10*(number+1))
	list.t.str("CATEGORY_ID", f.id)
	list.t.key("EXTRA")
	list.t.row = append(list.t.row, '{')
	list.t.str("SEMANTICS", semantics)
	list.t.row = append(list.t.row, '}')
	list.end()
}
