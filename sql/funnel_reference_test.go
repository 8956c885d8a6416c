package sqlfiles_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/model"
)

// funnelDeal is a deal as a CRM tells of it. Stages are numbers: 1 and up are
// steps, 0 is won, -1 lost, -9 a stage that the funnel does not have.
type funnelDeal struct {
	id                string
	created, closed   time.Time // zero = not known
	status            string    // "" = not known
	stage             int
	moves             []funnelMove
	amount            int // 0 = not known
	reason            string
	outcome           string // what the reference finds
	began, ended      time.Time
	furthest          int
	days              map[int]float64 // finished stays of each stage
	staying           int             // the stage it is in since it entered it; 0 = not known
	stayedOn, undated bool
}

type funnelMove struct {
	at    time.Time
	seq   int
	stage int
}

const (
	funnelSteps = 4
	won, lost   = 0, -1
	noStage     = -9
)

// randomDeal makes a deal with a history that skips stages, goes back, stands
// still, is lost and reopened; or with none.
func randomDeal(r *rand.Rand, id int, start time.Time) *funnelDeal {
	d := &funnelDeal{id: fmt.Sprint("d", id), amount: r.IntN(5) * 100, reason: []string{"", "too dear", "asdf", "late delivery"}[r.IntN(4)]}
	at := start.Add(time.Duration(r.IntN(150*24)) * time.Hour)
	d.created = at
	switch r.IntN(12) {
	case 0:
		d.created = time.Time{}
	case 1:
		d.created = at.Add(36 * time.Hour) // the clocks disagree
	}
	ways := []int{1, 2, 3, 4, 1, 2, 3, 4, won, lost, lost, noStage}
	d.stage = ways[r.IntN(len(ways))]
	for seq := range r.IntN(7) {
		stage := ways[r.IntN(len(ways))]
		d.moves = append(d.moves, funnelMove{at, seq, stage})
		d.stage = stage
		at = at.Add(time.Duration(r.IntN(3)*r.IntN(300)) * time.Hour) // often at the same moment
	}
	d.status = map[int]string{won: "won", lost: "lost"}[d.stage]
	if d.status == "" {
		d.status = "open"
	} else if r.IntN(6) > 0 {
		d.closed = at
	}
	if r.IntN(10) == 0 {
		d.status = ""
	}
	r.Shuffle(len(d.moves), func(i, j int) { d.moves[i], d.moves[j] = d.moves[j], d.moves[i] })
	return d
}

// follow finds what the definitions say of the deal at the end of a day, move by
// move; false = there is no such deal yet.
func (d *funnelDeal) follow(end time.Time) bool {
	if !d.created.IsZero() && !d.created.Before(end) {
		return false
	}
	slices.SortFunc(d.moves, func(a, b funnelMove) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.seq, b.seq)) })
	var moves []funnelMove
	for _, m := range d.moves {
		if m.at.Before(end) {
			moves = append(moves, m)
		}
	}
	isPast := len(moves) < len(d.moves) || !d.closed.IsZero() && !d.closed.Before(end)
	d.end(moves, isPast, end)
	d.begin(moves)
	if !d.began.IsZero() && !d.began.Before(end) {
		return false
	}
	d.furthest, d.days = 1, map[int]float64{}
	if d.stage > 0 && !isPast {
		d.furthest = d.stage
	}
	for i, m := range moves {
		if m.stage <= 0 {
			continue
		}
		d.furthest = max(d.furthest, m.stage)
		until := d.ended
		if i+1 < len(moves) {
			until = moves[i+1].at
		} else if d.outcome == "open" {
			until, d.staying, d.stayedOn = end, m.stage, true
		}
		stay := 0.0
		if !until.IsZero() {
			stay = max(until.Sub(m.at).Hours()/24, 0)
		}
		d.days[m.stage] += stay
	}
	if d.outcome == "won" {
		d.furthest = funnelSteps
	}
	d.undated = d.began.IsZero()
	return true
}

func (d *funnelDeal) end(moves []funnelMove, isPast bool, end time.Time) {
	last := noStage
	if len(moves) > 0 {
		last = moves[len(moves)-1].stage
	}
	status := d.status
	if status == "" {
		status = map[int]string{won: "won", lost: "lost"}[d.stage]
	}
	if isPast {
		status = map[int]string{won: "won", lost: "lost"}[last]
	}
	d.outcome = cmp.Or(status, "open")
	if d.outcome == "open" {
		return
	}
	if len(moves) > 0 {
		d.ended = moves[len(moves)-1].at
	}
	for _, m := range moves {
		if m.stage == won || m.stage == lost {
			d.ended = m.at
		}
	}
	if !d.closed.IsZero() && d.closed.Before(end) {
		d.ended = d.closed
	}
}

func (d *funnelDeal) begin(moves []funnelMove) {
	d.began = d.created
	if len(moves) > 0 && (d.began.IsZero() || moves[0].at.Before(d.began)) {
		d.began = moves[0].at
	}
	if d.began.IsZero() {
		d.began = d.ended
	}
}

// funnelLine is what the reference and the mart say of a month's stage.
type funnelLine struct {
	entered, advanced, dropped, open, droppedAmount int
	median                                          string
}

// referenceFunnel counts deal by deal and stage by stage.
func referenceFunnel(deals []*funnelDeal) map[string]funnelLine {
	lines := map[string]funnelLine{}
	stays := map[string][]stay{}
	for _, d := range deals {
		for no := 1; no <= funnelSteps; no++ {
			key := fmt.Sprintf("%s %d", d.began.Format("2006-01"), no)
			line := lines[key]
			if no <= d.furthest {
				line.entered++
				switch {
				case no < d.furthest || d.outcome == "won":
					line.advanced++
				case d.outcome == "lost":
					line.dropped++
					line.droppedAmount += d.amount
				default:
					line.open++
				}
			}
			if days, stayed := d.days[no]; stayed {
				stays[key] = append(stays[key], stay{days, d.stayedOn && d.staying == no})
			}
			lines[key] = line
		}
	}
	for key, line := range lines {
		line.median = halfLeft(stays[key])
		lines[key] = line
	}
	return lines
}

type stay struct {
	days    float64
	isThere bool
}

// halfLeft is the Kaplan-Meier median by its definition: at each time at which
// somebody left, those who left over those who were there.
func halfLeft(stays []stay) string {
	times := []float64{}
	for _, s := range stays {
		if !s.isThere {
			times = append(times, s.days)
		}
	}
	slices.Sort(times)
	share := 1.0
	for _, t := range slices.Compact(times) {
		left, there := 0, 0
		for _, s := range stays {
			if s.days >= t {
				there++
			}
			if s.days == t && !s.isThere {
				left++
			}
		}
		if share *= 1 - float64(left)/float64(there); share <= 0.5+1e-9 {
			return fmt.Sprintf("%.4f", t)
		}
	}
	return "none"
}

// referenceWinRate is Aalen-Johansen by its definition, day by day.
func referenceWinRate(deals []*funnelDeal, asOf time.Time) map[string]string {
	months := map[string][]*funnelDeal{}
	for _, d := range deals {
		months[d.began.Format("2006-01")] = append(months[d.began.Format("2006-01")], d)
	}
	rates := map[string]string{}
	for month, deals := range months {
		open, wonShare := 1.0, 0.0
		for day := range 400 {
			atRisk, wins, ends := 0, 0, 0
			for _, d := range deals {
				age := daysBetween(d.began, asOf)
				if d.outcome != "open" {
					age = max(daysBetween(d.began, d.ended), 0)
				}
				if age >= day {
					atRisk++
				}
				if age == day && d.outcome != "open" {
					ends++
					if d.outcome == "won" {
						wins++
					}
				}
			}
			if atRisk > 0 {
				wonShare += open * float64(wins) / float64(atRisk)
				open *= 1 - float64(ends)/float64(atRisk)
			}
		}
		rates[month] = fmt.Sprintf("%.4f", 100*wonShare)
	}
	return rates
}

func daysBetween(from, to time.Time) int {
	if from.IsZero() || to.IsZero() {
		return 0
	}
	return int(math.Round(to.Truncate(24*time.Hour).Sub(from.Truncate(24*time.Hour)).Hours() / 24))
}

// TestFunnel_Reference compares the funnel with one that counts slowly and
// plainly, over deals with every kind of history.
func TestFunnel_Reference(t *testing.T) {
	const seeds = 2
	conn, start := conn(t), time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	vars := model.DefaultVars()
	vars.AsOf = time.Date(2024, 4, 20, 0, 0, 0, 0, time.UTC)
	var all []*funnelDeal
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 5))
		for range 150 {
			all = append(all, randomDeal(r, len(all), start))
		}
	}
	fillFunnel(t, conn, all)
	summary, err := model.NewRunner(conn, project(t), model.RunnerOptions{
		Vars: vars, Sources: contract{}, Select: []string{"+funnel_stages", "+funnel_dropoff_reasons", "+win_rate_cohorts"},
	}).Run(t.Context())
	if err != nil || !summary.OK() {
		t.Fatalf("%v: %v", err, summary.AllChecks())
	}
	var deals []*funnelDeal
	for _, d := range all {
		if d.follow(vars.AsOf.AddDate(0, 0, 1)) && !d.undated {
			deals = append(deals, d)
		}
	}
	compareFunnel(t, conn, deals)
	compareReasons(t, conn, deals)
	want := referenceWinRate(deals, vars.AsOf)
	got := map[string]string{}
	collect(t, conn, "select formatDateTime(month, '%Y-%m'), toString(round(win_rate_pct, 4)) from mart.win_rate_cohorts where pipeline != '(all)'", got)
	for month := range want {
		if w, g := want[month], got[month]; g == "" || math.Abs(number(w)-number(g)) > 2e-4 {
			t.Errorf("of the deals of %s the reference wins %s %%, the mart %s %%", month, w, g)
		}
	}
}

func number(text string) (n float64) {
	_, _ = fmt.Sscan(text, &n)
	return n
}

func compareFunnel(t *testing.T, conn driver.Conn, deals []*funnelDeal) {
	t.Helper()
	want, seen := referenceFunnel(deals), 0
	rows, err := conn.Query(t.Context(), `select formatDateTime(month, '%Y-%m'), stage_no, entered, advanced, dropped, open, toInt64(dropped_amount), median_days from mart.funnel_stages`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var (
			month                            string
			no                               uint16
			entered, advanced, dropped, open uint64
			amount                           int64
			median                           *float64
		)
		if err := rows.Scan(&month, &no, &entered, &advanced, &dropped, &open, &amount, &median); err != nil {
			t.Fatal(err)
		}
		got := funnelLine{int(entered), int(advanced), int(dropped), int(open), int(amount), "none"}
		if median != nil {
			got.median = fmt.Sprintf("%.4f", *median)
		}
		if key := fmt.Sprintf("%s %d", month, no); got != want[key] {
			t.Errorf("%s: the mart says %+v, the reference %+v", key, got, want[key])
		}
		seen++
	}
	if err := rows.Err(); err != nil || seen != len(want) {
		t.Errorf("%d stages of months, not %d: %v", seen, len(want), err)
	}
}

func compareReasons(t *testing.T, conn driver.Conn, deals []*funnelDeal) {
	t.Helper()
	want, got := map[string]string{}, map[string]string{}
	counts := map[string]int{}
	for _, d := range deals {
		if d.outcome == "lost" {
			category := map[string]string{"": "unknown", "too dear": "price", "asdf": "unmapped", "late delivery": "delivery"}[d.reason]
			counts[fmt.Sprintf("%s %d %s", d.began.Format("2006-01"), d.furthest, category)]++
		}
	}
	for key, n := range counts {
		want[key] = fmt.Sprint(n)
	}
	collect(t, conn, "select concat(formatDateTime(month, '%Y-%m'), ' ', toString(stage_no), ' ', reason_category), toString(deals) from mart.funnel_dropoff_reasons", got)
	if fmt.Sprint(want) != fmt.Sprint(got) || len(want) < 10 {
		t.Errorf("reasons: the mart says\n%v\nthe reference\n%v", got, want)
	}
}

func collect(t *testing.T, conn driver.Conn, sql string, into map[string]string) {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			t.Fatal(err)
		}
		into[key] = value
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// fillFunnel fills the raw tables with the deals.
func fillFunnel(t *testing.T, conn driver.Conn, deals []*funnelDeal) {
	t.Helper()
	literal := func(at time.Time) string {
		if at.IsZero() {
			return "null"
		}
		return "'" + at.Format(time.DateTime) + "'"
	}
	text := func(s string) string {
		if s == "" {
			return "null"
		}
		return "'" + s + "'"
	}
	var rows, moves []string
	for _, d := range deals {
		amount := "null"
		if d.amount > 0 {
			amount = fmt.Sprint(d.amount)
		}
		rows = append(rows, fmt.Sprintf("('s', 'r', '2025-01-01', false, '%s', 'p', '%d', %s, %s, %s, %s, %s)",
			d.id, d.stage, text(d.status), amount, literal(d.created), literal(d.closed), text(d.reason)))
		for _, m := range d.moves {
			moves = append(moves, fmt.Sprintf("('s', 'r', '2025-01-01', false, '%s', %d, '%d', %s)", d.id, m.seq, m.stage, literal(m.at)))
		}
	}
	const row = "insert into raw.%s (source, run_id, extracted_at, deleted, %s) values %s"
	emptyWarehouse(t, conn,
		fmt.Sprintf(row, "crm_stages", "pipeline_id, id, name, sort, kind", `('s', 'r', '2025-01-01', false, 'p', '1', 'New', 1, 'open'), ('s', 'r', '2025-01-01', false, 'p', '2', 'Offer', 2, 'open'),
			('s', 'r', '2025-01-01', false, 'p', '3', 'Contract', 3, 'open'), ('s', 'r', '2025-01-01', false, 'p', '4', 'Payment', 4, 'open'),
			('s', 'r', '2025-01-01', false, 'p', '0', 'Won', 5, 'won'), ('s', 'r', '2025-01-01', false, 'p', '-1', 'Lost', 6, 'lost')`),
		fmt.Sprintf(row, "crm_deals", "id, pipeline_id, stage_id, status, amount, created_at, closed_at, lost_reason", strings.Join(rows, ", ")),
		fmt.Sprintf(row, "crm_deal_stages", "deal_id, seq, stage_id, entered_at", strings.Join(moves, ", ")),
	)
}
