package bench

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// dayConfig reads the made orders and accounts.
const dayConfig = `
project: day
timezone: UTC
currency: EUR
sources:
  shop:
    connector: files
    datasets:
      shop.customers:
        files: data/customers*.csv
        fields: {id: id, email: email, registered_at: at}
      shop.orders:
        files: data/orders*.csv
        fields: {id: id, ordered_at: at, customer_id: customer, email: email, status: status, items_total: amount}
`

// What a day of new data costs beside a whole build: three years of orders, then a
// hundredth as many on the day after, then nothing new. A fiftieth of the day's rows
// are cancellations of the last two months. 0.05 is the limit for day-ratio, 2 for
// nothing-s. Where other programs use the machine, the ratio of the processor time
// says more than that of the clock.
func BenchmarkDay(b *testing.B) {
	rows := rowsToMake(b)
	dir := b.TempDir()
	must(b, os.Mkdir(filepath.Join(dir, "data"), 0o755))
	must(b, os.WriteFile(filepath.Join(dir, "winback.yaml"), []byte(dayConfig), 0o644))
	last := time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC)
	made := &madeShop{b: b, dir: dir, random: rand.New(rand.NewPCG(1, 2)), buyers: max(rows/6, 10), first: last.AddDate(-3, 0, 1)}
	made.accounts("customers-0", made.buyers, made.first)
	made.past(rows, last)
	whole := runDay(b, dir, last)
	next := last.AddDate(0, 0, 1)
	made.accounts("customers-1", max(made.buyers/1000, 1), next)
	made.today(rows/100, rows, next)
	day := runDay(b, dir, next)
	nothing := runDay(b, dir, next)
	b.ReportMetric(whole.took.Seconds(), "whole-s")
	b.ReportMetric(day.took.Seconds(), "day-s")
	b.ReportMetric(day.took.Seconds()/whole.took.Seconds(), "day-ratio")
	b.ReportMetric(nothing.took.Seconds(), "nothing-s")
	b.ReportMetric(whole.processor.Seconds(), "whole-cpu-s")
	b.ReportMetric(day.processor.Seconds(), "day-cpu-s")
	b.ReportMetric(day.processor.Seconds()/whole.processor.Seconds(), "day-cpu-ratio")
	b.ReportMetric(nothing.processor.Seconds(), "nothing-cpu-s")
	b.ReportMetric(0, "ns/op")
}

// spent is what a run took by the clock, and of the processors.
type spent struct{ took, processor time.Duration }

// runDay runs the program as of a day.
func runDay(b *testing.B, dir string, asOf time.Time) spent {
	b.Helper()
	cmd := exec.Command(filepath.Join(repository(b), "bin", "winback"), "run", "-q",
		"-c", filepath.Join(dir, "winback.yaml"), "--as-of", asOf.Format(time.DateOnly))
	started := time.Now()
	if output, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, output)
	}
	return spent{time.Since(started), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
}

// madeShop writes the files of a shop with as many orders a customer as real
// ones have: six in three years.
type madeShop struct {
	b         *testing.B
	dir       string
	random    *rand.Rand
	buyers    int
	accounted int
	first     time.Time
}

func (s *madeShop) file(name, header string, write func(w *bufio.Writer)) {
	s.b.Helper()
	file, err := os.Create(filepath.Join(s.dir, "data", name+".csv"))
	must(s.b, err)
	w := bufio.NewWriterSize(file, 1<<20)
	fmt.Fprintln(w, header)
	write(w)
	must(s.b, w.Flush())
	must(s.b, file.Close())
}

func (s *madeShop) accounts(name string, n int, from time.Time) {
	s.file(name, "id,email,at", func(w *bufio.Writer) {
		for range n {
			fmt.Fprintf(w, "%d,c%d@example.com,%s\n", s.accounted, s.accounted, from.Format(time.DateTime))
			s.accounted++
		}
	})
}

// past writes the orders of three years, in the order of their times.
func (s *madeShop) past(rows int, last time.Time) {
	s.file("orders-0", "id,at,customer,email,status,amount", func(w *bufio.Writer) {
		step := last.AddDate(0, 0, 1).Sub(s.first) / time.Duration(rows)
		for i := range rows {
			s.order(w, i, s.first.Add(time.Duration(i)*step), "completed")
		}
	})
}

// today writes the orders of a day, and cancels some of the last two months.
func (s *madeShop) today(rows, before int, day time.Time) {
	s.file("orders-1", "id,at,customer,email,status,amount", func(w *bufio.Writer) {
		for i := range rows {
			if i%50 == 0 {
				ago := s.random.IntN(60*24) + 24
				s.order(w, before-1-ago*before/(3*366*24), day.Add(-time.Duration(ago)*time.Hour), "cancelled")
				continue
			}
			s.order(w, before+i, day.Add(time.Duration(i)*20*time.Hour/time.Duration(rows)), "completed")
		}
	})
}

// order writes one order; one in twenty is a guest's.
func (s *madeShop) order(w *bufio.Writer, id int, at time.Time, status string) {
	customer, email := fmt.Sprint(s.random.IntN(s.buyers)), ""
	if s.random.IntN(20) == 0 {
		customer, email = "", fmt.Sprintf("guest%d@example.com", s.random.IntN(s.buyers/8+1))
	}
	fmt.Fprintf(w, "%d,%s,%s,%s,%s,%d.%02d\n", id, at.Format(time.DateTime), customer, email, status, s.random.IntN(200), s.random.IntN(100))
}
