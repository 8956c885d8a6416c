package config

import "winback/connectors/spec"

// Carts says when a basket counts as abandoned and when its owner is reminded of it.
type Carts struct {
	AbandonedAfter int `yaml:"abandoned_after" default:"60" doc:"minutes after its last change without an order that make a cart abandoned"`
	SecondReminder int `yaml:"second_reminder" default:"1" doc:"days after a cart was abandoned from which the second reminder is due; the first is due at once"`
	ThirdReminder  int `yaml:"third_reminder" default:"5" doc:"days after a cart was abandoned from which the third reminder is due"`
	RemindUntil    int `yaml:"remind_until" default:"7" doc:"days after a cart was abandoned from which nobody is reminded of it any more"`
	RecoveredIn    int `yaml:"recovered_in" default:"14" doc:"days after a reminder during which an order made from the cart counts as recovered"`
}

// Validate checks each number, and that the reminders follow each other.
func (c *Carts) Validate(n spec.Node, errs *spec.Errors) {
	before := errs.Len()
	const longestMinutes, longestDays = 30 * 24 * 60, 365
	if c.AbandonedAfter < 1 || c.AbandonedAfter > longestMinutes {
		errs.Addf(n.Get("abandoned_after"), "wants 1 to %d minutes, got %d", longestMinutes, c.AbandonedAfter)
	}
	for _, limit := range []struct {
		key  string
		days int
	}{{"second_reminder", c.SecondReminder}, {"third_reminder", c.ThirdReminder}, {"remind_until", c.RemindUntil}, {"recovered_in", c.RecoveredIn}} {
		if limit.days < 1 || limit.days > longestDays {
			errs.Addf(n.Get(limit.key), "wants 1 to %d days, got %d", longestDays, limit.days)
		}
	}
	if errs.Len() == before && !(c.SecondReminder < c.ThirdReminder && c.ThirdReminder <= c.RemindUntil) {
		errs.Addf(firstSet(n, "second_reminder", "third_reminder", "remind_until"),
			"second_reminder (%d) must be before third_reminder (%d), and that not after remind_until (%d)", c.SecondReminder, c.ThirdReminder, c.RemindUntil)
	}
}
