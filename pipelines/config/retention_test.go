package config

import (
	"testing"

	"winback/connectors/entity"
)

// Every entity whose rows may leave has the time that says when.
func TestAging(t *testing.T) {
	for name, field := range aging {
		s := entity.Lookup(name)
		if s == nil || s.Field(field) == nil || s.Field(field).Kind != entity.Timestamp {
			t.Errorf("%s has no time %s", name, field)
		}
	}
	for text, want := range map[string]int{"400d": 400, "30d": 30, "90": 90} {
		if got, err := parseDays(text); err != nil || got != want {
			t.Errorf("%q is %d days, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "7d", "1y", "-90d"} {
		if _, err := parseDays(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
