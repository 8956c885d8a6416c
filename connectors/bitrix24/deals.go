package bitrix24

import (
	"context"
	"encoding/json"
	"slices"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
)

// deals describes deals.
func (s *source) deals() changing {
	entities := of(entity.Of[entity.Deal]())
	var also []*entity.Schema
	if s.config.wantsOrders() {
		also = of(entity.Of[entity.Order](), entity.Of[entity.OrderLine]())
	}
	names := s.customNames(append(entities, also...))
	if s.config.LostReason != stageReason && !slices.Contains(names, s.config.LostReason) {
		names = append(names, s.config.LostReason)
	}
	d := &dealRows{source: s}
	k := kind{list: items("deals", dealType, names...), typeID: dealType, row: d.row, key: keyed(""), prepare: d.prepare, filter: params{"isRecurring": "N"}}
	swept := slices.Clone(entities)
	if s.config.wantsOrders() {
		swept = append(swept, entity.Of[entity.Order]())
	}
	return changing{
		name: dealsSet, entity: entities[0], also: also, swept: swept, kinds: []kind{k},
		time: "updatedTime", overlap: overlap, scope: "crm", begin: func(req connectors.Request) { d.sample = req.Sample > 0 },
		known: slices.Concat(commonFields, dealFields),
	}
}

func (c *Config) wantsOrders() bool { return c.Orders == "won_deals" }

var dealFields = []string{
	"leadId", "quoteId", "productId", "isNew", "isReturnCustomer", "isRepeatedApproach", "closed", "typeId", "probability", "eventDate",
	"eventDateShort", "eventId", "eventDescription", "additionalInfo", "orderStage", "isWork", "isWon", "isLose", "receivedAmount", "lostAmount", "hasProducts",
}

// dealRows makes rows of deals.
type dealRows struct {
	*source
	fields map[string]customField
	sample bool
	lines  map[string][]productRow // by deal, of the page being read
}

// prepare reads what the deals of a page refer to: the stages of their pipelines
// and the sources, once, and their product rows.
func (d *dealRows) prepare(ctx context.Context, records []json.RawMessage) error {
	wanted := []string{"SOURCE"}
	for _, raw := range records {
		wanted = append(wanted, stageDirectory(string(known(raw).Category)))
	}
	if _, err := d.directory(ctx, wanted...); err != nil {
		return err
	}
	if d.config.LostReason != stageReason && d.fields == nil {
		fields, err := d.customFields(ctx, dealType)
		if err != nil {
			return err
		}
		d.fields = fields
	}
	d.lines = nil
	if !d.config.Products && !d.config.wantsOrders() {
		return nil
	}
	lines, err := d.productRows(ctx, records)
	d.lines = lines
	return err
}

// row makes a row of a deal, and those of the order that it is if it was won.
func (d *dealRows) row(r *record.Record) {
	r.Need("stageId", "categoryId")
	r.Drop("searchContent")
	if template := r.Bool("isRecurring"); template.V { // what later deals are made of
		r.Ignore()
	}
	id, pipeline, stage := r.ID("id"), r.Text("categoryId"), r.Text("stageId")
	status := stateOf(r.Text("stageSemanticId"))
	deal := &entity.Deal{
		ID: id, CustomerID: customerID(r), ContactID: coded(contactCode, r.ID("contactId")), Title: r.Text("title"),
		PipelineID: pipeline, StageID: stage, Status: status,
		Amount: r.Decimal("opportunity"), Currency: currency(r.Text("currencyId"), d.env.Currency),
		ManagerID: r.ID("assignedById"), LeadSource: d.named("SOURCE", r.Text("sourceId")), CreatedAt: r.Time("createdTime"),
	}
	deal.SourceUpdatedAt = r.Time("updatedTime")
	d.closing(r, deal)
	if status == "lost" {
		deal.LostReason = d.reason(r, pipeline, stage)
	}
	lines := d.lines[id]
	if d.config.Products {
		deal.Product = mainProduct(lines)
	}
	record.Add(r, deal)
	if d.config.wantsOrders() {
		d.order(r, deal, lines)
	}
}

// closing fills in when a deal is expected to close, or did. closedate is the one
// until the other; as a date it tells less than the time of the last move.
func (d *dealRows) closing(r *record.Record, deal *entity.Deal) {
	day, moved := r.DayTime("closedate"), r.Time("movedTime")
	switch {
	case deal.Status == "open":
		deal.ExpectedCloseAt = day
	case moved.OK:
		deal.ClosedAt = moved
	default:
		deal.ClosedAt = day
	}
}

// reason is why a deal was lost: what its stage is called, or what a field says.
func (d *dealRows) reason(r *record.Record, pipeline, stage string) string {
	if d.config.LostReason == stageReason {
		return d.named(stageDirectory(pipeline), stage)
	}
	raw := d.meaning(d.fields[d.config.LostReason], r.Raw(d.config.LostReason))
	return joined(raw)
}

// joined is the text of one value, or of several with commas between them.
func joined(raw json.RawMessage) string {
	var list []word
	if json.Unmarshal(raw, &list) == nil {
		text := ""
		for _, one := range list {
			if text != "" && one != "" {
				text += ", "
			}
			text += string(one)
		}
		return text
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}
