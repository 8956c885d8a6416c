package retry_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"winback/connectors"
	"winback/pipelines/engine/enginetest"
	"winback/pipelines/retry"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// clock notes for how long somebody waited.
type clock struct{ waits []time.Duration }

func (*clock) Now() time.Time { return time.Time{} }

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.waits = append(c.waits, d)
	return ctx.Err()
}

func TestPolicy_Do(t *testing.T) {
	const second = time.Second
	busy, wrong := errors.New("busy"), errors.New("wrong")
	for _, c := range []struct {
		name   string
		policy retry.Policy
		fails  []error // of the tries, one after another; nil when there are no more
		want   error
		waits  []time.Duration
	}{
		{"it works at once", retry.Policy{Retries: 3, After: second}, nil, nil, nil},
		{"it works at the third try, after waits of which each is twice as long", retry.Policy{Retries: 3, After: second}, []error{busy, busy}, nil, []time.Duration{second, 2 * second}},
		{"no tries are left", retry.Policy{Retries: 2, After: second}, []error{busy, busy, busy, busy}, busy, []time.Duration{second, 2 * second}},
		{"what stays wrong is not tried again", retry.Policy{Retries: 2, After: second}, []error{wrong}, wrong, nil},
		{"what becomes wrong is not tried again", retry.Policy{Retries: 2, After: second}, []error{busy, wrong}, wrong, []time.Duration{second}},
		{"no retries are wanted", retry.Policy{After: second}, []error{busy}, busy, nil},
		{"chance adds up to half", retry.Policy{Retries: 2, After: 4 * second, Chance: func() float64 { return 0.5 }}, []error{busy, busy}, nil, []time.Duration{5 * second, 10 * second}},
		{"no wait is longer than the longest", retry.Policy{Retries: 4, After: 2 * time.Minute}, []error{busy, busy, busy, busy}, nil,
			[]time.Duration{2 * time.Minute, 4 * time.Minute, retry.Longest, retry.Longest}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var waited clock
			c.policy.Clock = &waited
			if c.policy.Chance == nil {
				c.policy.Chance = func() float64 { return 0 }
			}
			tries, told := 0, 0
			err := c.policy.Do(t.Context(), func(err error) bool { return err == busy }, func(retry.Failure) { told++ }, func() error {
				if tries++; tries <= len(c.fails) {
					return c.fails[tries-1]
				}
				return nil
			})
			if err != c.want || !slices.Equal(waited.waits, c.waits) || told != len(c.waits) {
				t.Errorf("got %v after waits of %v, %d told; want %v after %v", err, waited.waits, told, c.want, c.waits)
			}
		})
	}
}

func TestPolicy_Do_StopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	tries, busy := 0, errors.New("busy")
	p := retry.Policy{Retries: 5, After: time.Hour, Clock: new(clock)}
	err := p.Do(ctx, func(error) bool { return true }, func(retry.Failure) { cancel() }, func() error { tries++; return busy })
	if err != busy || tries != 1 {
		t.Errorf("got %v after %d tries, want the error of the one try", err, tries)
	}
}

func exception(code int32, text string) error {
	return fmt.Errorf("fill the table: %w", &clickhouse.Exception{Code: code, Message: text})
}

func TestWhatPasses(t *testing.T) {
	asked := func(err error) error { return fmt.Errorf("ask: %w", &url.Error{Op: "Post", URL: "http://x", Err: err}) }
	refused := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for _, c := range []struct {
		name              string
		err               error
		source, warehouse bool
	}{
		{"nothing", nil, false, false},
		{"nobody listens", asked(refused), true, true},
		{"the connection broke", asked(syscall.ECONNRESET), true, true},
		{"the other side closed it", asked(io.EOF), true, true},
		{"an answer that broke off", fmt.Errorf("read: %w", io.ErrUnexpectedEOF), false, true},
		{"a file that ends too early", fmt.Errorf("unpack: %w", io.ErrUnexpectedEOF), false, true},
		{"nobody answers in time", asked(os.ErrDeadlineExceeded), true, true},
		{"a name that nobody knows", asked(&net.DNSError{Name: "x", IsNotFound: true}), false, false},
		{"a certificate that nobody trusts", asked(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), false, false},
		{"somebody stopped it", fmt.Errorf("read: %w", context.Canceled), false, false},
		{"the disk is full", fmt.Errorf("write: %w", syscall.ENOSPC), false, false},
		{"the connector says that it passes", fmt.Errorf("read: %w", connectors.Passing(true, errors.New("503"))), true, true},
		{"the connector says that it stays", connectors.Passing(false, asked(refused)), false, false},
		{"the credentials are refused", connectors.WholeSource(connectors.ErrRefused, connectors.Passing(true, errors.New("401"))), false, false},
		{"too many statements", exception(202, "Too many simultaneous queries"), false, true},
		{"a lock", exception(473, "WRITE locking attempt has timed out"), false, true},
		{"the server is short of memory", exception(241, "(total) memory limit exceeded: would use 3 GiB"), false, true},
		{"the query wants too much memory", exception(241, "Query memory limit exceeded: would use 3 GiB"), false, false},
		{"wrong SQL", exception(62, "Syntax error"), false, false},
		{"no such column", exception(47, "Unknown identifier"), false, false},
		{"a query that somebody killed", exception(394, "Query was cancelled"), false, false},
		{"some mistake", errors.New("line 7: no number"), false, false},
	} {
		if got := retry.OfSource(c.err); got != c.source {
			t.Errorf("%s: of a source: %v", c.name, got)
		}
		if got := retry.OfWarehouse(c.err); got != c.warehouse {
			t.Errorf("%s: of the warehouse: %v", c.name, got)
		}
	}
}

// The codes stand for what their names say, in the engine that is used.
func TestPassingCodes(t *testing.T) {
	w := enginetest.Start(t)
	for code, name := range retry.PassingCodes() {
		if got := strings.TrimSpace(w.Exec(t, fmt.Sprintf("select errorCodeToName(%d)", code))); got != name {
			t.Errorf("%d is %s, not %s", code, got, name)
		}
	}
}
