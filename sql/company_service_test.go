package sqlfiles_test

import (
	"fmt"
	"strings"
)

// smallService returns statements that fill in the small company's dealings with
// its customers as they stood at the end of a day: calls in and out, call-backs
// promised and made or not, complaints, and surveys that some answered.
func smallService(day string) []string {
	const calls = `select number as n, n % 90 as customer, toDateTime64('2023-02-01 09:00:00', 6, 'UTC') + interval cityHash64('call', n) % 680 day + interval n % 540 minute as at,
			n % 4 = 3 as is_outbound, n % 10 = 1 as is_promise, at + interval 1 day as due_at from numbers(1200)`
	const complaints = `select number as n, toDateTime64('2023-03-01 09:00:00', 6, 'UTC') + interval n * 8 day as at, at + interval n % 5 day as answered from numbers(80)`
	statements := []string{
		`insert into raw.callcenter_agents (source, extracted_at, run_id, deleted, id, name, team)
		select 'pbx', extracted_at, run_id, deleted, toString(number), concat('Agent ', toString(number)), ['sales', 'help'][1 + number % 2] from (select *, READ from numbers(4))`,
		`insert into raw.callcenter_calls (source, extracted_at, run_id, deleted, id, started_at, direction, disposition, from_number, to_number, queue, agent_id, wait_seconds, talk_seconds, hold_seconds, transfers, topic, product, in_competence, redirected_to_office, callback_promised_at, satisfaction)
		select 'pbx', extracted_at, run_id, deleted, toString(n), at, if(is_outbound, 'outbound', 'inbound'), if(n % 6 = 5, 'abandoned', 'answered'),
			if(is_outbound, '020 7946 0000', phone), if(is_outbound, phone, '020 7946 0000'), ['orders', 'help'][1 + n % 2], toString(n % 5),
			n % 37, if(n % 6 = 5, null, n % 400), n % 20, n % 3, ['billing', 'delivery', ''][1 + n % 3], ['tea', 'coffee'][1 + n % 2], n % 8 != 0, n % 9 = 0,
			if(is_promise and not is_outbound, due_at, null), if(n % 7 = 0, toDecimal64(1 + n % 5, 4), null)
		from (select *, concat('020 7946 1', leftPad(toString(customer), 3, '0')) as phone, READ from (` + calls + `)) where UNTIL(at)`,
		`insert into raw.callcenter_calls (source, extracted_at, run_id, deleted, id, started_at, direction, disposition, to_number, agent_id)
		select 'pbx', extracted_at, run_id, deleted, concat('b', toString(n)), called_at, 'outbound', 'answered', concat('020 7946 1', leftPad(toString(customer), 3, '0')), '1'
		from (select *, due_at + interval n % 60 minute as called_at, READ from (` + calls + `) where is_promise and n % 3 = 0) where UNTIL(called_at)`,
		`insert into raw.crm_complaints (source, extracted_at, run_id, deleted, id, customer_id, opened_at, answered_at, satisfied, resolution, severity)
		select 'crm', extracted_at, run_id, deleted, toString(n), toString(n % 40), at, if(is_answered, answered, null),
			if(is_answered and n % 3 > 0, n % 2 = 0, null), if(is_answered and n % 4 = 0, 'money back', null), 1 + n % 5
		from (select *, n % 6 != 5 and UNTIL(answered) as is_answered, READ from (` + complaints + `)) where UNTIL(at)`,
		`insert into raw.crm_surveys (source, extracted_at, run_id, deleted, id, customer_id, kind, at, score, score_max, respondent)
		select 'crm', extracted_at, run_id, deleted, concat('m', toString(n)), toString(n % 40), ['satisfaction', 'nps', 'employee_guess'][1 + n % 3], at,
			if(n % 4 = 1, null, toDecimal64(n % 11, 4)), 10, if(n % 3 = 2, 'employee', 'customer')
		from (select *, READ from (select number as n, toDateTime64('2023-03-02 09:00:00', 6, 'UTC') + interval n * 3 day as at from numbers(230))) where UNTIL(at)`,
	}
	read := fmt.Sprintf("toDateTime64('%s 23:59:59', 6, 'UTC') as extracted_at, 'test' as run_id, false as deleted", day)
	for i, text := range statements {
		text = strings.ReplaceAll(text, "READ", read)
		for _, column := range []string{"at", "called_at", "answered"} {
			text = strings.ReplaceAll(text, "UNTIL("+column+")", fmt.Sprintf("(toDate(%s, 'Europe/London') <= toDate('%s'))", column, day))
		}
		statements[i] = text
	}
	return statements
}
