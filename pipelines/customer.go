package pipelines

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"winback/pipelines/warehouse"
)

// CustomerCard is all there is to know of a customer before a call.
type CustomerCard struct {
	Key string `json:"customer_key"`
	// Facts are those of mart.customers, Candidate those of mart.winback_candidates;
	// what is not known is not among them.
	Facts     Facts `json:"customer"`
	Candidate Facts `json:"candidate"`
	// Why says in sentences how rank and offer came about, or why there is none.
	Why []string `json:"why"`
	// Timeline are the events, the latest first. Omitted is how many older ones a
	// short card leaves out.
	Timeline []CustomerEvent `json:"history"`
	Omitted  int             `json:"omitted"`
	// Missing says in sentences what the card lacks because the project does not
	// build it, and what to do.
	Missing []string `json:"missing"`
}

// CustomerEvent is something that happened with a customer.
type CustomerEvent struct {
	Day  string `json:"day"` // 2006-01-02, in the project's time zone
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// Fact is a column with a value, as text.
type Fact struct{ Name, Value string }

// Facts are a row's facts in the order of its columns.
type Facts []Fact

// Text is the value of a fact, empty where it is not known.
func (f Facts) Text(name string) string {
	for _, fact := range f {
		if fact.Name == name {
			return fact.Value
		}
	}
	return ""
}

// MarshalJSON writes the facts as an object, in their order.
func (f Facts) MarshalJSON() ([]byte, error) {
	var out strings.Builder
	out.WriteByte('{')
	for i, fact := range f {
		name, err := json.Marshal(fact.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(fact.Value)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, "%s:%s", name, value)
	}
	out.WriteByte('}')
	return []byte(out.String()), nil
}

// CustomerError says that no customer, or more than one, fits what was asked for.
type CustomerError struct{ Problem string }

func (e *CustomerError) Error() string { return e.Problem }

// longestTimeline is how many events a card has.
const longestTimeline = 500

// CustomerCard finds a customer by key (also one that is used no more), record,
// e-mail address, phone number or a part of the name, and puts the card together.
// Errors: *CustomerError, the warehouse's.
func (p *Project) CustomerCard(ctx context.Context, who string) (card CustomerCard, err error) {
	w, err := p.OpenWarehouse(ctx, warehouse.ForGlance)
	if err != nil {
		return card, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	c := &cardReader{w: w, timezone: p.Config.Timezone, asOf: p.Config.AsOf.String()}
	if err := c.look(ctx); err != nil {
		return card, err
	}
	if !c.has("mart.customers") {
		return card, &CustomerError{c.lacks("customers", "who the customers are is not known")}
	}
	card.Missing = []string{}
	if card.Key, err = c.find(ctx, strings.TrimSpace(who)); err != nil {
		return card, err
	}
	if card.Facts, err = c.row(ctx, "mart.customers", card.Key, nil); err != nil {
		return card, err
	}
	if c.has("mart.winback_candidates") {
		without := []string{"name", "phone", "email", "segment", "status", "customer_key", "last_order_on", "loss_date"}
		if card.Candidate, err = c.row(ctx, "mart.winback_candidates", card.Key, without); err != nil {
			return card, err
		}
		card.Why = why(card.Facts, card.Candidate)
	} else {
		card.Missing = append(card.Missing, c.lacks("winback_candidates", "whether and how to win them back is not known"))
	}
	for _, part := range []struct{ table, what string }{{"staging.int_purchases", "orders"}, {"mart.customer_episodes", "losses"}, {"staging.int_touches", "touches of campaigns"}} {
		if _, model, _ := strings.Cut(part.table, "."); !c.has(part.table) {
			card.Missing = append(card.Missing, c.lacks(model, "the history has no "+part.what))
		}
	}
	card.Timeline, card.Omitted, err = c.timeline(ctx, card.Key)
	return card, err
}

// cardReader asks the warehouse for the parts of a card.
type cardReader struct {
	w              *warehouse.Warehouse
	timezone, asOf string
	tables         []string // that are there
}

// look finds out which tables there are: a project may build some models only.
func (c *cardReader) look(ctx context.Context) error {
	err := c.w.QueryRow(ctx, "select groupArray(concat(database, '.', name)) from system.tables where database in ('staging', 'mart')").Scan(&c.tables)
	if err != nil {
		return fmt.Errorf("look which tables there are: %w", err)
	}
	return nil
}

func (c *cardReader) has(tables ...string) bool {
	return !slices.ContainsFunc(tables, func(table string) bool { return !slices.Contains(c.tables, table) })
}

// lacks says what a model that was not built leaves unknown, and the way out.
func (c *cardReader) lacks(model, unknown string) string {
	return fmt.Sprintf("The model %s was not built, so %s: add it to models.only in winback.yaml, if that is there, and run", model, unknown)
}

var notDigits = regexp.MustCompile(`[^0-9]`)

// find returns the key of the one customer who fits. What fits exactly goes before
// what fits in part.
func (c *cardReader) find(ctx context.Context, who string) (string, error) {
	if who == "" {
		return "", &CustomerError{"say whom: a key, an e-mail address, a phone number or a part of the name"}
	}
	digits := strings.TrimLeft(notDigits.ReplaceAllString(who, ""), "0")
	if len(digits) < 6 {
		digits = "no number"
	}
	former := "(select '' as customer_key, '' as former_key where false)"
	if c.has("mart.former_customer_keys") {
		former = "mart.former_customer_keys"
	}
	query := `
select customer_key, coalesce(name, ''), coalesce(status, 'never bought'),
    multiIf(customer_key = ? or customer_key in (select customer_key from ` + former + ` where former_key = ?), 1,
        has(records, ?), 2,
        has(emails, lower(?)), 3,
        arrayExists(x -> endsWith(replaceAll(x, '+', ''), ?), phones), 4,
        lowerUTF8(name) = lowerUTF8(?), 5,
        6) as closeness
from mart.customers
where closeness < 6 or positionCaseInsensitiveUTF8(coalesce(name, ''), ?) > 0 or arrayExists(x -> position(x, lower(?)) > 0, emails)
order by closeness, customer_key
limit 11`
	all, err := c.closest(ctx, query, who, who, who, who, digits, who, who, who)
	if err != nil {
		return "", fmt.Errorf("look for %q in mart.customers: %w", who, err)
	}
	switch len(all) {
	case 0:
		return "", &CustomerError{fmt.Sprintf("no customer has the key, record, e-mail address, phone number or name %q", who)}
	case 1:
		return all[0].key, nil
	}
	return "", &CustomerError{fmt.Sprintf("several customers fit %q; give the key of one:\n  %s", who, strings.Join(candidates(all), "\n  "))}
}

// fitting is a customer who fits what was asked for.
type fitting struct {
	key, name, status string
	closeness         uint8
}

// closest returns those of a query's customers who fit best.
func (c *cardReader) closest(ctx context.Context, query string, values ...any) (all []fitting, err error) {
	rows, err := c.w.Query(ctx, query, values...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var f fitting
		if err := rows.Scan(&f.key, &f.name, &f.status, &f.closeness); err != nil {
			return nil, err
		}
		if len(all) == 0 || f.closeness == all[0].closeness {
			all = append(all, f)
		}
	}
	return all, rows.Err()
}

// candidates names ten customers, a line each.
func candidates(all []fitting) []string {
	lines := make([]string, 0, len(all))
	for i, f := range all {
		if i == 10 {
			lines = append(lines, "…")
			break
		}
		lines = append(lines, fmt.Sprintf("%s  %s (%s)", f.key, f.name, f.status))
	}
	return lines
}

// row reads the facts of a customer in a mart; none where the mart has no such row.
func (c *cardReader) row(ctx context.Context, table, key string, without []string) (Facts, error) {
	var text string
	err := c.w.QueryRow(ctx, "select groupArray(row)[1] from (select formatRowNoNewline('JSONCompactEachRow', *) as row from "+table+" where customer_key = ?)", key).Scan(&text)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", table, err)
	}
	if text == "" {
		return nil, nil
	}
	var values []json.RawMessage
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		return nil, fmt.Errorf("read %s: %w", table, err)
	}
	names, err := c.columns(ctx, table)
	if err != nil {
		return nil, err
	}
	skip := map[string]bool{"customer_key": true}
	for _, name := range without {
		skip[name] = true
	}
	var facts Facts
	for i, name := range names {
		if value := plain(values[i]); value != "" && !skip[name] {
			facts = append(facts, Fact{name, value})
		}
	}
	return facts, nil
}

func (c *cardReader) columns(ctx context.Context, table string) ([]string, error) {
	database, name, _ := strings.Cut(table, ".")
	var names []string
	err := c.w.QueryRow(ctx, "select groupArray(name) from (select name from system.columns where database = ? and table = ? order by position)", database, name).Scan(&names)
	if err != nil {
		return nil, fmt.Errorf("look at the columns of %s: %w", table, err)
	}
	return names, nil
}

// plain is a JSON value as people write it.
func plain(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	var list []string
	if json.Unmarshal(value, &list) == nil {
		return strings.Join(list, ", ")
	}
	if string(value) == "null" {
		return ""
	}
	return string(value)
}

// why says how a rank and an offer came about.
func why(customer, candidate Facts) []string {
	if len(candidate) == 0 {
		return []string{fmt.Sprintf("Not a candidate: the status is %s, and nothing is open with them.", cmp.Or(customer.Text("status"), "none (never bought)"))}
	}
	lines := []string{fmt.Sprintf("Class %s: %s.", candidate.Text("class"), candidate.Text("class_reasons"))}
	if n := candidate.Text("p_return"); n != "" {
		lines = append(lines, fmt.Sprintf("P(return) %s (%s to %s) from %s similar customers, %s of them contacted: same segment, reason (%s) and time since the loss (%s).",
			n, candidate.Text("p_return_lower"), candidate.Text("p_return_upper"), candidate.Text("p_return_n"), candidate.Text("p_return_contacted"),
			candidate.Text("reason_category"), candidate.Text("recency_bucket")))
	}
	if candidate.Text("is_eligible") != "true" {
		return append(lines, fmt.Sprintf("Not to be contacted: %s.", candidate.Text("not_eligible_reason")))
	}
	if value := candidate.Text("expected_value"); value != "" {
		lines = append(lines, fmt.Sprintf("Rank %s by an expected value of %s = P(return) × %s (%s of a year) − %s for the offer − %s for the contact.",
			candidate.Text("priority"), value, candidate.Text("value_12m"), candidate.Text("value_basis"), candidate.Text("offer_cost"), candidate.Text("touch_cost")))
	}
	lines = append(lines, fmt.Sprintf("Offer %q: of the rules that fit reason, class and time, the first in precedence that is expected to bring most.", candidate.Text("offer")),
		fmt.Sprintf("Channel %s: the best return rate for its cost among those that reach them and they do not dislike.", candidate.Text("channel")))
	if previous := candidate.Text("previous_manager_id"); previous != "" && candidate.Text("manager_id") != "" {
		lines = append(lines, fmt.Sprintf("Manager %s, as %s was in charge when they were lost.", candidate.Text("manager_id"), previous))
	}
	if candidate.Text("is_on_list") != "true" {
		lines = append(lines, "Waits: the managers have as much to do as the days of the list hold.")
	}
	return lines
}
