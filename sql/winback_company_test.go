package sqlfiles_test

import "fmt"

// winbackCampaigns returns statements that fill in the campaigns of the small
// company as they stood at the end of a day: one with a control group, one of
// which nobody wrote down what it cost; and the complaints they hear.
func winbackCampaigns(day string) []string {
	read := fmt.Sprintf("toDateTime64('%s 23:59:59', 6, 'UTC') as extracted_at, 'test' as run_id, false as deleted", day)
	until := fmt.Sprintf("toDate(at, 'Europe/London') <= toDate('%s')", day)
	return []string{
		`insert into raw.winback_campaigns (source, extracted_at, run_id, deleted, id, name, channel, offer, started_at, fixed_cost, currency)
		select 'mail', extracted_at, run_id, deleted, id, concat('Campaign ', id), 'email', 'gift', at, cost, 'GBP'
		from (select *, toDateTime64(started, 6, 'UTC') as at, ` + read + ` from values('id String, started String, cost Nullable(Decimal(18, 4))', ('1', '2023-08-01 09:00:00', 100), ('2', '2024-02-01 09:00:00', null)))
		where ` + until,
		`insert into raw.winback_touches (source, extracted_at, run_id, deleted, id, campaign_id, email, at, is_control, coupon)
		select 'mail', extracted_at, run_id, deleted, concat(id, '-', toString(number)), id, concat('p', toString(number), '@example.com'), at, number % 3 = 0, 'COME'
		from (select *, ['1', '2'][1 + number % 2] as id, toDateTime64(['2023-08-01 10:00:00', '2024-02-01 10:00:00'][1 + number % 2], 6, 'UTC') + interval number hour as at, ` + read + ` from numbers(90))
		where ` + until,
		// Some of them come from customers who are just back.
		`insert into raw.crm_complaints (source, extracted_at, run_id, deleted, id, customer_id, opened_at, category)
		select 'crm', extracted_at, run_id, deleted, concat('w', toString(number)), toString(number % 40), at, 'late again'
		from (select *, toDateTime64('2023-03-01 10:00:00', 6, 'UTC') + interval number * 37 hour as at, ` + read + ` from numbers(450)) where ` + until,
	}
}
