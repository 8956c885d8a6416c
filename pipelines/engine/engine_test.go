package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"winback/pipelines/engine"
	"winback/pipelines/engine/enginetest"
)

// scenes are what is played in processes of their own.
var scenes = map[string]func(dir string) error{
	"open":          sceneOpen,
	"reopen":        sceneReopen,
	"close busy":    sceneCloseBusy,
	"close leaked":  sceneCloseLeaked,
	"leave open":    sceneLeaveOpen,
	"bad settings":  sceneBadSettings,
	"memory":        sceneMemory,
	"server option": sceneServerOption,
}

func openIn(dir string, o engine.Options) (*engine.Engine, error) {
	library, err := findLibrary()
	if err != nil {
		return nil, err
	}
	o.Library, o.Path = library, dir
	return engine.Open(context.Background(), o)
}

func one(e *engine.Engine, sql string) (string, error) {
	s, err := e.Session(context.Background())
	if err != nil {
		return "", err
	}
	defer s.Close()
	r, err := s.Query(context.Background(), engine.Query{SQL: sql})
	return strings.TrimSpace(string(r.Data)), err
}

func sceneOpen(dir string) error {
	e, err := openIn(dir, engine.Options{})
	if err != nil {
		return err
	}
	return e.Close()
}

func TestOpen_AnotherProcessHoldsIt(t *testing.T) {
	w := enginetest.Start(t)
	out, err := play(t, "open", w.Engine.Path())
	want := fmt.Sprintf("open warehouse %s: another process holds the warehouse (process %d)\n", w.Engine.Path(), os.Getpid())
	if err == nil || out != want {
		t.Errorf("%v, printed\n%s\nwant\n%s", err, out, want)
	}
}

func TestOpen_TwiceInAProcess(t *testing.T) {
	w := enginetest.Start(t)
	if _, err := openIn(t.TempDir(), engine.Options{}); err == nil || !strings.Contains(err.Error(), "already has "+w.Engine.Path()+" open") {
		t.Errorf("error = %v", err)
	}
}

func sceneReopen(dir string) error {
	for i := range 3 {
		e, err := openIn(filepath.Join(dir, "a"), engine.Options{})
		if err != nil {
			return err
		}
		if _, err := one(e, fmt.Sprintf("CREATE TABLE t%d ENGINE = MergeTree ORDER BY n AS SELECT 1 AS n", i)); err != nil {
			return err
		}
		if got, err := one(e, "SELECT count() FROM system.tables WHERE database = 'default'"); err != nil || got != fmt.Sprint(i+1) {
			return fmt.Errorf("%s tables, error %w", got, err)
		}
		if err := errors.Join(e.Close(), e.Close()); err != nil {
			return err
		}
		if _, err := e.Session(context.Background()); !errors.Is(err, engine.ErrClosed) {
			return fmt.Errorf("after closing: %w", err)
		}
	}
	e, err := openIn(filepath.Join(dir, "b"), engine.Options{})
	if err != nil {
		return err
	}
	return e.Close()
}

func TestOpen_AgainAfterClose(t *testing.T) { mustPlay(t, "reopen") }

func sceneCloseBusy(dir string) error {
	e, err := openIn(dir, engine.Options{})
	if err != nil {
		return err
	}
	results := make(chan error, 12)
	for i := range 12 {
		go func() {
			s, err := e.Session(context.Background())
			if err == nil {
				defer s.Close()
				switch i % 3 {
				case 0:
					_, err = s.Query(context.Background(), engine.Query{SQL: endless})
				case 1:
					var st *engine.Stream
					if st, err = s.Stream(context.Background(), engine.Query{SQL: "SELECT number FROM numbers(1000000000000)"}); err == nil {
						_, err = io.Copy(io.Discard, st)
						_ = st.Close()
					}
				case 2:
					_, err = s.Insert(context.Background(), engine.Query{SQL: "INSERT INTO FUNCTION null('s String')", Format: "TSV"}, rowsForever{})
				}
			}
			results <- err
		}()
	}
	time.Sleep(300 * time.Millisecond)
	start := time.Now()
	if err := e.Close(); err != nil {
		return err
	}
	if took := time.Since(start); took > 10*time.Second {
		return fmt.Errorf("closing took %v", took)
	}
	for range 12 {
		if err := <-results; !errors.Is(err, engine.ErrClosed) {
			return fmt.Errorf("a running statement ended with %w", err)
		}
	}
	return nil
}

// rowsForever is data without end.
type rowsForever struct{}

func (rowsForever) Read(p []byte) (int, error) {
	return copy(p, bytes.Repeat([]byte("x\n"), len(p)/2)), nil
}

func TestClose_StopsWhatRuns(t *testing.T) { mustPlay(t, "close busy") }

// sceneCloseLeaked closes an engine whose sessions were forgotten.
func sceneCloseLeaked(dir string) error {
	e, err := openIn(dir, engine.Options{})
	if err != nil {
		return err
	}
	forgotten, err := e.Session(context.Background())
	if err != nil {
		return err
	}
	streaming, err := e.Session(context.Background())
	if err != nil {
		return err
	}
	unread, err := streaming.Stream(context.Background(), engine.Query{SQL: "SELECT number FROM numbers(1000000000000)"})
	if err != nil {
		return err
	}
	time.Sleep(200 * time.Millisecond)
	if err := e.Close(); err != nil {
		return err
	}
	if _, err := forgotten.Query(context.Background(), engine.Query{SQL: "SELECT 1"}); !errors.Is(err, engine.ErrClosed) {
		return fmt.Errorf("a forgotten session: %w", err)
	}
	if _, err := io.Copy(io.Discard, unread); !errors.Is(err, engine.ErrClosed) {
		return fmt.Errorf("a forgotten stream: %w", err)
	}
	return errors.Join(unread.Close(), streaming.Close(), forgotten.Close())
}

func TestClose_WithForgottenSessions(t *testing.T) { mustPlay(t, "close leaked") }

// sceneLeaveOpen ends the process in the middle of everything.
func sceneLeaveOpen(dir string) error {
	e, err := openIn(dir, engine.Options{})
	if err != nil {
		return err
	}
	for range 8 {
		go func() { _, _ = one(e, endless) }()
	}
	time.Sleep(200 * time.Millisecond)
	return nil
}

func TestExit_WithoutClose(t *testing.T) { mustPlay(t, "leave open") }

func sceneBadSettings(dir string) error {
	var e *engine.Error
	_, err := openIn(dir, engine.Options{Settings: map[string]string{"no_such_setting": "1"}})
	if !errors.As(err, &e) || e.Code != engine.CodeUnknownSetting {
		return fmt.Errorf("unknown setting: %w", err)
	}
	if _, err := openIn("/proc/nowhere", engine.Options{}); err == nil {
		return errors.New("a folder that can't be was opened")
	}
	again, err := openIn(dir, engine.Options{Settings: map[string]string{"join_use_nulls": "1"}, Threads: 1})
	if err != nil {
		return err
	}
	got, err := one(again, "SELECT getSetting('join_use_nulls'), getSetting('max_threads')")
	if err != nil || got != "true\t1" {
		return fmt.Errorf("settings are %q, error %w", got, err)
	}
	return again.Close()
}

func TestOpen_Settings(t *testing.T) { mustPlay(t, "bad settings") }

func sceneMemory(dir string) error {
	e, err := openIn(dir, engine.Options{MaxMemory: 600 << 20})
	if err != nil {
		return err
	}
	var failed *engine.Error
	_, err = one(e, "SELECT length(groupArray(number)) FROM numbers(200000000)")
	if !errors.As(err, &failed) || failed.Name != "MEMORY_LIMIT_EXCEEDED" {
		return fmt.Errorf("more memory than there may be: %w", err)
	}
	if got, err := one(e, "SELECT 1"); err != nil || got != "1" {
		return fmt.Errorf("afterwards: %s, %w", got, err)
	}
	return e.Close()
}

func TestOpen_MaxMemory(t *testing.T) { mustPlay(t, "memory") }

func sceneServerOption(dir string) error {
	e, err := openIn(dir, engine.Options{Server: map[string]string{"mark_cache_size": "1234567"}})
	if err != nil {
		return err
	}
	if got, err := one(e, "SELECT value FROM system.server_settings WHERE name = 'mark_cache_size'"); err != nil || got != "1234567" {
		return fmt.Errorf("mark_cache_size is %s, %w", got, err)
	}
	return e.Close()
}

func TestOpen_ServerOption(t *testing.T) { mustPlay(t, "server option") }

func session(t *testing.T) *engine.Session {
	t.Helper()
	s, err := enginetest.Start(t).Engine.Session(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestSignals_GoKeepsItsHandlers(t *testing.T) {
	session(t)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	var nowhere *[1 << 10]int
	_ = nowhere[5] // the process dies here if the library took the handler
}

func TestSession_OneStatementAtATime(t *testing.T) {
	s := session(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			r, err := s.Query(bounded(t), engine.Query{SQL: "SELECT {n:UInt8} + 1", Params: map[string]string{"n": fmt.Sprint(i)}})
			if err != nil || string(r.Data) != fmt.Sprintln(i+1) {
				t.Errorf("%q, error %v", r.Data, err)
			}
		})
	}
	wg.Wait()
}

func TestSession_CancelledWhileWaitingForItsTurn(t *testing.T) {
	s := session(t)
	st, err := s.Stream(bounded(t), engine.Query{SQL: "SELECT number FROM numbers(100000000)"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Query(ctx, engine.Query{SQL: "SELECT 1"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v", err)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
	if r, err := s.Query(bounded(t), engine.Query{SQL: "SELECT 1"}); err != nil || string(r.Data) != "1\n" {
		t.Errorf("%q, error %v", r.Data, err)
	}
}

func TestSession_CancelGivesTheCause(t *testing.T) {
	s := session(t)
	because := errors.New("because")
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(100*time.Millisecond, func() { cancel(because) })
	start := time.Now()
	if _, err := s.Query(ctx, engine.Query{SQL: endless}); !errors.Is(err, because) {
		t.Errorf("error = %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v to stop", took)
	}
	if _, err := s.Query(ctx, engine.Query{SQL: "SELECT 1"}); !errors.Is(err, because) {
		t.Errorf("with a context that ended before: %v", err)
	}
}

func TestSession_AFailedStatementHoldsNothing(t *testing.T) {
	w := enginetest.Start(t)
	w.Database(t, "failed")
	w.Exec(t, "CREATE TABLE failed.t ENGINE = MergeTree ORDER BY n AS SELECT number AS n FROM numbers(1000000)")
	s := session(t)
	if _, err := s.Query(bounded(t), engine.Query{SQL: "SELECT throwIf(n = 500000) FROM failed.t"}); err == nil {
		t.Fatal("no error")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	other := session(t)
	if _, err := other.Query(ctx, engine.Query{SQL: "DROP TABLE failed.t SYNC"}); err != nil {
		t.Error(err)
	}
}

func TestSession_Insert(t *testing.T) {
	w := enginetest.Start(t)
	w.Database(t, "insert")
	w.Exec(t, "CREATE TABLE insert.t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
	s := session(t)
	into := engine.Query{SQL: "INSERT INTO insert.t (n)", Format: "TSV"}
	count := func() string { return strings.TrimSpace(w.Exec(t, "SELECT count() FROM insert.t")) }
	t.Run("rows are counted", func(t *testing.T) {
		r, err := s.Insert(bounded(t), into, strings.NewReader("1\n2\n3\n"))
		if err != nil || r.RowsWritten != 3 || count() != "3" {
			t.Errorf("%+v, error %v, %s rows", r, err, count())
		}
	})
	t.Run("byte by byte", func(t *testing.T) {
		if _, err := s.Insert(bounded(t), into, iotest.OneByteReader(strings.NewReader("4\n5\n"))); err != nil || count() != "5" {
			t.Errorf("error %v, %s rows", err, count())
		}
	})
	t.Run("the data fails", func(t *testing.T) {
		lost := errors.New("the line is down")
		_, err := s.Insert(bounded(t), into, io.MultiReader(strings.NewReader("6\n7\n"), iotest.ErrReader(lost)))
		if !errors.Is(err, lost) || count() != "5" {
			t.Errorf("error %v, %s rows", err, count())
		}
	})
	t.Run("a row is bad", func(t *testing.T) {
		var e *engine.Error
		if _, err := s.Insert(bounded(t), into, strings.NewReader("8\nx\n")); !errors.As(err, &e) || e.Code != 27 || count() != "5" {
			t.Errorf("error %v, %s rows", err, count())
		}
	})
	t.Run("much data behind a bad row", func(t *testing.T) {
		var e *engine.Error
		if _, err := s.Insert(bounded(t), into, io.MultiReader(strings.NewReader("x\n"), rowsForever{})); !errors.As(err, &e) || count() != "5" {
			t.Errorf("error %v, %s rows", err, count())
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		if _, err := s.Insert(ctx, engine.Query{SQL: "INSERT INTO FUNCTION null('s String')", Format: "TSV"}, rowsForever{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("nothing to insert into", func(t *testing.T) {
		var e *engine.Error
		if _, err := s.Insert(bounded(t), engine.Query{SQL: "INSERT INTO nowhere", Format: "TSV"}, strings.NewReader("1\n")); !errors.As(err, &e) || e.Code != engine.CodeUnknownTable {
			t.Errorf("error %v", err)
		}
	})
	t.Run("the session goes on", func(t *testing.T) {
		if r, err := s.Query(bounded(t), engine.Query{SQL: "SELECT 1"}); err != nil || string(r.Data) != "1\n" {
			t.Errorf("%q, error %v", r.Data, err)
		}
	})
}

func TestStream_IsClosedEarly(t *testing.T) {
	w := enginetest.Start(t)
	s := session(t)
	for range 20 {
		st, err := s.Stream(bounded(t), engine.Query{SQL: "SELECT number FROM numbers(1000000000003)", Format: "JSON"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(st, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		if got := running(t, w, "1000000000003"); got != "0\n" {
			t.Fatal("the statement runs on after Close")
		}
	}
}

func TestStream_Unread(t *testing.T) {
	st, err := session(t).Stream(bounded(t), engine.Query{SQL: "SELECT 1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}
