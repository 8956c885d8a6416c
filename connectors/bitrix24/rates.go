package bitrix24

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
)

// quote is what so many units of a currency are worth in the portal's base currency.
type quote struct {
	Currency string `json:"CURRENCY"`
	Amount   word   `json:"AMOUNT"`
	Count    word   `json:"AMOUNT_CNT"`
}

// rates reads the rates of today: the portal keeps no history of them. They are in
// the portal's base currency, and are turned into the project's.
func (s *source) rates(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
	last, err := record.LastSeen(req)
	if err != nil {
		return connectors.Extracted{}, err
	}
	replies, err := s.each(ctx, []command{{"crm.currency.list", params{"order": params{"currency": "asc"}}}})
	if err != nil {
		return connectors.Extracted{}, err
	}
	if replies[0].err != nil {
		return connectors.Extracted{}, replies[0].err
	}
	var list []json.RawMessage
	if err := json.Unmarshal(replies[0].result, &list); err != nil {
		return connectors.Extracted{}, fmt.Errorf("read the answer of crm.currency.list: %w", err)
	}
	own, err := s.ownRate(list)
	if err != nil {
		return connectors.Extracted{}, err
	}
	rows := s.wholeRows(req, sink, entity.Of[entity.ExchangeRate](), last)
	rows.Page("crm.currency.list")
	today := entity.DateOf(s.now().In(s.env.Location))
	for _, raw := range list {
		r := rows.Record(raw)
		s.rate(r, raw, own, today)
		if err := rows.End(ctx, r); err != nil {
			return connectors.Extracted{}, err
		}
	}
	return rows.CloseWhole(ctx, last)
}

func (s *source) rate(r *record.Record, raw json.RawMessage, own *big.Rat, today entity.Date) {
	r.Need("CURRENCY", "AMOUNT", "AMOUNT_CNT")
	r.Drop(r.Names()...)
	worth, code, err := worthOf(raw)
	if err != nil {
		r.Wrong("AMOUNT", "is no rate")
		return
	}
	const digits = 8
	text := new(big.Rat).Quo(worth, own).FloatString(digits)
	n, err := entity.ParseScaled(text, digits)
	if err != nil {
		r.Wrong("AMOUNT", "is "+err.Error())
		return
	}
	row := &entity.ExchangeRate{Currency: code, Date: today, Rate: entity.Some(entity.Rate(n))}
	record.Add(r, row)
}

// ownRate is what a unit of the project's currency is worth in the portal's.
func (s *source) ownRate(list []json.RawMessage) (*big.Rat, error) {
	for _, raw := range list {
		if worth, code, err := worthOf(raw); err == nil && code == s.env.Currency {
			return worth, nil
		}
	}
	return nil, fmt.Errorf("the portal has no rate for %s, the project's currency: add it under CRM › Settings › Currencies, or say exchange_rates: false", s.env.Currency)
}

// worthOf is what one unit of a currency is worth in the portal's.
func worthOf(raw json.RawMessage) (*big.Rat, string, error) {
	var q quote
	if err := json.Unmarshal(raw, &q); err != nil {
		return nil, "", err
	}
	amount, ok := new(big.Rat).SetString(string(q.Amount))
	count, okCount := new(big.Rat).SetString(string(q.Count))
	if !ok || !okCount || amount.Sign() <= 0 || count.Sign() <= 0 {
		return nil, "", fmt.Errorf("the rate of %s is %s for %s", q.Currency, q.Amount, q.Count)
	}
	return amount.Quo(amount, count), currency(q.Currency, ""), nil
}
