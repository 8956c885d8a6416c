// Package verify pushes published cases through the code that computes a
// project's numbers, its SQL models among it, and sets what was published beside
// what comes out. It needs no project: models compute over given rows in a
// warehouse that is thrown away.
package verify

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/model"
)

// State is what became of a line.
type State string

// The states.
const (
	OK      State = "ok"
	Differs State = "differs"
	// Skipped lines want data that is not here, or a model that the project does
	// without.
	Skipped State = "skipped"
	// Broken lines could not be computed.
	Broken State = "broken"
)

// Line is one published number beside the computed one.
type Line struct {
	// Subject is the case that the line belongs to, What the number in it.
	Subject, What string
	// Source is who published it, Through what computed it: a mart, or a Go package.
	Source, Through string
	Published       float64
	// Decimals is how many of them have to be the same.
	Decimals int
	// Computed is NaN unless the state is OK or Differs.
	Computed float64
	State    State
	// Message says why a line was skipped or is broken.
	Message string
}

// Report is what came of all lines.
type Report struct {
	Lines    []Line
	At       time.Time
	Duration time.Duration
}

// Count returns how many lines are of the state.
func (r Report) Count(s State) int {
	n := 0
	for _, line := range r.Lines {
		if line.State == s {
			n++
		}
	}
	return n
}

// OK says that no line differs or is broken.
func (r Report) OK() bool { return r.Count(Differs)+r.Count(Broken) == 0 }

// Options say what to verify with.
type Options struct {
	// Data is the folder of the public data sets; "" when they are not here.
	Data string
	// Models are those verified, Sources the columns of the entities they read.
	Models  *model.Project
	Sources model.SourceColumns
}

// Run computes every published case. The warehouse is only computed in: nothing in
// it is read or changed. The error is ctx's.
func Run(ctx context.Context, conn driver.Conn, o Options) (Report, error) {
	began := time.Now()
	b := &bench{conn: conn, data: o.Data, runner: model.NewRunner(conn, o.Models, model.RunnerOptions{Sources: o.Sources})}
	report := Report{At: began}
	for _, c := range cases() {
		if err := ctx.Err(); err != nil {
			return report, err
		}
		report.Lines = append(report.Lines, c.lines(ctx, b, o.Models)...)
	}
	report.Duration = time.Since(began)
	return report, ctx.Err()
}

// published is a number and how many of its decimals were printed.
type published struct {
	what     string
	value    float64
	decimals int
}

// testCase are published numbers that are computed together.
type testCase struct {
	subject, source, through string
	// data is the set that it needs, if any; models those that it goes through.
	data    *dataSet
	models  []string
	numbers []published
	// compute returns as many numbers, in the same order.
	compute func(ctx context.Context, b *bench) ([]float64, error)
}

// bench is what cases compute with.
type bench struct {
	conn   driver.Conn
	runner *model.Runner
	data   string
	fits   *model.Trial // of the CDNOW sample, once they are needed
}

// file returns the path of the data set's file.
func (b *bench) file(d *dataSet) string { return filepath.Join(b.data, filepath.FromSlash(d.file)) }

// dataSet is a public set of data that may not be passed on with the program.
type dataSet struct{ name, file, address string }

// missing says that the data set is not here and where it is to be had, or returns
// "".
func (d *dataSet) missing(b *bench) string {
	if d == nil {
		return ""
	}
	if b.data != "" {
		if _, err := os.Stat(b.file(d)); err == nil {
			return ""
		}
	}
	return fmt.Sprintf("data set not here, get it at %s and put it as %s into the folder that WINBACK_TESTDATA names", d.address, d.file)
}

// lines computes the case.
func (c testCase) lines(ctx context.Context, b *bench, models *model.Project) []Line {
	lines := make([]Line, len(c.numbers))
	for i, n := range c.numbers {
		lines[i] = Line{
			Subject: c.subject, What: n.what, Source: c.source, Through: c.through, Published: n.value, Decimals: n.decimals,
			Computed: math.NaN(), State: Skipped,
		}
	}
	tell := func(s State, message string) []Line {
		for i := range lines {
			lines[i].State, lines[i].Message = s, message
		}
		return lines
	}
	for _, name := range c.models {
		if _, ok := models.Model(name); !ok {
			return tell(Skipped, "the project does without "+name)
		}
	}
	if missing := c.data.missing(b); missing != "" {
		return tell(Skipped, missing)
	}
	values, err := c.compute(ctx, b)
	if err == nil && len(values) != len(lines) {
		err = errors.New("other numbers were computed than published")
	}
	if err != nil {
		return tell(Broken, err.Error())
	}
	for i, value := range values {
		lines[i].Computed, lines[i].State = value, OK
		if !same(value, lines[i].Published, lines[i].Decimals) {
			lines[i].State = Differs
		}
	}
	return lines
}

// same says whether a number rounds to the published one. The last digit of the
// published one may itself have been cut off or rounded from a tie.
func same(computed, published float64, decimals int) bool {
	return math.Abs(computed-published) <= 0.501*math.Pow10(-decimals)
}
