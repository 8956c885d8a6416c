package bitrix24

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"winback/connectors/entity"
	"winback/connectors/record"
)

// productRow is a line of a deal.
type productRow struct {
	ID        int64       `json:"id"`
	OwnerID   json.Number `json:"ownerId"`
	ProductID json.Number `json:"productId"` // 0 is a line of free text
	Name      string      `json:"productName"`
	Price     json.Number `json:"price"`       // of a unit, discount and tax included
	Discount  json.Number `json:"discountSum"` // on a unit
	Quantity  json.Number `json:"quantity"`
	Sort      int64       `json:"sort"`
}

// dealsALinesList is how many deals' lines are asked for with one list.
const dealsALinesList = 50

// productRows reads the lines of deals, in their order.
func (s *source) productRows(ctx context.Context, deals []json.RawMessage) (map[string][]productRow, error) {
	var ids []string
	for _, raw := range deals {
		ids = append(ids, string(known(raw).ID))
	}
	rowsOf := list{name: "product rows", method: "crm.item.productrow.list", items: "productRows", id: "id"}
	var lists []asked
	for some := range slices.Chunk(ids, dealsALinesList) {
		lists = append(lists, asked{list: rowsOf, filter: params{"=ownerType": "D", "=ownerId": some}, after: "0"})
	}
	byDeal := map[string][]productRow{}
	_, err := s.several(ctx, lists, func(records []json.RawMessage) error {
		for _, raw := range records {
			var row productRow
			if err := json.Unmarshal(raw, &row); err != nil {
				return fmt.Errorf("read a product row: %w", err)
			}
			byDeal[row.OwnerID.String()] = append(byDeal[row.OwnerID.String()], row)
		}
		return nil
	})
	for _, rows := range byDeal {
		slices.SortFunc(rows, func(a, b productRow) int { return cmp.Or(cmp.Compare(a.Sort, b.Sort), cmp.Compare(a.ID, b.ID)) })
	}
	return byDeal, err
}

// total is what a line comes to.
func (p productRow) total() entity.Decimal {
	sum, err := decimal(p.Price).V.Mul(decimal(p.Quantity).V)
	if err != nil {
		return 0
	}
	return sum
}

func decimal(n json.Number) entity.Opt[entity.Decimal] {
	d, err := entity.ParseDecimal(n.String())
	return entity.Opt[entity.Decimal]{V: d, OK: err == nil}
}

// mainProduct names the line that is worth most, the first of equals.
func mainProduct(lines []productRow) string {
	if len(lines) == 0 {
		return ""
	}
	return slices.MaxFunc(lines, func(a, b productRow) int {
		if a.total() > b.total() {
			return 1
		}
		if a.total() < b.total() {
			return -1
		}
		return int(b.ID - a.ID)
	}).Name
}

// order makes an order of a deal that was won, with its product rows as lines. A
// deal that is not won any more is an order no more.
func (d *dealRows) order(r *record.Record, deal *entity.Deal, lines []productRow) {
	order := &entity.Order{
		ID: deal.ID, Number: deal.ID, CustomerID: deal.CustomerID, OrderedAt: deal.ClosedAt, Status: "completed",
		Currency: deal.Currency, ItemsTotal: deal.Amount, Channel: deal.LeadSource, LineCount: entity.Some(int64(len(lines))),
	}
	order.SourceUpdatedAt = deal.SourceUpdatedAt
	order.Deleted = deal.Status != "won"
	if order.Deleted && d.sample {
		return // nobody wants to see those that are none
	}
	record.Add(r, order)
	if order.Deleted {
		return
	}
	for i, line := range lines {
		row := &entity.OrderLine{
			OrderID: deal.ID, LineNo: int64(i + 1), ProductID: idOf(line.ProductID), Name: line.Name,
			Quantity: decimal(line.Quantity), Price: decimal(line.Price),
		}
		row.SourceUpdatedAt = deal.SourceUpdatedAt
		record.Add(r, row)
	}
}

func idOf(n json.Number) string {
	if id, err := strconv.ParseInt(n.String(), 10, 64); err == nil && id != 0 {
		return n.String()
	}
	return ""
}
