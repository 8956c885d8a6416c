package sqldb

import (
	"errors"
	"fmt"
	"net"
	"testing"
)

func TestDialHint(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		hinted bool
	}{
		{"nobody listens", fmt.Errorf("reach: %w", &net.OpError{Op: "dial", Err: errors.New("connection refused")}), true},
		{"no such host", fmt.Errorf("reach: %w", &net.DNSError{Name: "db.example", IsNotFound: true}), true},
		{"broken off later", &net.OpError{Op: "read", Err: errors.New("connection reset")}, false},
		{"something else", errors.New("protocol error"), false},
	} {
		if got := dialHint(c.err); (got != "") != c.hinted {
			t.Errorf("%s: hint %q", c.name, got)
		}
	}
}
