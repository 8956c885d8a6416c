package engine_test

import (
	"strings"
	"testing"
	"time"

	"winback/pipelines/engine/enginetest"
)

func TestHTTP_NamedSessions(t *testing.T) {
	w := enginetest.Start(t)
	in := func(id, sql string, more ...string) reply {
		return ask(t, w.URL, "POST", "/?session_id="+id+strings.Join(more, ""), sql)
	}
	for _, sql := range []string{"CREATE TEMPORARY TABLE mine (n UInt8)", "INSERT INTO mine VALUES (7)", "SET max_threads = 5", "USE system"} {
		if got := in("a", sql); got.status != 200 {
			t.Fatalf("%s: %s", sql, got.body)
		}
	}
	if got := in("a", "SELECT n, getSetting('max_threads')::UInt8, currentDatabase() FROM mine", "&session_check=1"); got.body != "7\t5\tsystem\n" {
		t.Errorf("in the session: %q", got.body)
	}
	if got := in("a", "SELECT getSetting('max_threads')::UInt8", "&max_threads=2"); got.body != "2\n" {
		t.Errorf("a setting of one request: %q", got.body)
	}
	if got := in("a", "SELECT getSetting('max_threads')::UInt8"); got.body != "5\n" {
		t.Errorf("after it: %q", got.body)
	}
	if got := in("b", "SELECT count() FROM mine"); got.header.Get("X-ClickHouse-Exception-Code") != "60" {
		t.Errorf("in another session: %d %q", got.status, got.body)
	}
	if got := in("nobody", "SELECT 1", "&session_check=1"); got.status != 404 || got.header.Get("X-ClickHouse-Exception-Code") != "372" {
		t.Errorf("a session that must exist: %d %q", got.status, got.body)
	}
	if got := ask(t, w.URL, "GET", query("DROP TABLE mine")+"&session_id=a", ""); got.header.Get("X-ClickHouse-Exception-Code") != "164" {
		t.Errorf("a write by GET: %d %q", got.status, got.body)
	}
	if got := in("a", "SELECT 1", "&close_session=1"); got.status != 200 {
		t.Errorf("closing: %q", got.body)
	}
	if got := in("a", "SELECT 1", "&session_check=1"); got.status != 404 {
		t.Errorf("after closing: %d %q", got.status, got.body)
	}
	t.Run("busy", func(t *testing.T) {
		done := make(chan reply, 1)
		go func() { done <- in("c", "SELECT sleep(1)") }()
		eventually(t, "it runs", func() bool { return running(t, w, "sleep(1)") == "1\n" })
		if got := in("c", "SELECT 1"); got.header.Get("X-ClickHouse-Exception-Code") != "373" {
			t.Errorf("the second: %d %s", got.status, got.body)
		}
		if got := <-done; got.body != "0\n" {
			t.Errorf("the first: %q", got.body)
		}
	})
	t.Run("timeout", func(t *testing.T) {
		if got := in("d", "SELECT 1", "&session_timeout=1"); got.status != 200 {
			t.Fatal(got.body)
		}
		time.Sleep(1200 * time.Millisecond)
		if got := in("d", "SELECT 1", "&session_check=1"); got.status != 404 {
			t.Errorf("%d %q", got.status, got.body)
		}
	})
}

func TestHTTP_StateDoesNotLeakBetweenRequests(t *testing.T) {
	w := enginetest.Start(t)
	for _, sql := range []string{"SET max_threads = 17", "USE system", "CREATE TEMPORARY TABLE leaked (n UInt8)"} {
		if got := ask(t, w.URL, "POST", "/", sql); got.status != 200 {
			t.Fatalf("%s: %s", sql, got.body)
		}
	}
	for range 12 {
		got := ask(t, w.URL, "POST", "/", "SELECT getSetting('max_threads')::UInt16 = 17, currentDatabase(), (EXISTS TEMPORARY TABLE leaked)")
		got = ask(t, w.URL, "POST", "/", "SELECT getSetting('max_threads')::UInt16 = 17, currentDatabase()")
		if got.body != "0\tdefault\n" {
			t.Fatalf("%q", got.body)
		}
		if got := ask(t, w.URL, "POST", "/", "EXISTS TEMPORARY TABLE leaked"); got.body != "0\n" {
			t.Fatalf("%q", got.body)
		}
	}
}
