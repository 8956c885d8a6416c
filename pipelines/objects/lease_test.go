package objects_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"winback/pipelines/objects"
	"winback/pipelines/objects/objectstest"
)

func TestLease_SecondWriterIsRefused(t *testing.T) {
	eachStore(t, func(t *testing.T, s objects.Store) {
		first, err := objects.TakeLease(t.Context(), s, "_lease", objects.LeaseOptions{Holder: "a", About: "process 7 on host a"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = objects.TakeLease(t.Context(), s, "_lease", objects.LeaseOptions{Holder: "b"})
		var held *objects.HeldError
		if !errors.As(err, &held) || !strings.Contains(err.Error(), "process 7 on host a") || strings.Contains(err.Error(), "\n") {
			t.Fatalf("a second writer: %v", err)
		}
		if err := errors.Join(first.Check(), first.Release(t.Context())); err != nil {
			t.Fatal(err)
		}
		second, err := objects.TakeLease(t.Context(), s, "_lease", objects.LeaseOptions{Holder: "b"})
		if err != nil {
			t.Fatalf("after the first is done: %v", err)
		}
		defer second.Release(t.Context()) //nolint:errcheck // the end of the test
		again, err := objects.TakeLease(t.Context(), s, "_lease", objects.LeaseOptions{Holder: "b"})
		if err != nil {
			t.Fatalf("the same holder, after a kill: %v", err)
		}
		defer again.Release(t.Context()) //nolint:errcheck // the end of the test
	})
}

func TestLease_OfADeadHolderExpires(t *testing.T) {
	server := objectstest.Start(t)
	s := server.Open(t, "zone")
	dead := &objectstest.Killed{Store: s, At: 3} // it reads and writes the lease, and then nothing any more
	if _, err := objects.TakeLease(t.Context(), dead, "_lease", objects.LeaseOptions{Holder: "a"}); err != nil {
		t.Fatal(err)
	}
	server.Grow("zone/_lease", 55*time.Second)
	if _, err := objects.TakeLease(t.Context(), s, "_lease", objects.LeaseOptions{Holder: "b"}); !errors.As(err, new(*objects.HeldError)) {
		t.Fatalf("before its end: %v", err)
	}
	server.Grow("zone/_lease", 10*time.Second)
	l, err := objects.TakeLease(t.Context(), s, "_lease", objects.LeaseOptions{Holder: "b"})
	if err != nil {
		t.Fatalf("after its end: %v", err)
	}
	if err := l.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLease_IsRenewedAndLost(t *testing.T) {
	server := objectstest.Start(t)
	var writes atomic.Int32
	server.Trouble = func(r *http.Request) objectstest.Trouble {
		if r.Method == http.MethodPut {
			writes.Add(1)
		}
		return objectstest.None
	}
	s := server.Open(t, "zone")
	l, err := objects.TakeLease(t.Context(), s, "_lease", objects.LeaseOptions{Holder: "a", For: 80 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	await(t, "renewals", func() bool { return writes.Load() > 3 })
	if err := l.Check(); err != nil {
		t.Fatal(err)
	}
	server.Put("zone/_lease", []byte(`{"holder":"b","seconds":60}`)) // somebody took it
	await(t, "the loss", func() bool { return errors.Is(l.Check(), objects.ErrLeaseLost) })
	if err := l.Release(t.Context()); err != nil {
		t.Error(err)
	}
	if got := string(server.Get("zone/_lease")); !strings.Contains(got, `"b"`) {
		t.Errorf("the other's lease became %s", got)
	}
}

// await waits until something is so.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come", what)
		}
	}
}
