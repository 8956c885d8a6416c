package report

import (
	"strings"
	"testing"
	"time"

	"winback/dashboards/draw"
	"winback/pipelines/notify"
	"winback/pipelines/notify/notifytest"
)

func letter(to string) Letter {
	day := time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)
	return Letter{To: to, PDF: []byte("%PDF-1.4"), Report: &Report{
		Project: "Ромашка & Co", AsOf: day, Made: day.Add(30 * time.Hour), Warnings: []string{"Nothing new was read since Friday."},
		Boards: []*Board{{ID: "executive", Title: "Are we keeping our customers?", Period: "a year", Filters: []Filter{{"Segment", "retail"}}, Panels: []*Panel{
			{ID: "executive-1", Kind: "stat", Title: "Yearly churn", W: 6, H: 5, X: 1, Y: 1, Body: "<p>19.4%</p>", Whole: []string{"region", "manager"}, Facts: []draw.Fact{{Name: "Yearly churn", Value: "19.4%"}, {Name: "of customers", Value: "965"}}},
		}}},
	}}
}

// TestSend reads a letter as a mail program does: words, a table, the page and the
// PDF; and one address that does not exist keeps back no other.
func TestSend(t *testing.T) {
	in := notifytest.NewInbox(t)
	s := notify.Server{Host: "127.0.0.1", Port: in.Port, TLS: "none", From: "winback <reports@example.com>"}
	err := Send(t.Context(), s, []Letter{letter("nobody@example.com"), letter("Ann <ann@example.com>")})
	if err == nil || !strings.Contains(err.Error(), "send the report to nobody@example.com") || strings.Contains(err.Error(), "ann@") {
		t.Errorf("the error is to name who got nothing: %v", err)
	}
	got := notifytest.Read(t, <-in.Got)
	if want := "Ромашка & Co: Are we keeping our customers, 31 October 2026 (read the note on top)"; got.Subject != want || got.To != "ann@example.com" {
		t.Errorf("subject %q to %s", got.Subject, got.To)
	}
	parts := got.Parts
	for kind, want := range map[string]string{
		"text/plain": "Yearly churn (not filtered by region, manager): 19.4%; of customers 965", "text/html": "<b>19.4%</b>", "report-2026-10-31.html": "<article", "report-2026-10-31.pdf": "%PDF-1.4",
	} {
		if !strings.Contains(parts[kind], want) {
			t.Errorf("%s lacks %q: %.400s", kind, want, parts[kind])
		}
	}
	for _, kind := range []string{"text/plain", "text/html", "report-2026-10-31.html"} {
		if !strings.Contains(strings.ToLower(parts[kind]), "not filtered by region, manager") {
			t.Errorf("%s does not say that the number is of the whole: %s", kind, parts[kind])
		}
		if !strings.Contains(parts[kind], "Nothing new was read since Friday.") {
			t.Errorf("%s does not say that the data are old", kind)
		}
	}
}
