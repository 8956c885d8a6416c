package asterisk

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"winback/connectors/entity"
)

// call is what is known of one.
type call struct {
	id     string
	legs   []*leg
	events []*event
	first  time.Time // that was seen of it
	last   time.Time // that was written down of it
	again  bool      // an earlier extraction knew of it
}

// began is when a call began, by its id where that tells: [system-]epoch.number.
func (c *call) began() time.Time {
	if at, ok := epochOf(c.id); ok {
		return at
	}
	return c.first
}

func epochOf(id string) (time.Time, bool) {
	if !uniqueidForm.MatchString(id) {
		return time.Time{}, false
	}
	seconds, _, _ := strings.Cut(id[strings.LastIndexByte(id, '-')+1:], ".")
	n, err := strconv.ParseInt(seconds, 10, 64)
	return time.Unix(n, 0).UTC(), err == nil && n > 1e8 && n < 1e10
}

// maker makes rows of calls.
type maker struct {
	inside   *regexp.Regexp
	contexts map[string]string
	prefixes []string
}

// row is the call as the contract has it.
func (m *maker) row(c *call) entity.Call {
	slices.SortStableFunc(c.legs, func(a, b *leg) int { return cmp.Or(a.start.Compare(b.start), a.end.Compare(b.end)) })
	slices.SortStableFunc(c.events, func(a, b *event) int { return a.at.Compare(b.at) })
	stays := visits(c.events)
	row := entity.Call{ID: c.id, StartedAt: entity.Some(entity.TimeOf(c.started()))}
	m.numbers(&row, c, stays)
	row.Disposition = disposition(c, stays, row.Direction)
	if ended := c.ended(); !ended.IsZero() {
		row.EndedAt = entity.Some(entity.TimeOf(ended))
	}
	if len(stays) > 0 {
		byQueue(&row, stays)
	} else {
		byLegs(&row, c)
	}
	for _, l := range c.legs {
		row.RecordingURL = cmp.Or(row.RecordingURL, l.fields.get("recordingfile"))
	}
	row.Payload = payload(c.legs)
	return row
}

func (c *call) started() time.Time {
	at := c.first
	if len(c.legs) > 0 {
		at = c.legs[0].start
	}
	if len(c.events) > 0 && c.events[0].at.Before(at) {
		at = c.events[0].at
	}
	return at
}

// ended is the end of the last leg, or of the last stay in a queue.
func (c *call) ended() (at time.Time) {
	for _, l := range c.legs {
		if l.end.After(at) {
			at = l.end
		}
	}
	for _, e := range c.events {
		if len(c.legs) == 0 && endings[e.kind] && e.at.After(at) {
			at = e.at
		}
	}
	return at
}

// numbers says who called whom.
func (m *maker) numbers(row *entity.Call, c *call, stays []*visit) {
	for _, v := range stays {
		row.FromNumber = cmp.Or(row.FromNumber, v.caller)
	}
	context := ""
	if len(c.legs) > 0 {
		l := c.legs[0]
		row.FromNumber = cmp.Or(l.fields.get("cnum"), l.fields.get("src"), row.FromNumber)
		row.ToNumber = cmp.Or(l.fields.get("did"), l.fields.get("dst"))
		context = l.fields.get("dcontext")
	}
	switch from, to := m.inside.MatchString(row.FromNumber), m.inside.MatchString(row.ToNumber); {
	case m.contexts[context] != "":
		row.Direction = m.contexts[context]
	case len(stays) > 0 && !from:
		row.Direction = "inbound"
	case from && to:
		row.Direction = "internal"
	case from && row.ToNumber != "":
		row.Direction = "outbound"
	case row.FromNumber != "":
		row.Direction = "inbound"
	}
	switch row.Direction {
	case "inbound":
		row.CustomerPhone = m.outside(row.FromNumber)
	case "outbound":
		row.ToNumber = m.undialled(row.ToNumber)
		row.CustomerPhone = m.outside(row.ToNumber)
	}
}

// undialled takes off what is dialled to get outside.
func (m *maker) undialled(number string) string {
	for _, prefix := range m.prefixes {
		if rest, found := strings.CutPrefix(number, prefix); found && !m.inside.MatchString(rest) {
			return rest
		}
	}
	return number
}

var phoneForm = regexp.MustCompile(`^\+?[0-9][0-9 ()/.-]{5,}$`)

// outside is a number that may be a customer's, "" for anonymous and the like.
func (m *maker) outside(number string) string {
	if m.inside.MatchString(number) || !phoneForm.MatchString(number) {
		return ""
	}
	return number
}

// disposition says how a call ended.
func disposition(c *call, stays []*visit, direction string) string {
	going := false
	for _, v := range stays {
		if v.answered() {
			return "answered"
		}
		going = going || v.last == nil
	}
	voicemail, answered := false, false
	worst := ""
	for _, l := range c.legs {
		switch app := strings.ToLower(l.fields.get("lastapp")); {
		case strings.HasPrefix(app, "voicemail") && l.answered():
			voicemail = true
		case l.answered() && app != "queue":
			answered = true
		}
		worst = cmp.Or(worst, unanswered(l, direction))
	}
	switch {
	case voicemail:
		return "voicemail"
	case answered && left(stays):
		return "answered" // the caller went on from the queue to somebody else
	case len(stays) > 0 && going:
		return ""
	case len(stays) > 0:
		return "abandoned"
	}
	return worst
}

// left says that the caller was never in a queue, or left every one alive.
func left(stays []*visit) bool {
	for _, v := range stays {
		if v.last == nil || v.last.kind == "ABANDON" {
			return false
		}
	}
	return true
}

func unanswered(l *leg, direction string) string {
	switch l.disposition {
	case "BUSY":
		return "busy"
	case "FAILED", "CONGESTION":
		return "failed"
	case "NO ANSWER", "CANCEL", "ANSWERED":
		if direction == "inbound" {
			return "abandoned"
		}
		return "failed"
	}
	return ""
}

// byQueue says from the queue log who answered, after how long, for how long.
func byQueue(row *entity.Call, stays []*visit) {
	row.Queue = stays[0].queue
	var talked, waited int64
	var agents, passed int64
	known, waitKnown := false, false
	for _, v := range stays {
		if wait, ok := v.wait(); ok && row.AnsweredAt == (entity.Opt[entity.Time]{}) {
			waited, waitKnown = waited+wait, true
		}
		if !v.answered() {
			continue
		}
		if agents++; agents == 1 {
			row.Queue, row.AgentID, row.AgentName = v.queue, v.agent, v.agent
			row.AnsweredAt = entity.Some(entity.TimeOf(v.connect.at))
		}
		if talk, ok := v.talk(); ok {
			talked, known = talked+talk, true
		}
		if v.transferred() {
			passed++
		}
	}
	if waitKnown {
		row.WaitSeconds = entity.Some(waited)
	}
	if known {
		row.TalkSeconds = entity.Some(talked)
	}
	if agents > 0 {
		row.Transfers = entity.Some(passed)
	}
}

// byLegs says the same of a call through no queue.
func byLegs(row *entity.Call, c *call) {
	var talked int64
	for _, l := range c.legs {
		if !l.answered() {
			continue
		}
		if !row.AnsweredAt.OK {
			row.AnsweredAt = entity.Some(entity.TimeOf(l.answer))
			if row.Direction == "outbound" {
				row.AgentID, row.AgentName = l.fields.get("src"), l.fields.get("src")
			} else if who := extension(l.fields.get("dstchannel")); who != "" {
				row.AgentID, row.AgentName = who, who
			}
			row.WaitSeconds = entity.Some(max(0, int64(l.answer.Sub(c.started()).Seconds())))
		}
		talked += l.billsec
	}
	if row.AnsweredAt.OK {
		row.TalkSeconds = entity.Some(talked)
		return
	}
	if row.EndedAt.OK && row.Direction == "inbound" {
		row.WaitSeconds = entity.Some(max(0, (int64(row.EndedAt.V)-int64(row.StartedAt.V))/1_000_000))
	}
}

// extension is the telephone of a channel: 101 of PJSIP/101-00000012.
func extension(channel string) string {
	_, rest, found := strings.Cut(channel, "/")
	if !found {
		return ""
	}
	if at := strings.LastIndexByte(rest, '-'); at > 0 {
		rest = rest[:at]
	}
	rest, _, _ = strings.Cut(rest, "@")
	return rest
}

// payload is what the detail records hold beyond the contract, one object a leg.
func payload(legs []*leg) string {
	if len(legs) == 0 {
		return ""
	}
	list := make([]map[string]string, len(legs))
	for i, l := range legs {
		list[i] = map[string]string{}
		for at, text := range l.fields.values {
			if text != "" {
				list[i][l.fields.names[at]] = text
			}
		}
	}
	text, err := json.Marshal(map[string]any{"legs": list})
	if err != nil {
		return ""
	}
	return string(text)
}
