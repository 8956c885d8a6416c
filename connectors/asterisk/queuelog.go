package asterisk

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
)

// event is one line of the queue log.
type event struct {
	at                       time.Time
	call, queue, agent, kind string
	data                     []string
	repeat                   int // how many like it there were in the same second before
}

// key tells an event from all others.
func (e *event) key() string {
	id := hash(append([]string{strconv.FormatInt(e.at.UnixMicro(), 10), e.call, e.queue, e.agent, e.kind}, e.data...)...)
	if e.repeat > 0 {
		id += "." + strconv.Itoa(e.repeat)
	}
	return id
}

func hash(parts ...string) string {
	return fmt.Sprintf("%016x", xxhash.Sum64String(strings.Join(parts, "\x00")))
}

// parseQueueLine reads epoch|callid|queue|agent|EVENT|data…
func parseQueueLine(line string) *piece {
	parts := strings.Split(line, "|")
	if len(parts) < 5 {
		return &piece{wrong: fmt.Sprintf("has %d fields, where the queue log has five or more", len(parts))}
	}
	seconds, err := strconv.ParseFloat(parts[0], 64)
	if err != nil || seconds < 1e8 || seconds > 1e10 {
		return &piece{wrong: "does not begin with a time in seconds since 1970"}
	}
	return eventOf(time.UnixMicro(int64(seconds*1e6)).UTC(), parts[1:])
}

// eventOf makes an event of callid, queue, agent, event and data.
func eventOf(at time.Time, parts []string) *piece {
	e := &event{at: at, call: named(parts[0]), queue: named(parts[1]), agent: named(parts[2]), kind: strings.ToUpper(strings.TrimSpace(parts[3])), data: parts[4:]}
	for len(e.data) > 0 && e.data[len(e.data)-1] == "" {
		e.data = e.data[:len(e.data)-1]
	}
	if e.kind == "" {
		return &piece{wrong: "names no event"}
	}
	return &piece{at: at, event: e}
}

// named is "" for the words that stand for none.
func named(text string) string {
	switch text {
	case "NONE", "REALTIME", "MANAGER", "CLI":
		return ""
	}
	return text
}

// arg is a value of an event, "" if it has not so many.
func (e *event) arg(n int) string {
	if n < 1 || n > len(e.data) {
		return ""
	}
	return e.data[n-1]
}

func (e *event) number(n int) (int64, bool) {
	v, err := strconv.ParseInt(e.arg(n), 10, 64)
	return v, err == nil && v >= 0
}

// argNames say what the values of events are.
var argNames = map[string][]string{
	"ENTERQUEUE":      {"url", "caller", "position", "caller_name"},
	"CONNECT":         {"wait_seconds", "agent_channel", "ring_seconds"},
	"COMPLETEAGENT":   {"wait_seconds", "talk_seconds", "position"},
	"COMPLETECALLER":  {"wait_seconds", "talk_seconds", "position"},
	"ABANDON":         {"position", "original_position", "wait_seconds"},
	"EXITWITHTIMEOUT": {"position", "original_position", "wait_seconds"},
	"EXITEMPTY":       {"position", "original_position", "wait_seconds"},
	"WITHDRAW":        {"position", "original_position", "wait_seconds", "info"},
	"EXITWITHKEY":     {"key", "position", "original_position", "wait_seconds"},
	"RINGNOANSWER":    {"ring_milliseconds"},
	"RINGCANCELED":    {"ring_milliseconds"},
	"BLINDTRANSFER":   {"extension", "context", "wait_seconds", "talk_seconds", "position"},
	"TRANSFER":        {"extension", "context", "wait_seconds", "talk_seconds", "position"},
	"PAUSE":           {"reason"},
	"UNPAUSE":         {"reason"},
	"PAUSEALL":        {"reason"},
	"UNPAUSEALL":      {"reason"},
	"PENALTY":         {"penalty"},
	"RINGINUSE":       {"ring_in_use"},
	"ADDMEMBER":       {"paused"},
	"AGENTLOGIN":      {"channel"},
	"AGENTLOGOFF":     {"channel", "login_seconds"},
	"OUTCALL":         {"status", "talk_seconds", "parameters"},
}

// named values of an event; what has no name is data1, data2 and so on.
func (e *event) values() map[string]string {
	names := argNames[e.kind]
	if e.kind == "ATTENDEDTRANSFER" {
		names = []string{"method", "bridge", "wait_seconds", "talk_seconds", "position"}
		if e.arg(1) == "LINK" {
			names = []string{"method", "channel", "second_channel", "wait_seconds", "talk_seconds", "position"}
		}
	}
	values := map[string]string{}
	for i, text := range e.data {
		name := fmt.Sprintf("data%d", i+1)
		if i < len(names) {
			name = names[i]
		}
		if text != "" {
			values[name] = text
		}
	}
	return values
}

// named value of an event, as a number.
func (e *event) value(name string) (int64, bool) {
	n, err := strconv.ParseInt(e.values()[name], 10, 64)
	return n, err == nil && n >= 0
}

// visit is one stay of a caller in a queue.
type visit struct {
	queue   string
	entered time.Time
	caller  string
	agent   string
	connect *event
	last    *event // that ended it; nil while it goes on
}

// endings are the events that end a stay.
var endings = map[string]bool{
	"ABANDON": true, "COMPLETEAGENT": true, "COMPLETECALLER": true, "BLINDTRANSFER": true, "ATTENDEDTRANSFER": true, "TRANSFER": true,
	"EXITWITHTIMEOUT": true, "EXITWITHKEY": true, "EXITEMPTY": true, "WITHDRAW": true, "AGENTDUMP": true, "SYSCOMPAT": true,
}

// visits puts the events of a call together: the same caller may enter several
// queues, and one queue twice.
func visits(events []*event) []*visit {
	var all []*visit
	open := map[string]*visit{} // by queue
	for _, e := range events {
		v := open[e.queue]
		if e.kind == "ENTERQUEUE" || v == nil && (e.kind == "CONNECT" || endings[e.kind]) {
			v = &visit{queue: e.queue, entered: e.at, caller: e.values()["caller"]}
			all, open[e.queue] = append(all, v), v
		}
		switch {
		case v == nil:
		case e.kind == "CONNECT":
			v.connect, v.agent = e, e.agent
		case endings[e.kind]:
			if v.last = e; v.agent == "" && e.kind != "ABANDON" {
				v.agent = e.agent
			}
			delete(open, e.queue)
		}
	}
	return all
}

// answered says that an agent talked.
func (v *visit) answered() bool { return v.connect != nil }

// wait is how long the caller waited, in seconds.
func (v *visit) wait() (int64, bool) {
	if v.connect != nil {
		return v.connect.number(1)
	}
	if v.last != nil {
		return v.last.value("wait_seconds")
	}
	return 0, false
}

// talk is how long the agent talked, in seconds.
func (v *visit) talk() (int64, bool) {
	if v.last == nil || v.connect == nil {
		return 0, false
	}
	return v.last.value("talk_seconds")
}

// transferred says that the agent passed the caller on.
func (v *visit) transferred() bool {
	return v.last != nil && strings.HasSuffix(v.last.kind, "TRANSFER")
}

// sorted are the keys of a set.
func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
