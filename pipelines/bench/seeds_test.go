package bench

import (
	"cmp"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/connectors/all"
	"winback/connectors/demo"
	"winback/pipelines"
	"winback/pipelines/config"
	"winback/pipelines/engine/enginetest"
	"winback/pipelines/stats"
)

var (
	seeds         = flag.Int("seeds", 100, "companies that BenchmarkCampaignSeeds makes")
	seedCustomers = flag.Int("seed-customers", 1500, "customers of each")
)

// BenchmarkCampaignSeeds makes demo companies whose truth is known, one of each
// seed, and counts how often what mart.winback_campaigns says of them is true: the
// interval of the campaign that does most, that of the one which looks best, and
// that of all of them hold the true effect, and the campaign that does nothing is
// shown without evidence. The interval is meant to be right 95 times of 100; fewer
// than 93 is a failure.
//
// The whole road costs some ten seconds of CPU a company; the interval alone, from
// the counts of the company's maker, one.
//
//	go test ./pipelines/bench -run '^$' -bench 'CampaignSeeds/models' -benchtime 1x -timeout 0 [-seeds 100] [-seed-customers 1500]
//	go test ./pipelines/bench -run '^$' -bench 'CampaignSeeds/interval' -benchtime 1x -timeout 0
func BenchmarkCampaignSeeds(b *testing.B) {
	conn := enginetest.Start(b).Conn(b)
	b.Run("models", func(b *testing.B) {
		overSeeds(b, func(o demo.Options, truth demo.Truth) []campaignEffect { return marted(b, conn, o, truth) })
	})
	b.Run("interval alone", func(b *testing.B) {
		overSeeds(b, func(_ demo.Options, truth demo.Truth) []campaignEffect { return counted(truth) })
	})
}

// overSeeds makes the companies and counts.
func overSeeds(b *testing.B, effectsOf func(demo.Options, demo.Truth) []campaignEffect) {
	var best, looksBest, dead, held, campaigns, treated int
	for seed := 1; seed <= *seeds; seed++ {
		o := demo.Options{Customers: *seedCustomers, Months: 24, Seed: uint64(seed), End: time.Date(2026, 3, 12, 0, 0, 0, 0, time.UTC), Dir: b.TempDir()}
		truth, err := demo.Generate(b.Context(), o)
		must(b, err)
		effects := effectsOf(o, truth)
		must(b, os.RemoveAll(o.Dir))
		top := slices.MaxFunc(effects, func(x, y campaignEffect) int { return cmp.Compare(x.truth.PlantedPP, y.truth.PlantedPP) })
		first := slices.MaxFunc(effects, func(x, y campaignEffect) int { return cmp.Compare(x.uplift, y.uplift) })
		best += count(top.holds())
		looksBest += count(first.holds())
		treated += top.truth.Treated
		for _, e := range effects {
			campaigns++
			held += count(e.holds())
			if !e.holds() {
				b.Logf("seed %d, %s: %.2f (%.2f to %.2f) of %d and %d, in truth %.2f", seed, e.truth.Name, e.uplift, e.lower, e.upper, e.truth.Treated, e.truth.Control, e.truth.TrueUpliftPP)
			}
			if e.truth.PlantedPP == 0 {
				dead += count(e.lower <= 0 && e.upper >= 0)
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(*seeds), "seeds")
	b.ReportMetric(float64(best), "best-held")
	b.ReportMetric(float64(looksBest), "looks-best-held")
	b.ReportMetric(float64(dead), "dead-without-evidence")
	b.ReportMetric(100*float64(held)/float64(campaigns), "all-held-%")
	b.ReportMetric(float64(treated)/float64(*seeds), "best-treated")
	if best*100 < 93**seeds {
		b.Errorf("the interval of the best campaign holds the truth %d times of %d", best, *seeds)
	}
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// campaignEffect is what the mart says of a campaign beside the truth.
type campaignEffect struct {
	truth                demo.CampaignTruth
	uplift, lower, upper float64
}

func (e campaignEffect) holds() bool {
	return e.lower <= e.truth.TrueUpliftPP && e.truth.TrueUpliftPP <= e.upper
}

// counted is what the interval says of the groups as the company's maker counts them,
// which are those of the mart (TestMartsTellTheTruth).
func counted(truth demo.Truth) (effects []campaignEffect) {
	for _, c := range truth.Campaigns {
		if c.Treated > 0 && c.Control > 0 {
			lower, upper := stats.Newcombe(float64(c.TreatedReturned), float64(c.Treated), float64(c.ControlReturned), float64(c.Control))
			effects = append(effects, campaignEffect{truth: c, uplift: c.UpliftPP, lower: 100 * lower, upper: 100 * upper})
		}
	}
	return effects
}

// marted is what the mart says: a run of the shop and the CRM, and of the models that
// mart.winback_campaigns is built from.
func marted(b *testing.B, conn driver.Conn, o demo.Options, truth demo.Truth) (effects []campaignEffect) {
	b.Helper()
	for _, database := range []string{"raw", "staging", "mart", "ops"} {
		must(b, conn.Exec(b.Context(), "drop database if exists "+database+" sync"))
	}
	runCompany(b, o)
	rows, err := conn.Query(b.Context(), "select campaign, uplift_pp, uplift_lower, uplift_upper from mart.winback_campaigns where uplift_pp is not null")
	must(b, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		var e campaignEffect
		must(b, rows.Scan(&name, &e.uplift, &e.lower, &e.upper))
		at := slices.IndexFunc(truth.Campaigns, func(c demo.CampaignTruth) bool { return c.Name == name })
		if at < 0 {
			continue // a month of cart reminders
		}
		e.truth = truth.Campaigns[at]
		effects = append(effects, e)
	}
	must(b, rows.Err())
	if len(effects) == 0 {
		b.Fatalf("seed %d: no campaign has a control group", o.Seed)
	}
	return effects
}

func runCompany(b *testing.B, o demo.Options) {
	b.Helper()
	text, err := demo.Config(o)
	must(b, err)
	whole, _, _ := strings.Cut(string(text), "\n  pbx:")
	whole += fmt.Sprintf("\nmodels: {only: [winback_campaigns]}\nwarehouse: {url: %q}\n", enginetest.Start(b).URL+"/default")
	path := filepath.Join(o.Dir, config.FileName)
	must(b, os.WriteFile(path, []byte(whole), 0o644))
	registry, err := all.Registry()
	must(b, err)
	p, err := pipelines.Open(pipelines.OpenOptions{Config: path, Registry: registry, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	must(b, err)
	if s, err := p.Run(b.Context(), pipelines.RunOptions{}); err != nil {
		b.Fatal(err, s.Problems)
	}
}
