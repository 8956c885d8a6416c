package twilio

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
	"winback/connectors/window"
)

// fields are those of a call that the contract has no place for.
var fields = []string{
	"date_created", "to_formatted", "from_formatted", "phone_number_sid", "price", "price_unit", "answered_by", "api_version",
	"forwarded_from", "group_sid", "caller_name", "uri", "subresource_uris", "trunk_sid", "queue_time", "annotation", "account_sid",
	"parent_call_sid", "duration",
}

// leg is one record of the call log.
type leg struct {
	raw       json.RawMessage
	SID       string  `json:"sid"`
	Parent    string  `json:"parent_call_sid"`
	Status    string  `json:"status"`
	Direction string  `json:"direction"`
	From      string  `json:"from"`
	To        string  `json:"to"`
	Duration  *string `json:"duration"` // seconds
	Start     *string `json:"start_time"`
	End       *string `json:"end_time"`
}

// seconds is how long the leg was connected.
func (l *leg) seconds() int64 {
	if l.Duration == nil {
		return 0
	}
	n, _ := strconv.ParseInt(*l.Duration, 10, 64)
	return n
}

func (l *leg) start() (time.Time, bool) { return when(l.Start) }
func (l *leg) end() (time.Time, bool)   { return when(l.End) }

func when(text *string) (time.Time, bool) {
	if text == nil {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC1123Z, *text)
	return at, err == nil
}

// talked says that a leg was connected to somebody.
func (l *leg) talked() bool { return l.Status == "completed" && l.seconds() > 0 }

// extraction reads calls into rows.
type extraction struct {
	s      *source
	rows   *record.Rows
	agents map[string]bool // handed over already, in this extraction or an earlier one
}

func (s *source) extraction(req connectors.Request, sink connectors.Sink, last window.Cursor) *extraction {
	x := &extraction{s: s, agents: map[string]bool{}}
	var known own
	if json.Unmarshal(last.Own, &known) == nil {
		for _, end := range known.Agents {
			x.agents[end] = true
		}
	}
	x.rows = record.NewRows(req, sink, record.Options{
		Entity: calls, Location: time.UTC, Payload: s.config.Payload, Fields: s.config.Fields, OnDrift: s.config.OnDrift,
		Known: fields, Told: last.Unknown,
	})
	return x
}

// own is what the cursor remembers besides the time.
type own struct {
	Agents []string `json:"agents"` // handed over already
}

func (x *extraction) remember() own {
	return own{Agents: slices.Sorted(maps.Keys(x.agents))}
}

// day reads the calls that were made on a day, with the legs that belong to them.
func (x *extraction) day(ctx context.Context, day time.Time) error {
	for _, account := range x.s.config.accounts() {
		made, err := x.made(ctx, account, day)
		if err != nil {
			return err
		}
		recordings, err := x.recordings(ctx, account, day)
		if err != nil {
			return err
		}
		if err := x.complete(ctx, account, day, made); err != nil {
			return err
		}
		x.rows.Page(fmt.Sprintf("Calls of %s, %s", account, day.Format(time.DateOnly)))
		for _, c := range made.parents {
			if err := x.call(ctx, c, made.children[c.SID], recordings[c.SID]); err != nil {
				return err
			}
		}
	}
	return nil
}

// made are the legs of a day, the callers' own in the order of the list.
type made struct {
	parents  []*leg
	children map[string][]*leg
}

func (x *extraction) made(ctx context.Context, account string, day time.Time) (m made, err error) {
	err = x.s.list(ctx, account, "Calls", onDay("StartTime", day), func() { m = made{children: map[string][]*leg{}} }, func(raw json.RawMessage) error {
		l := &leg{raw: raw}
		if err := json.Unmarshal(raw, l); err != nil {
			l = &leg{raw: raw} // put aside when it becomes a row
		}
		if l.Parent != "" {
			m.children[l.Parent] = append(m.children[l.Parent], l)
			return nil
		}
		m.parents = append(m.parents, l)
		return nil
	})
	return m, err
}

// complete asks for the legs of calls that went on after midnight: those of the
// next day are not in this day's list.
func (x *extraction) complete(ctx context.Context, account string, day time.Time, m made) (err error) {
	midnight := day.AddDate(0, 0, 1)
	for _, p := range m.parents {
		if end, ended := p.end(); p.Direction == "inbound" && ended && end.After(midnight) {
			if m.children[p.SID], err = x.children(ctx, account, p.SID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *extraction) children(ctx context.Context, account, parent string) (list []*leg, err error) {
	err = x.s.list(ctx, account, "Calls", url.Values{"ParentCallSid": {parent}}, func() { list = nil }, func(raw json.RawMessage) error {
		l := &leg{raw: raw}
		list = append(list, l)
		return json.Unmarshal(raw, l)
	})
	return list, err
}

// call makes the rows of a call: itself, an event for each leg that was dialled,
// and the agents.
func (x *extraction) call(ctx context.Context, c *leg, dialled []*leg, recording string) error {
	slices.SortStableFunc(dialled, func(a, b *leg) int {
		at, _ := a.start()
		bt, _ := b.start()
		return cmp.Or(at.Compare(bt), cmp.Compare(a.SID, b.SID))
	})
	r := x.rows.Record(c.raw)
	r.Need("sid", "status", "direction", "from", "to")
	row := entity.Call{
		Meta: entity.Meta{SourceUpdatedAt: r.Time("date_updated", time.RFC1123Z)},
		ID:   r.ID("sid"), FromNumber: r.Text("from"), ToNumber: r.Text("to"),
		StartedAt: r.Time("start_time", time.RFC1123Z), EndedAt: r.Time("end_time", time.RFC1123Z),
		Direction: direction(c), Disposition: disposition(c, dialled, recording), Outcome: r.Text("status"), RecordingURL: recording,
		CustomerPhone: customer(c, dialled),
	}
	if !row.StartedAt.OK {
		row.StartedAt = r.Time("date_created", time.RFC1123Z)
	}
	talk(&row, c, dialled)
	if end := handledBy(c, dialled); end != "" {
		row.AgentID, row.AgentName = x.agent(r, end), nameOf(end)
	}
	record.Add(r, &row)
	for _, l := range dialled {
		x.event(r, c, l)
	}
	return x.rows.End(ctx, r)
}

// talk says who answered, when, and for how long.
func talk(row *entity.Call, c *leg, dialled []*leg) {
	var talked []*leg
	for _, l := range dialled {
		if l.talked() {
			talked = append(talked, l)
		}
	}
	if len(dialled) == 0 && row.Disposition == "answered" {
		talked = []*leg{c}
	}
	if len(talked) == 0 {
		if at, ok := c.end(); ok && row.StartedAt.OK && row.Direction == "inbound" {
			row.WaitSeconds = entity.Some(max(0, at.Unix()-row.StartedAt.V.Go().Unix()))
		}
		return
	}
	var seconds int64
	for _, l := range talked {
		seconds += l.seconds()
	}
	row.TalkSeconds = entity.Some(seconds)
	row.Transfers = entity.Some(int64(len(talked) - 1))
	if end, ok := talked[0].end(); ok {
		// A leg's duration counts from when it was answered.
		answered := end.Add(-time.Duration(talked[0].seconds()) * time.Second)
		row.AnsweredAt = entity.Some(entity.TimeOf(answered))
		if row.StartedAt.OK {
			row.WaitSeconds = entity.Some(max(0, answered.Unix()-row.StartedAt.V.Go().Unix()))
		}
	}
}

// handledBy is the end of the agent who talked, or who made the call.
func handledBy(c *leg, dialled []*leg) string {
	if direction(c) != "inbound" {
		if ofAgent(c.From) {
			return c.From
		}
		return ""
	}
	for _, l := range dialled {
		if l.talked() {
			return l.To
		}
	}
	return ""
}

// event is a leg that was dialled from a call.
func (x *extraction) event(r *record.Record, c, l *leg) {
	part := r.Part("leg", l.raw)
	part.Need("sid", "status", "to")
	row := entity.QueueEvent{
		Meta: entity.Meta{SourceUpdatedAt: part.Time("date_updated", time.RFC1123Z)},
		ID:   part.ID("sid"), CallID: c.SID, At: part.Time("start_time", time.RFC1123Z), Event: part.Text("status"),
		Data: map[string]string{"direction": part.Text("direction"), "from": part.Text("from"), "to": part.Text("to")},
	}
	if !row.At.OK {
		row.At = part.Time("date_created", time.RFC1123Z)
	}
	if seconds := part.Int("duration"); seconds.OK {
		row.Data["seconds"] = strconv.FormatInt(seconds.V, 10)
	}
	if direction(c) == "inbound" {
		row.AgentID = x.agent(r, l.To)
	}
	record.Add(part, &row)
}

// agent hands over an agent, once.
func (x *extraction) agent(r *record.Record, end string) (id string) {
	if end != "" && !x.agents[end] {
		x.agents[end] = true
		record.Add(r.Part("agent", nil), &entity.Agent{ID: end, Name: nameOf(end)})
	}
	return end
}

// nameOf is the name in an end of a call: anna of client:anna and of
// sip:anna@acme.sip.twilio.com, a number as it is.
func nameOf(end string) string {
	_, name, found := strings.Cut(end, ":")
	if !found {
		return end
	}
	name, _, _ = strings.Cut(name, "@")
	name, _, _ = strings.Cut(name, ";")
	return name
}

// ofAgent says that an end of a call is an agent's phone in a browser or on SIP.
func ofAgent(end string) bool {
	return strings.HasPrefix(end, "client:") || strings.HasPrefix(end, "sip:")
}

func direction(c *leg) string {
	switch {
	case ofAgent(c.From) && ofAgent(c.To):
		return "internal"
	case c.Direction == "inbound" && ofAgent(c.From), c.Direction == "outbound-api", c.Direction == "outbound-dial", c.Direction == "trunking-originating":
		return "outbound" // an agent's browser calls in to be put through
	case c.Direction == "inbound", c.Direction == "trunking-terminating":
		return "inbound"
	}
	return c.Direction
}

// disposition says how a call ended. A caller who was dialled on to agents talked
// to nobody unless one of them answered: the caller's own leg is completed all the
// same, by the announcement.
func disposition(c *leg, dialled []*leg, recording string) string {
	switch c.Status {
	case "busy":
		return "busy"
	case "failed":
		return "failed"
	case "no-answer", "canceled":
		if direction(c) == "inbound" {
			return "abandoned"
		}
		return "failed"
	case "completed":
	default:
		return "" // it is still going on
	}
	switch {
	case slices.ContainsFunc(dialled, (*leg).talked):
		return "answered"
	case direction(c) != "inbound" && (len(dialled) > 0 || c.seconds() == 0):
		return last(dialled)
	case direction(c) != "inbound":
		return machine(c)
	case recording != "":
		return "voicemail"
	case c.Direction == "trunking-terminating" && c.seconds() > 0:
		return "answered" // what is behind a trunk has no legs
	}
	return "abandoned"
}

// last is how the last attempt of an agent to reach somebody ended.
func last(dialled []*leg) string {
	if n := len(dialled); n > 0 && dialled[n-1].Status == "busy" {
		return "busy"
	}
	return "failed"
}

// machine tells an answering machine, where Twilio listened for one.
func machine(c *leg) string {
	var heard struct {
		By string `json:"answered_by"`
	}
	if json.Unmarshal(c.raw, &heard) == nil && strings.HasPrefix(heard.By, "machine") {
		return "voicemail"
	}
	return "answered"
}

// customer is the outer end of a call, where it is a number. An agent whose
// browser called in had somebody dialled.
func customer(c *leg, dialled []*leg) string {
	number := c.From
	if direction(c) == "outbound" {
		number = c.To
		if c.Direction == "inbound" && len(dialled) > 0 {
			number = dialled[0].To
		}
	}
	if strings.HasPrefix(number, "+") {
		return number
	}
	return ""
}

// recordings are the addresses of a day's recordings, by call.
func (x *extraction) recordings(ctx context.Context, account string, day time.Time) (found map[string]string, err error) {
	if !x.s.config.Recordings {
		return nil, nil
	}
	err = x.s.list(ctx, account, "Recordings", onDay("DateCreated", day), func() { found = map[string]string{} }, func(raw json.RawMessage) error {
		var recording struct {
			Call  string `json:"call_sid"`
			Media string `json:"media_url"`
			URI   string `json:"uri"`
		}
		if err := json.Unmarshal(raw, &recording); err != nil {
			return fmt.Errorf("read a recording: %w", err)
		}
		if address := cmp.Or(recording.Media, x.s.config.Address+strings.TrimSuffix(recording.URI, ".json")); found[recording.Call] == "" {
			found[recording.Call] = address
		}
		return nil
	})
	return found, err
}
