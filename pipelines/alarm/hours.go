package alarm

import (
	"fmt"
	"regexp"
	"time"
)

// Hours are a part of each day, by the clock on the wall.
type Hours struct{ from, to int } // minutes after midnight

var hours = regexp.MustCompile(`^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$`)

// ParseHours reads hours such as 22:00-07:00; they may go over midnight.
func ParseHours(text string) (*Hours, error) {
	var h Hours
	var fromHour, fromMinute, toHour, toMinute int
	if !hours.MatchString(text) {
		return nil, fmt.Errorf("wants two times of a day such as 22:00-07:00, got %q", text)
	}
	if _, err := fmt.Sscanf(text, "%02d:%02d-%02d:%02d", &fromHour, &fromMinute, &toHour, &toMinute); err != nil {
		return nil, fmt.Errorf("read the hours %q: %w", text, err)
	}
	h.from, h.to = 60*fromHour+fromMinute, 60*toHour+toMinute
	if h.from == h.to {
		return nil, fmt.Errorf("wants two different times, got %q", text)
	}
	return &h, nil
}

// Has says whether a moment is within the hours: from the first minute, up to the
// last and without it. No hours have none.
func (h *Hours) Has(t time.Time) bool {
	if h == nil {
		return false
	}
	minute := 60*t.Hour() + t.Minute()
	if h.from < h.to {
		return h.from <= minute && minute < h.to
	}
	return minute >= h.from || minute < h.to
}
