package bitrix24

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"winback/connectors/entity"
	"winback/connectors/record"
)

// invoices describes smart invoices, which are payments: paid when their stage is a
// success, given up when it is a failure.
func (s *source) invoices() changing {
	names := s.customNames(of(entity.Of[entity.Payment]()))
	k := kind{
		list: items("invoices", invoiceType, names...), typeID: invoiceType, row: s.invoice, key: keyed(""),
		prepare: s.stagesOf("SMART_INVOICE_STAGE_%s"),
	}
	return changing{
		name: invoicesSet, entity: entity.Of[entity.Payment](), swept: of(entity.Of[entity.Payment]()), kinds: []kind{k},
		time: "updatedTime", overlap: overlap, scope: "crm", known: slices.Concat(commonFields, processFields),
	}
}

var processFields = []string{"title", "categoryId", "stageId", "begindate", "closedate", "movedTime", "contactId", "companyId", "assignedById", "createdTime", "isManualOpportunity", "opportunity", "currencyId"}

// stagesOf reads the directories of the stages that records of a page are in.
func (s *source) stagesOf(form string) func(context.Context, []json.RawMessage) error {
	return func(ctx context.Context, records []json.RawMessage) error {
		var wanted []string
		for _, raw := range records {
			wanted = append(wanted, fmt.Sprintf(form, known(raw).Category))
		}
		_, err := s.directory(ctx, wanted...)
		return err
	}
}

// stageOf is the stage that a record is in.
func (s *source) stageOf(r *record.Record, form string) status {
	code := r.Text("stageId")
	stage, ok := s.lookups.directories[fmt.Sprintf(form, r.Text("categoryId"))][code]
	if !ok {
		stage = status{Code: code, Name: code}
	}
	return stage
}

func (s *source) invoice(r *record.Record) {
	r.Need("stageId", "opportunity")
	r.Drop("searchContent")
	amount, moved := r.Decimal("opportunity"), r.Time("movedTime")
	p := &entity.Payment{
		ID: r.ID("id"), CustomerID: customerID(r), OrderID: r.ID("parentId2"), DueAt: r.DayTime("closedate"),
		Amount: amount, Currency: currency(r.Text("currencyId"), s.env.Currency),
	}
	switch stateOf(s.stageOf(r, "SMART_INVOICE_STAGE_%s").Semantics) {
	case "won":
		p.PaidAt = moved
	case "lost":
		p.WrittenOff = amount
	}
	p.SourceUpdatedAt = r.Time("updatedTime")
	record.Add(r, p)
}

// complaints describes complaints that are kept in a smart process.
func (s *source) complaints() changing {
	form := fmt.Sprintf("DYNAMIC_%d_STAGE_%%s", s.config.Complaints)
	names := s.customNames(of(entity.Of[entity.Complaint]()))
	k := kind{
		list: items("complaints", s.config.Complaints, names...), typeID: s.config.Complaints, key: keyed(""),
		prepare: s.stagesOf(form), row: func(r *record.Record) { s.complaint(r, form) },
	}
	return changing{
		name: complaintsSet, entity: entity.Of[entity.Complaint](), swept: of(entity.Of[entity.Complaint]()), kinds: []kind{k},
		time: "updatedTime", overlap: overlap, scope: "crm", known: slices.Concat(commonFields, processFields),
	}
}

// complaint makes a row of an item of the smart process: settled when its stage is
// a last one. What else the contract asks for is in fields of the account's own.
func (s *source) complaint(r *record.Record, form string) {
	r.Drop("searchContent")
	moved := r.Time("movedTime")
	c := &entity.Complaint{
		ID: r.ID("id"), CustomerID: customerID(r), OrderID: r.ID("parentId2"), OpenedAt: r.Time("createdTime"),
		Text: r.Text("title"), ManagerID: r.ID("assignedById"),
	}
	if stage := s.stageOf(r, form); stage.Semantics == "S" || stage.Semantics == "F" {
		c.ResolvedAt, c.Resolution = moved, stage.Name
	}
	c.SourceUpdatedAt = r.Time("updatedTime")
	record.Add(r, c)
}
