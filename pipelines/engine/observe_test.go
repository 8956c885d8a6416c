package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"winback/pipelines/engine"
)

func TestNormalize(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SELECT 1": "SELECT ?",
		"select\n  a ,b -- of anna\n from  t where email='x@y' and n in (1, 2,3)": "select a, b from t where email = ? and n in(?..)",
		"SELECT count(), sum(a.b) FROM `my t`":                                    "SELECT count(), sum(a.b) FROM ?",
		"SELECT `a` FROM \"t\"":                                                   "SELECT `a` FROM \"t\"",
		"CREATE USER a IDENTIFIED BY 'secret'":                                    "CREATE USER a IDENTIFIED BY ?",
		"SELECT * FROM s3('http://h/b', 'KEY', 'SECRET', CSV)":                    "SELECT * FROM s3(?.., CSV)",
		"SELECT $$secret$$, $a$ secret $a$":                                       "SELECT ?..",
		"SELECT 'never closed, secret":                                            "SELECT ?",
		"SELECT \"never closed, secret":                                           "SELECT ?",
		"SELECT a FROM t WHERE email = \"x@y\"":                                   "SELECT a FROM t WHERE email = ?",
		"SELECT ‘a secret’, 'it\\'s', 'it''s'":                                    "SELECT ?..",
		"SELECT ‘a secret":                                                        "SELECT ?",
		"SELECT 0x1F, 1.5e3, -2 /* secret */":                                     "SELECT ?.., - ?",
		"SELECT a SETTINGS some_key = 'secret'":                                   "SELECT a SETTINGS some_key = ?",
		"":                                                                        "", "/* nothing */": "",
	} {
		if got := engine.Normalize(sql); got != want {
			t.Errorf("%s:\n got %s\nwant %s", sql, got, want)
		}
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"select 1": "select", " /* x */ ((SELECT 1) UNION ALL SELECT 2)": "select", "WITH 1 AS a SELECT a": "select", "insert into t values": "insert",
		"Describe t": "describe", "desc t": "describe", "frobnicate": "other", "'x'": "other", "": "", "-- only this": "",
	} {
		if got := engine.KindOf(sql); got != want {
			t.Errorf("%s is %q, not %q", sql, got, want)
		}
	}
}

// heard collects what an observer hears.
type heard chan engine.Statement

func (h heard) StatementEnded(s engine.Statement) { h <- s }

func TestHTTP_Observers(t *testing.T) {
	statements := make(heard, 100)
	base := serve(t, engine.HandlerOptions{
		Observers: []engine.Observer{statements},
		Authenticate: func(_ context.Context, c engine.Credentials) (engine.Access, error) {
			if c.Password != "right" {
				return engine.Access{}, errors.New("wrong")
			}
			return engine.Access{Settings: map[string]string{"readonly": "1"}}, nil
		},
	})
	for _, c := range []struct {
		target, sql, kind string
		state             engine.State
		code              int
	}{
		{"/?user=anna&password=right&query_id=my-own", "SELECT number FROM numbers(1000)", "select", engine.StateDone, 0},
		{"/?user=anna&password=right", "SELECT nothing", "select", engine.StateFailed, 47},
		{"/?user=anna&password=right", "CREATE DATABASE nope", "create", engine.StateRefused, 164},
		{"/?user=anna&password=wrong", "SELECT 1", "", engine.StateRefused, 516},
		{"/?user=anna&password=right", "", "", engine.StateFailed, 62},
		{"/?user=anna&password=right&max_execution_time=1", "SELECT sleep(3)", "select", engine.StateFailed, 159},
	} {
		ask(t, base, "POST", c.target, c.sql, "User-Agent", "tests")
		s := <-statements
		if s.User != "anna" || s.Kind != c.kind || s.State != c.state || s.Code != c.code || (s.Err == nil) != (c.code == 0) ||
			s.ID == "" || s.Client != "tests" || s.Took <= 0 || s.Started.IsZero() || !strings.HasPrefix(s.Remote, "127.0.0.1:") {
			t.Errorf("%s: %+v", c.sql, s)
		}
		if c.state == engine.StateDone && (s.ID != "my-own" || s.SQL != c.sql || s.Result.RowsRead != 1000 || s.Result.ResultRows != 1000 || s.Result.ResultBytes == 0) {
			t.Errorf("%+v", s)
		}
	}
}
