package asterisk

import (
	"encoding/csv"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"winback/connectors/mapping"
)

// leg is one detail record.
type leg struct {
	fields             fields
	uniqueid, linkedid string
	start, answer, end time.Time
	billsec, duration  int64
	disposition        string
}

// fields are the values of a record with the names of their columns.
type fields struct{ names, values []string }

func (f fields) get(name string) string {
	for i, n := range f.names {
		if n == name {
			return f.values[i]
		}
	}
	return ""
}

// call is the id that all legs of a call share.
func (l *leg) call() string {
	if l.linkedid != "" {
		return l.linkedid
	}
	return l.uniqueid
}

func (l *leg) answered() bool { return l.disposition == "ANSWERED" && l.billsec > 0 }

// masterColumns are those of Master.csv, in the order in which they are written.
var masterColumns = []string{
	"accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata", "start", "answer", "end",
	"duration", "billsec", "disposition", "amaflags",
}

var uniqueidForm = regexp.MustCompile(`^(.*-)?[0-9]{9,}\.[0-9]+$`)

// columnsOf guesses the columns of Master.csv from how many there are: which are
// written is set in cdr.conf.
func columnsOf(record []string) ([]string, error) {
	optional := map[int][]string{
		16: {},
		18: {"uniqueid", "userfield"},
		19: {"peeraccount", "linkedid", "sequence"},
		20: {"uniqueid", "peeraccount", "linkedid", "sequence"},
		21: {"uniqueid", "userfield", "peeraccount", "linkedid", "sequence"},
	}
	n := len(record)
	if n == 17 {
		if uniqueidForm.MatchString(record[16]) {
			optional[17] = []string{"uniqueid"}
		} else {
			optional[17] = []string{"userfield"}
		}
	}
	if n == 20 && !uniqueidForm.MatchString(record[16]) {
		optional[20] = []string{"userfield", "peeraccount", "linkedid", "sequence"}
	}
	more, known := optional[n]
	if !known {
		return nil, fmt.Errorf("has %d columns, where Master.csv has 16 to 21: name them in cdr.columns", n)
	}
	return append(masterColumns[:len(masterColumns):len(masterColumns)], more...), nil
}

// cdrParser reads lines of a CSV of detail records.
type cdrParser struct {
	columns []string // configured; nil to guess
	zone    *mapping.Zone
}

func (c *cdrParser) parse(line string) *piece {
	r := csv.NewReader(strings.NewReader(line))
	r.LazyQuotes = true
	record, err := r.Read()
	if err != nil {
		return &piece{wrong: "is no line of CSV: " + err.Error()}
	}
	columns := c.columns
	if columns == nil {
		if columns, err = columnsOf(record); err != nil {
			return &piece{wrong: err.Error()}
		}
	}
	if len(record) != len(columns) {
		return &piece{wrong: fmt.Sprintf("has %d columns instead of %d", len(record), len(columns))}
	}
	for i := range record {
		record[i] = strings.TrimSpace(record[i])
	}
	return legOf(fields{columns, record}, c.zone)
}

// legOf makes a leg of the fields of a record.
func legOf(f fields, zone *mapping.Zone) *piece {
	l := &leg{fields: f, uniqueid: f.get("uniqueid"), linkedid: f.get("linkedid"), disposition: strings.ToUpper(f.get("disposition"))}
	start := f.get("start")
	if start == "" {
		start = f.get("calldate")
	}
	var reason string
	if l.start, reason = instant(start, zone); l.start.IsZero() {
		if reason == "" {
			reason = "is missing"
		}
		return &piece{wrong: "start " + reason}
	}
	if l.answer, reason = instant(f.get("answer"), zone); reason != "" {
		return &piece{wrong: "answer " + reason}
	}
	if l.end, reason = instant(f.get("end"), zone); reason != "" {
		return &piece{wrong: "end " + reason}
	}
	for name, into := range map[string]*int64{"duration": &l.duration, "billsec": &l.billsec} {
		if text := f.get(name); text != "" {
			n, err := strconv.ParseFloat(text, 64)
			if err != nil || n < 0 {
				return &piece{wrong: name + " is not a number of seconds"}
			}
			*into = int64(n)
		}
	}
	if l.end.IsZero() { // the classic table has no end
		l.end = l.start.Add(time.Duration(l.duration) * time.Second)
	}
	if l.answer.IsZero() && l.billsec > 0 {
		l.answer = l.end.Add(-time.Duration(l.billsec) * time.Second)
	}
	if l.call() == "" {
		// Without an id of the channel no leg is known to belong to another.
		l.uniqueid = "cdr-" + hash(start, f.get("src"), f.get("dst"), f.get("channel"), f.get("dstchannel"), f.get("duration"))
	}
	return &piece{at: l.end, leg: l}
}

// instant reads a time as Asterisk writes it, in a zone or in seconds since 1970;
// zero for none. reason says what is wrong with it.
func instant(text string, zone *mapping.Zone) (at time.Time, reason string) {
	switch {
	case text == "", strings.HasPrefix(text, "0000-00-00"):
		return time.Time{}, ""
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 1e8 && seconds < 1e10 {
		return time.UnixMicro(int64(seconds * 1e6)).UTC(), ""
	}
	moment, ok := mapping.ReadISO([]byte(text))
	if !ok {
		return time.Time{}, "is no time: " + text
	}
	micros, reason := moment.InstantOf(zone)
	return time.UnixMicro(micros).UTC(), reason
}
