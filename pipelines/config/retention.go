package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"winback/connectors/spec"
)

// Aging are the entities whose rows may leave when they are old, with the field that
// says how old. Customers, orders and deals are not among them: whether somebody is lost is
// judged by all they ever bought.
var aging = map[string]string{
	"callcenter.calls": "started_at", "callcenter.queue_events": "at", "crm.activities": "at", "crm.complaints": "opened_at",
	"crm.surveys": "at", "crm.payments": "due_at", "shop.carts": "updated_at", "winback.touches": "at", "winback.cart_reminders": "at",
}

// Retained is how long the rows of an entity are kept.
type Retained struct {
	Entity string // full name
	Field  string // that says how old a row is
	Days   int
}

// Retentions are those of the configuration, by entity.
func (s *Settings) Retentions() []Retained {
	var list []Retained
	for name, age := range s.Retention.All() {
		full, _ := agingEntity(name)
		days, err := parseDays(age)
		if err != nil || full == "" {
			continue // checkRetention has told
		}
		list = append(list, Retained{Entity: full, Field: aging[full], Days: days})
	}
	return list
}

// agingEntity finds an entity by its full name, or by its own where one has it.
func agingEntity(name string) (full string, known []string) {
	known = slices.Sorted(maps.Keys(aging))
	for _, candidate := range known {
		if candidate == name || strings.HasSuffix(candidate, "."+name) {
			return candidate, known
		}
	}
	return "", known
}

const wantsDays = spec.Wants("a number of days such as 400d, at least 30d")

func parseDays(text string) (int, error) {
	number, _ := strings.CutSuffix(text, "d")
	const least, most = 30, 36_500
	days, err := strconv.Atoi(number)
	if err != nil || days < least || days > most {
		return 0, wantsDays
	}
	return days, nil
}

func checkRetention(retention spec.Ordered[string], errs *spec.Errors) {
	for _, entry := range retention.Entries {
		if full, known := agingEntity(entry.Key); full == "" {
			errs.Addf(entry.Node.Key(), "rows of %q do not leave by age%s; those of %s may", entry.Key, spec.Hint(entry.Key, known), strings.Join(known, ", "))
		}
		if _, err := parseDays(entry.Value); err != nil {
			errs.Addf(entry.Node, "%w, got %q", err, entry.Value)
		}
	}
}
