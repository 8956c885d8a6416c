package pipelines

import (
	"context"
	"fmt"
	"strings"

	"winback/pipelines/quote"
)

// timelinePart is a query for a customer's events of a kind, day, kind and text, and
// the tables that it reads. The customer is {key}, the time zone {tz}.
type timelinePart struct {
	tables []string
	query  string
}

const owners = "staging.int_record_owners"

var timelineParts = []timelinePart{
	{[]string{"staging.int_purchases"}, `select ordered_on as day, 'order' as kind, concat('order ', order_id, ', ', coalesce(toString(round(revenue, 2)), 'amount unknown'), if(is_return, ', a return', '')) as text
	from staging.int_purchases where customer_key = {key}`},
	{[]string{"mart.customer_episodes"}, `select assumeNotNull(loss_date) as day, 'lost' as kind, concat(if(loss_kind = 'terminated', 'contract terminated', 'lost by silence'), ', ', coalesce(reason_category, 'unknown'), coalesce(concat(': ', reason), '')) as text
	from mart.customer_episodes where customer_key = {key} and loss_date is not null`},
	{[]string{"staging.int_touches"}, `select touched_on as day, 'touch' as kind, concat(campaign_id, if(is_control, ': control, left alone', concat(': ', channel, ', ', offer)), if(is_winner, ', returned', '')) as text
	from staging.int_touches where customer_key = {key}`},
	{[]string{owners, "staging.stg_crm__activities"}, `select toDate(coalesce(done_at, happened_at, due_at), {tz}) as day, coalesce(kind, 'activity') as kind, concat(coalesce(direction, ''), ' ', coalesce(subject, ''), coalesce(concat(': ', result), '')) as text
	from staging.stg_crm__activities where (source, activity_id) in (` + ownedBy("crm.activities") + `)`},
	{[]string{owners, "staging.stg_crm__complaints"}, `select toDate(assumeNotNull(opened_at), {tz}) as day, 'complaint' as kind, concat(coalesce(category, 'no category'), if(resolved_at is null, ', open', concat(', ', coalesce(resolution, 'resolved')))) as text
	from staging.stg_crm__complaints where opened_at is not null and (source, complaint_id) in (` + ownedBy("crm.complaints") + `)`},
	{[]string{owners, "staging.stg_callcenter__calls"}, `select toDate(assumeNotNull(started_at), {tz}) as day, 'call' as kind, concat(coalesce(direction, ''), ' ', coalesce(disposition, ''), coalesce(concat(', ', topic), ''), coalesce(concat(': ', outcome), '')) as text
	from staging.stg_callcenter__calls where started_at is not null and (source, call_id) in (` + ownedBy("callcenter.calls") + `)`},
	{[]string{owners, "staging.stg_crm__surveys"}, `select toDate(assumeNotNull(answered_at), {tz}) as day, 'survey' as kind, concat(coalesce(kind, 'survey'), coalesce(concat(', ', toString(score)), ''), coalesce(concat(': ', stated_reason), '')) as text
	from staging.stg_crm__surveys where answered_at is not null and (source, survey_id) in (` + ownedBy("crm.surveys") + `)`},
}

func ownedBy(entity string) string {
	return "select source, entity_id from staging.int_record_owners where entity = '" + entity + "' and customer_key = {key}"
}

// timeline reads the events up to the day described, the latest first. Tables that
// the project does not build add no events.
func (c *cardReader) timeline(ctx context.Context, key string) (events []CustomerEvent, omitted int, err error) {
	var parts []string
	for _, part := range timelineParts {
		if c.has(part.tables...) {
			parts = append(parts, part.query)
		}
	}
	if len(parts) == 0 {
		return nil, 0, nil
	}
	query := "select toString(day), kind, trimBoth(text), count() over () from (\n" + strings.Join(parts, "\nunion all\n") + "\n) where day <= {day}\norder by day desc, kind, text limit " + fmt.Sprint(longestTimeline)
	query = strings.NewReplacer("{key}", quote.Literal(key), "{tz}", quote.Literal(c.timezone), "{day}", "toDate("+quote.Literal(c.asOf)+")").Replace(query)
	rows, err := c.w.Query(ctx, query)
	if err != nil {
		return nil, 0, fmt.Errorf("read the customer's history: %w", err)
	}
	defer rows.Close()
	var all uint64
	for rows.Next() {
		var e CustomerEvent
		if err := rows.Scan(&e.Day, &e.Kind, &e.Text, &all); err != nil {
			return nil, 0, fmt.Errorf("read the customer's history: %w", err)
		}
		events = append(events, e)
	}
	return events, max(0, int(all)-len(events)), rows.Err()
}
