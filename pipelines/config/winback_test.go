package config_test

import (
	"strings"
	"testing"
)

// TestWinback_Mistakes sees that numbers out of range are reported where they stand.
func TestWinback_Mistakes(t *testing.T) {
	for text, want := range map[string]string{
		"winback: {attribution_days: 0}":           "attribution_days: wants 1 to 3660 days, got 0",
		"winback: {calls_per_day: 0}":              "calls_per_day: wants 1 to 10000 customers, got 0",
		"winback: {call_hours: 20:00-09:00}":       "call_hours: wants two times of a day",
		"winback: {large_margin: 120%}":            "large_margin: wants at most 100%",
		"winback: {acquisition_cost: -1}":          "acquisition_cost: wants an amount from 0",
		"winback: {attribution_day: 3}":            "attribution_days",
		"winback: {competitors: [Acme, Globex]}":   "",
		"winback: {call_hours: \"08:30-18:00\"}":   "",
		"winback: {service_cost: 12.5, shrink: 5}": "",
	} {
		_, err := load(t, "project: p\ntimezone: UTC\ncurrency: EUR\n"+text+"\n", nil)
		if got := errorText(err); (want == "") != (err == nil) || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", text, got, want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
