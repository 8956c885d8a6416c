package config

import (
	"winback/connectors/spec"
)

// Churn says when a customer is lost, and when the share of lost ones is alarming. Days are whole calendar days.
type Churn struct {
	SleepingAfter int                   `yaml:"sleeping_after" default:"90" doc:"days without a purchase after which a customer sleeps"`
	LostAfter     int                   `yaml:"lost_after" default:"180" doc:"days without a purchase after which a customer is lost"`
	NewFor        int                   `yaml:"new_for" default:"30" doc:"days after the first purchase during which a customer is new"`
	ReturnedFor   int                   `yaml:"returned_for" default:"365" doc:"days after a loss during which one who buys again counts as returned"`
	SilentAfter   int                   `yaml:"silent_after" default:"30" doc:"days after signing up without a purchase that make a customer silent"`
	WatchLevel    spec.Percent          `yaml:"watch_level" default:"10" doc:"yearly churn, in percent, from which it is watched"`
	AlarmLevel    spec.Percent          `yaml:"alarm_level" default:"20" doc:"yearly churn, in percent, from which it is alarming"`
	Segments      spec.Ordered[Segment] `yaml:"segments" doc:"limits of customer segments that differ, by the segment's name"`
	PersonalClock PersonalClock         `yaml:"personal_clock" doc:"judge each customer by their own habit instead of one limit for all"`
}

// PersonalClock is the adaptive rule: a customer is lost after Factor times their own usual gap between purchases. It
// is always computed and shown beside the fixed rule; Enabled makes it the rule.
type PersonalClock struct {
	Enabled bool    `yaml:"enabled" default:"false" doc:"judge by the personal clock; otherwise it is only shown beside lost_after"`
	Factor  float64 `yaml:"factor" default:"3" doc:"how many usual gaps of silence mean that a customer is lost"`
	MinDays int     `yaml:"min_days" default:"30" doc:"the shortest limit a customer can get, in days"`
	MaxDays int     `yaml:"max_days" default:"365" doc:"the longest limit a customer can get, in days"`
	Shrink  float64 `yaml:"shrink" default:"3" doc:"how many gaps the segment's usual gap counts for beside the customer's own"`
}

// Validate checks each number, and that the shortest limit is not above the longest.
func (p *PersonalClock) Validate(n spec.Node, errs *spec.Errors) {
	before := errs.Len()
	if !(p.Factor >= 1 && p.Factor <= 100) {
		errs.Addf(n.Get("factor"), "wants 1 to 100 gaps, got %v", p.Factor)
	}
	if !(p.Shrink >= 0 && p.Shrink <= 1000) {
		errs.Addf(n.Get("shrink"), "wants 0 to 1000 gaps, got %v", p.Shrink)
	}
	for key, days := range map[string]int{"min_days": p.MinDays, "max_days": p.MaxDays} {
		if days < 2 || days > longestLimit {
			errs.Addf(n.Get(key), "wants 2 to %d days, got %d", longestLimit, days)
		}
	}
	if errs.Len() == before && p.MinDays > p.MaxDays {
		errs.Addf(firstSet(n, "min_days", "max_days"), "min_days (%d) must not be above max_days (%d)", p.MinDays, p.MaxDays)
	}
}

// Segment is what differs for one segment of customers; nil follows the project.
type Segment struct {
	SleepingAfter *int `yaml:"sleeping_after" doc:"days without a purchase after which a customer sleeps"`
	LostAfter     *int `yaml:"lost_after" doc:"days without a purchase after which a customer is lost"`
}

// Limits are the numbers of days that decide a customer's status.
type Limits struct {
	SleepingAfter, LostAfter, NewFor, ReturnedFor, SilentAfter int
}

// Limits are those of the project, valid for every segment that has none of its own.
func (c *Churn) Limits() Limits {
	return Limits{c.SleepingAfter, c.LostAfter, c.NewFor, c.ReturnedFor, c.SilentAfter}
}

// LimitsOf are those of a segment, whether it is configured or not.
func (c *Churn) LimitsOf(segment string) Limits {
	own, _ := c.Segments.Get(segment)
	return own.over(c.Limits())
}

func (s Segment) over(base Limits) Limits {
	pick := func(own *int, into *int) {
		if own != nil {
			*into = *own
		}
	}
	pick(s.SleepingAfter, &base.SleepingAfter)
	pick(s.LostAfter, &base.LostAfter)
	return base
}

// longestLimit keeps a slip of the keyboard from making everybody active for ever: ten years of days.
const longestLimit = 3660

// Validate checks each number, and that sleeping comes before lost for every segment.
func (c *Churn) Validate(n spec.Node, errs *spec.Errors) {
	before := errs.Len()
	c.Limits().check(n, errs)
	for _, segment := range c.Segments.Entries {
		segment.Value.over(c.Limits()).check(segment.Node, errs)
	}
	if errs.Len() == before {
		c.checkOrder(n, errs)
	}
	checkShare(c.WatchLevel, n.Get("watch_level"), errs)
	checkShare(c.AlarmLevel, n.Get("alarm_level"), errs)
	if c.WatchLevel >= c.AlarmLevel {
		errs.Addf(firstSet(n, "watch_level", "alarm_level"), "watch_level (%v) must be below alarm_level (%v)", c.WatchLevel, c.AlarmLevel)
	}
}

// check reports numbers out of range, where they are written.
func (l Limits) check(n spec.Node, errs *spec.Errors) {
	for _, limit := range []struct {
		key  string
		days int
	}{
		{"sleeping_after", l.SleepingAfter}, {"lost_after", l.LostAfter}, {"new_for", l.NewFor},
		{"returned_for", l.ReturnedFor}, {"silent_after", l.SilentAfter},
	} {
		if at := n.Get(limit.key); at.IsSet() && (limit.days < 1 || limit.days > longestLimit) {
			errs.Addf(at, "wants 1 to %d days, got %d", longestLimit, limit.days)
		}
	}
}

func (c *Churn) checkOrder(n spec.Node, errs *spec.Errors) {
	if c.SleepingAfter >= c.LostAfter {
		errs.Addf(firstSet(n, "sleeping_after", "lost_after"),
			"sleeping_after (%d) must be below lost_after (%d)", c.SleepingAfter, c.LostAfter)
		return
	}
	for _, segment := range c.Segments.Entries {
		if limits := segment.Value.over(c.Limits()); limits.SleepingAfter >= limits.LostAfter {
			errs.Addf(firstSet(segment.Node, "sleeping_after", "lost_after"),
				"sleeping_after (%d) must be below lost_after (%d)%s",
				limits.SleepingAfter, limits.LostAfter, inherited(segment.Value))
		}
	}
}

func inherited(s Segment) string {
	switch {
	case s.LostAfter == nil:
		return ", which the segment takes from churn; give it its own lost_after"
	case s.SleepingAfter == nil:
		return "; the segment takes sleeping_after from churn, give it its own"
	}
	return ""
}

// firstSet is the first of the keys that stands in the file, so that an error points at something written.
func firstSet(n spec.Node, keys ...string) spec.Node {
	for _, key := range keys {
		if at := n.Get(key); at.IsSet() {
			return at
		}
	}
	return n
}
