package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"winback/connectors/spec"
	"winback/pipelines/config"
)

// TestDiagnoseSkew asks servers whose clocks differ for the time.
func TestDiagnoseSkew(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		date string
		ok   bool
		want string
	}{
		{"Sun, 22 Nov 2026 12:00:05 GMT", true, "none against http://"},
		{"Sun, 22 Nov 2026 12:05:00 GMT", false, "the clock is 5m0s behind that of http://"},
		{"Sun, 22 Nov 2026 10:00:00 GMT", false, "the clock is 2h0m0s ahead that of http://"},
		{"noon", true, "not checked: http://"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/" || r.Method != http.MethodHead {
				t.Errorf("asked for %s %s: the path of a webhook is a secret", r.Method, r.URL.Path)
			}
			w.Header().Set("Date", c.date)
		}))
		a := &app{now: func() time.Time { return now }}
		settings := &config.Settings{}
		settings.Alarms.Webhook = spec.Secret(server.URL + "/secret")
		if d := a.diagnoseSkew(t.Context(), settings); d.OK != c.ok || !strings.HasPrefix(d.Text, c.want) {
			t.Errorf("%s: %+v", c.date, d)
		}
		server.Close()
	}
}
