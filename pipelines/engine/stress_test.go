package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"winback/pipelines/engine"
	"winback/pipelines/engine/enginetest"
)

// stressTime is how long the stress test runs: a few seconds, or what the
// environment variable WINBACK_STRESS says (1m).
func stressTime(t *testing.T) time.Duration {
	text := os.Getenv("WINBACK_STRESS")
	if text == "" {
		return 3 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("WINBACK_STRESS: %v", err)
	}
	return d
}

// stress is the state of a stress test. Every worker counts what it did.
type stress struct {
	w          *enginetest.Warehouse
	conn       clickhouse.Conn
	db         string
	statements atomic.Int64
	cancelled  atomic.Int64
	inserted   atomic.Int64
}

// worker is something done over and over by several goroutines at once.
type worker func(ctx context.Context, s *stress, r *rand.Rand) error

func TestStress(t *testing.T) {
	w := enginetest.Start(t)
	s := &stress{w: w, db: w.Database(t, "stress"), conn: w.ConnWith(t, clickhouse.Options{MaxOpenConns: 32})}
	w.Exec(t, "CREATE TABLE stress.t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
	workers := map[string]worker{
		"query": stressQuery, "stream": stressStream, "stream closed early": stressClose, "insert": stressInsert,
		"insert broken off": stressBreak, "cancel": stressCancel, "error": stressError, "client": stressClient, "client insert": stressBatch, "sessions": stressSessions,
	}
	ctx, stop := context.WithTimeout(context.Background(), stressTime(t))
	defer stop()
	var wg sync.WaitGroup
	for name, work := range workers {
		for i := range 3 {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(i), uint64(len(name))))
				for ctx.Err() == nil {
					if err := work(context.Background(), s, r); err != nil {
						t.Errorf("%s: %v", name, err)
						return
					}
					s.statements.Add(1)
				}
			})
		}
	}
	wg.Go(func() {
		for ctx.Err() == nil { // move Go's heap about while C works
			garbage := make([][]byte, 1000)
			for i := range garbage {
				garbage[i] = make([]byte, 1<<rand.IntN(14))
			}
			runtime.GC()
			time.Sleep(5 * time.Millisecond)
		}
	})
	wg.Wait()
	if got := strings.TrimSpace(w.Exec(t, "SELECT count() FROM stress.t")); got != fmt.Sprint(s.inserted.Load()) {
		t.Errorf("the table has %s rows, %d were inserted", got, s.inserted.Load())
	}
	if got := strings.TrimSpace(w.Exec(t, "SELECT count() FROM system.processes WHERE query NOT LIKE '%system.processes%'")); got != "0" {
		t.Errorf("%s statements still run", got)
	}
	t.Logf("%d statements, %d of them cancelled, %d rows inserted; %s", s.statements.Load(), s.cancelled.Load(), s.inserted.Load(), footprint())
}

// footprint is what the system says of this process.
func footprint() string {
	text, _ := os.ReadFile("/proc/self/status")
	var facts []string
	for line := range strings.Lines(string(text)) {
		for _, name := range []string{"VmHWM", "VmRSS", "Threads"} {
			if strings.HasPrefix(line, name) {
				facts = append(facts, strings.Join(strings.Fields(line), " "))
			}
		}
	}
	return strings.Join(facts, ", ")
}

// in runs f with a session that is closed afterwards.
func (s *stress) in(ctx context.Context, f func(*engine.Session) error) error {
	session, err := s.w.Engine.Session(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(session), session.Close())
}

func stressQuery(ctx context.Context, s *stress, r *rand.Rand) error {
	n := r.IntN(100_000) + 1
	return s.in(ctx, func(session *engine.Session) error {
		res, err := session.Query(ctx, engine.Query{SQL: "SELECT sum(number), {text:String} FROM numbers({n:UInt64})", Params: map[string]string{"n": fmt.Sprint(n), "text": strings.Repeat("x", r.IntN(5000))}})
		if err == nil && !strings.HasPrefix(string(res.Data), fmt.Sprintf("%d\t", n*(n-1)/2)) {
			return fmt.Errorf("sum of %d = %.50q", n, res.Data)
		}
		return err
	})
}

func stressStream(ctx context.Context, s *stress, r *rand.Rand) error {
	return s.in(ctx, func(session *engine.Session) error {
		st, err := session.Stream(ctx, engine.Query{SQL: "SELECT number, toString(number) FROM numbers(200000)", Format: "RowBinary"})
		if err != nil {
			return err
		}
		defer st.Close()
		n, err := io.Copy(io.Discard, st)
		if err == nil && n != 2888890 {
			return fmt.Errorf("%d bytes", n)
		}
		return err
	})
}

func stressClose(ctx context.Context, s *stress, r *rand.Rand) error {
	return s.in(ctx, func(session *engine.Session) error {
		st, err := session.Stream(ctx, engine.Query{SQL: "SELECT number, toString(number) FROM numbers(100000000)", Format: "JSON"})
		if err != nil {
			return err
		}
		_, _ = io.CopyN(io.Discard, st, r.Int64N(1<<20))
		s.cancelled.Add(1)
		return st.Close()
	})
}

func stressInsert(ctx context.Context, s *stress, r *rand.Rand) error {
	rows := r.IntN(5000)
	return s.in(ctx, func(session *engine.Session) error {
		_, err := session.Insert(ctx, engine.Query{SQL: "INSERT INTO stress.t", Format: "TSV"}, strings.NewReader(strings.Repeat("1\tx\n", rows)))
		if err == nil {
			s.inserted.Add(int64(rows))
		}
		return err
	})
}

func stressBreak(ctx context.Context, s *stress, r *rand.Rand) error {
	broken := errors.New("broken off")
	return s.in(ctx, func(session *engine.Session) error {
		data := io.MultiReader(strings.NewReader(strings.Repeat("1\tx\n", r.IntN(5000))), failing{broken})
		_, err := session.Insert(ctx, engine.Query{SQL: "INSERT INTO stress.t", Format: "TSV"}, data)
		if !errors.Is(err, broken) {
			return fmt.Errorf("a broken insert ended with %w", err)
		}
		return nil
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func stressCancel(ctx context.Context, s *stress, r *rand.Rand) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(r.IntN(60))*time.Millisecond)
	defer cancel()
	err := s.in(context.WithoutCancel(ctx), func(session *engine.Session) error {
		_, err := session.Query(ctx, engine.Query{SQL: endless})
		return err
	})
	s.cancelled.Add(1)
	if !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("a cancelled query ended with %w", err)
	}
	return nil
}

func stressError(ctx context.Context, s *stress, r *rand.Rand) error {
	return s.in(ctx, func(session *engine.Session) error {
		_, err := session.Query(ctx, engine.Query{SQL: "SELECT throwIf(number = 1000) FROM numbers(100000)"})
		var e *engine.Error
		if !errors.As(err, &e) || e.Code != 395 {
			return fmt.Errorf("a failing query ended with %w", err)
		}
		return nil
	})
}

func stressClient(ctx context.Context, s *stress, r *rand.Rand) error {
	rows, err := s.conn.Query(ctx, "SELECT number, toString(number), if(number % 2 = 0, NULL, number) FROM numbers({n:UInt64})", clickhouse.Named("n", r.IntN(30_000)))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var n uint64
		var text string
		var odd *uint64
		if err := rows.Scan(&n, &text, &odd); err != nil {
			return err
		}
		if text != fmt.Sprint(n) {
			return fmt.Errorf("row %d says %s", n, text)
		}
	}
	return rows.Err()
}

func stressBatch(ctx context.Context, s *stress, r *rand.Rand) error {
	batch, err := s.conn.PrepareBatch(ctx, "INSERT INTO stress.t")
	if err != nil {
		return err
	}
	rows := r.IntN(3000) + 1
	for i := range rows {
		if err := batch.Append(uint64(i), "x"); err != nil {
			return err
		}
	}
	if err := batch.Send(); err != nil {
		return err
	}
	s.inserted.Add(int64(rows))
	return nil
}

func stressSessions(ctx context.Context, s *stress, r *rand.Rand) error {
	session, err := s.w.Engine.SessionWith(ctx, "stress", map[string]string{"max_threads": fmt.Sprint(r.IntN(4) + 1), "readonly": "1"})
	if err != nil {
		return err
	}
	defer session.Close()
	_, err = session.Query(ctx, engine.Query{SQL: "CREATE TABLE no (n UInt8) ENGINE = Memory"})
	var e *engine.Error
	if !errors.As(err, &e) || e.Code != engine.CodeReadonly {
		return fmt.Errorf("a read-only session wrote: %w", err)
	}
	return nil
}
