package sqlfiles_test

import (
	"fmt"
	"strings"
)

// smallSales returns statements that fill the raw tables of the small company's
// sales as they stood at the end of a day: deals with and without a stage
// history, some that skip stages and go back, won and lost for reasons in two
// languages; and what customers said when they left.
func smallSales(day string) []string {
	// Every fifth deal has no history, and is closed on the day it is made. Of the
	// others each has three stays ten days apart, and is closed ten days after.
	const deals = `select number as n, concat('d', toString(n)) as id, n % 5 = 4 as is_bare, toDateTime64('2023-02-01 10:00:00', 6, 'UTC') + interval n * 3 day as made_at,
			made_at + interval if(is_bare, 0, 30) day as closing_at, n % 3 != 0 or is_bare as closes from numbers(240)`
	read := fmt.Sprintf("toDateTime64('%s 23:59:59', 6, 'UTC') as extracted_at, 'test' as run_id, false as deleted", day)
	until := func(column string) string {
		return fmt.Sprintf("toDate(%s, 'Europe/London') <= toDate('%s')", column, day)
	}
	statements := []string{
		`insert into raw.crm_pipelines (source, extracted_at, run_id, deleted, id, name) select 'crm', extracted_at, run_id, deleted, 'p', 'Sales' from (select READ)`,
		`insert into raw.crm_stages (source, extracted_at, run_id, deleted, pipeline_id, id, name, sort, kind)
		select 'crm', extracted_at, run_id, deleted, 'p', toString(number), ['New', 'Offer', 'Contract', 'Won', 'Lost'][number + 1], number * 10, ['open', 'open', 'open', 'won', 'lost'][number + 1]
		from (select *, READ from numbers(5))`,
		`insert into raw.crm_deal_stages (source, extracted_at, run_id, deleted, deal_id, seq, stage_id, entered_at)
		select 'crm', extracted_at, run_id, deleted, id, visit, toString([[0, 1, 2], [0, 2, 1], [0, 1, 1]][n % 3 + 1][visit + 1]), entered_at
		from (select *, visit, made_at + interval visit * 10 day as entered_at, READ from (` + deals + `) array join range(3) as visit where not is_bare)
		where ` + until("entered_at"),
		`insert into raw.crm_deals (source, extracted_at, run_id, deleted, id, customer_id, pipeline_id, stage_id, status, amount, currency, manager_id, lead_source, created_at, closed_at, lost_reason, lost_reason_verified, competitor)
		select 'crm', extracted_at, run_id, deleted, id, toString(n % 40), 'p', if(is_closed, if(is_won, '3', '4'), null), multiIf(not is_closed, 'open', is_won, 'won', 'lost'),
			toDecimal64(100 + n, 4), 'GBP', concat('m', toString(n % 3)), ['web', 'call', ''][n % 3 + 1], made_at, if(is_closed, closing_at, null),
			if(is_lost, ['too expensive', 'дорого', 'asdf', 'went over to Office Mart'][n % 4 + 1], null), if(is_lost and n % 7 = 0, 'rude manager', null), if(is_lost and n % 4 = 3, 'OfficeMart Ltd', null)
		from (select *, closes and ` + until("closing_at") + ` as is_closed, n % 2 = 0 as is_won, is_closed and not is_won as is_lost, READ from (` + deals + `)) where ` + until("made_at"),
		`insert into raw.crm_surveys (source, extracted_at, run_id, deleted, id, customer_id, kind, at, stated_reason, verified_reason)
		select 'crm', extracted_at, run_id, deleted, toString(number), toString(number), 'exit', at, ['quality got worse', 'не назвал причину', 'hm'][number % 3 + 1], if(number % 2 = 0, 'хамство менеджера', null)
		from (select *, toDateTime64('2023-10-01 10:00:00', 6, 'UTC') + interval number * 9 day as at, READ from numbers(40)) where ` + until("at"),
	}
	for i := range statements {
		statements[i] = strings.ReplaceAll(statements[i], "READ", read)
	}
	return statements
}
