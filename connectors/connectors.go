// Package connectors says what a source of data is: how it is named, configured
// and read. Implementations live in one folder each and are listed in
// connectors/all; they turn what their source has into rows of the contract
// (connectors/entity) and know nothing of what happens to the rows afterwards.
package connectors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"winback/connectors/entity"
)

// Connector describes a kind of source and opens sources of that kind. It is the
// one place that messages, `sources describe`, the JSON schema of winback.yaml,
// `init --source` and the reference page come from.
type Connector struct {
	// Name selects the connector in the configuration: files, bitrix24.
	Name string
	// Summary is one line for lists.
	Summary string
	// Reads are the entities that the connector can fill, in the order of the
	// contract. None: any entity, by a mapping in the configuration.
	Reads []Reads
	// Needs are what the source must grant before anything can be read, a sentence
	// each: permissions, scopes, a plan, and where to get them.
	Needs []string
	// Limits are those of the source and how they are kept to, a sentence each.
	Limits []string
	// Example is the block of a source in winback.yaml, connector line included,
	// not indented. Secrets stand as ${VARIABLES}.
	Example string
	// NewConfig returns a pointer to the connector's configuration struct, with
	// the tags of package spec; the configured keys are decoded into it.
	NewConfig func() any
	// Open makes a source from a decoded configuration. It does not connect.
	Open func(config any, env Env) (Source, error)
}

// Reads says what a connector makes of one entity.
type Reads struct {
	Entity *entity.Schema
	// From is where it comes from, in the source's words: crm.deal.list.
	From string
	// Changes and Deletions say how they are noticed, in a few words: "by
	// DATE_MODIFY", "all of it every time"; "by comparing keys", "not".
	Changes, Deletions string
}

// Env is what a source learns of the project it belongs to.
type Env struct {
	Name     string         // configured name of the source
	Dir      string         // folder of the configuration; relative paths start here
	State    string         // folder for what the source itself must keep, as a renewed token; made when first used
	Location *time.Location // the project's time zone
	Currency string         // the project's currency
	Clock    Clock          // the machine's, but for tests
}

// Clock tells the time and waits. Tests have one that does not really wait.
type Clock interface {
	Now() time.Time
	// Sleep waits for a time, or until ctx ends, which is its error.
	Sleep(ctx context.Context, d time.Duration) error
}

// Source reads one configured system.
type Source interface {
	// Datasets lists the units that are extracted and committed together. Most
	// hold one entity; an invoice file feeds orders, order lines and refunds at
	// once. Names are unique within the source and stable from run to run.
	Datasets() []Dataset
	// Extract reads what is new in one dataset, or a slice of it, and hands it to
	// the sink. On an error nothing of what it read becomes visible and no cursor
	// is kept. Rows that do not fit are no error: they go to Sink.Reject.
	Extract(ctx context.Context, req Request, sink Sink) (Extracted, error)
}

// Extracted says how far an extraction came.
type Extracted struct {
	// Cursor is stored with the rows: opaque to everybody else, and given back by
	// later requests. Without one, and without rows, nothing was new.
	Cursor json.RawMessage
	// More says that this was a slice of what is new, and that the next one can be
	// read at once. Each slice is a commit of its own, so that a break loses a
	// slice and not a night.
	More bool
}

// Dataset is a unit of extraction.
type Dataset struct {
	Name     string
	Entities []*entity.Schema
	// Duplicates say, by an entity's full name, what becomes of rows of one
	// extraction that have the same key and other content. Where nothing is said,
	// it is ReportDuplicates.
	Duplicates map[string]Duplicates
}

// NewestWins returns a dataset in which, of rows of one extraction with the same key, the
// last stays: a record that is met twice has changed in between.
func NewestWins(name string, entities ...*entity.Schema) Dataset {
	d := Dataset{Name: name, Entities: entities, Duplicates: make(map[string]Duplicates, len(entities))}
	for _, e := range entities {
		d.Duplicates[e.FullName()] = Duplicates{Keep: KeepLast}
	}
	return d
}

// Duplicates is a rule for rows of one extraction with the same key and other
// content. Rows with the same content are always one, and counted as duplicates.
type Duplicates struct {
	Keep string // one of the rules below
	// Field is what KeepNewest compares: a field of the entity that is a time, a
	// day or a number.
	Field string
}

// Rules for duplicates.
const (
	// ReportDuplicates: the first stays, the others are put aside.
	ReportDuplicates = "report"
	// KeepFirst and KeepLast: that one stays, in the order of the inputs; the
	// others are counted as duplicates.
	KeepFirst = "first"
	KeepLast  = "last"
	// KeepNewest: the one with the largest value of a field stays, of several the
	// last; the others are counted as duplicates. No value is less than any.
	KeepNewest = "newest"
	// KeepNone: all are put aside.
	KeepNone = "quarantine"
)

// Request says what to extract.
type Request struct {
	Dataset string
	// Cursors are those of the earlier commits of the dataset, oldest first.
	// Empty on a first run, and when everything is asked for again.
	Cursors []json.RawMessage
	// Range, if set, asks for a time again, whatever the cursors say. What is read
	// leaves no cursor, except where More needs one to go on: the cursor that a
	// slice of a range left is given as the only one with the same range. Only a
	// Backfiller is asked for a range.
	Range *Range
	// Sample, if not 0, says that so many rows of each entity are enough: the sink
	// returns ErrEnough when it has them, and a source hands rows over one by one.
	Sample int
	// Progress, if set, is told now and then how far the reading is.
	Progress func(Progress)
	// Notice, if set, is told what a person should know of the inputs.
	Notice func(Notice)
}

// Range is a time from From, inclusive, to Until, exclusive.
type Range struct{ From, Until time.Time }

// Backfiller is a source that can read a range of time again.
type Backfiller interface {
	// Backfills says whether a dataset's records can be asked for by the time they
	// were last changed or made. One that is read whole every time cannot, and need
	// not.
	Backfills(dataset string) bool
}

// Tell passes a notice on, if somebody listens.
func (r *Request) Tell(n Notice) {
	if r.Notice != nil {
		r.Notice(n)
	}
}

// Notice is something about the inputs of a dataset that is no error, and that a
// person should know all the same.
type Notice struct {
	Kind   string   `json:"kind"`
	Inputs []string `json:"inputs"` // their names, at most NoticeInputs of them
	Count  int      `json:"count"`  // of inputs it is about
	Text   string   `json:"text"`   // one sentence
}

// NoticeInputs is how many inputs a notice names.
const NoticeInputs = 10

// Kinds of notices.
const (
	NoticeLeft     = "left"     // left for the next time: still being written
	NoticeVanished = "vanished" // read earlier, and no longer there
	NoticeShrunk   = "shrunk"   // read earlier, and now smaller
	NoticeUnfit    = "unfit"    // nothing in it, and what it says of itself does not fit
	NoticeAbsent   = "absent"   // no record has what a field is made from
	NoticeDrift    = "drift"    // records have changed their form
	NoticePartial  = "partial"  // a part of the history cannot be read
)

// Progress says how much of its input a source has read.
type Progress struct {
	Rows       int64 // records read
	Bytes      int64 // bytes read
	TotalBytes int64 // bytes to read, 0 if not known
	Input      string
}

// Sink takes the rows of one dataset. Its methods may be called from one
// goroutine at a time.
type Sink interface {
	// NewBatch returns an empty batch for an entity of the dataset. Batches of
	// some 10,000 rows are a good size.
	NewBatch(s *entity.Schema) *entity.Batch
	// Write takes over the rows of a batch, in order; the caller must not use
	// the batch afterwards.
	Write(ctx context.Context, b *entity.Batch) error
	// Reject puts aside what does not fit. It is never an error to call it; the
	// error returned is the sink's own, or ErrTooManyRejects.
	Reject(ctx context.Context, r Reject) error
	// Count adds to the counts of an entity that only the source knows.
	Count(s *entity.Schema, c Counts)
	// Input names an input and returns its number for entity.Origin.
	Input(name string) int32
}

// Counts says what became of records before they were rows.
type Counts struct {
	Read       int64 // records or groups of records seen for the entity
	Ignored    int64 // left out by a rule of the configuration
	Duplicates int64 // the same content again
	// Expected is how many records the source itself says there are in what was
	// read; 0 where it does not tell. A run says so when Read is less.
	Expected int64
}

// Reject is a record that does not fit, or a value of it.
type Reject struct {
	Entity *entity.Schema // entity the record was meant for
	Input  string         // file or page it came from
	Line   int64          // line or record number in it, from 1; 0 if not known
	Column string         // the source's column, or the contract's field
	Value  string         // offending value, as found
	Reason string         // what is wrong with it, in words
	Record string         // the whole record as text, as far as known
	// Kept says that the record itself went on, with nothing in place of the value.
	Kept bool
	// Form is how Record is written, for a Replayer alone to understand; empty
	// where the record cannot be read again by itself.
	Form string
}

// ErrNoInput says that a source has nothing to read at all, as when a pattern
// of file names fits no file.
var ErrNoInput = errors.New("nothing to read")

// Checker is a source that can say whether it would work.
type Checker interface {
	// Check looks at the source without landing anything. Findings tell what was
	// found and what is wrong, in the order of the datasets.
	Check(ctx context.Context) ([]Finding, error)
}

// Finding is one thing a check found.
type Finding struct {
	Dataset string     `json:"dataset"`
	OK      bool       `json:"ok"`
	Warning bool       `json:"warning,omitempty"` // a person should look at it, though it is OK
	Text    string     `json:"text"`              // one sentence
	Header  []string   `json:"header,omitempty"`  // of Rows
	Rows    [][]string `json:"rows,omitempty"`    // up to three sample rows, as found

	// Fields are those of the contract that the rows make, and Read their values; in
	// brackets stands why a row does not fit. None where that is not known.
	Fields []string   `json:"fields,omitempty"`
	Read   [][]string `json:"read,omitempty"`
}

// Planner is a source that can say what an extraction would read.
type Planner interface {
	// Plan returns the inputs that Extract would read, without reading them. Its
	// notices are those that Extract would begin with.
	Plan(ctx context.Context, req Request) ([]PlannedInput, error)
}

// PlannedInput is one input that would be read.
type PlannedInput struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	Reason string `json:"reason"` // new, changed, appended
}

// Replayer is a source that can read records again that it rejected, as after its
// mapping was mended.
type Replayer interface {
	// Replay runs records of a dataset through its present mapping. The rows of
	// those that fit go to the sink; what does not fit goes to Sink.Reject, under
	// the input and line that the record came with, and so does a record that
	// cannot be read again, with the way out. The request has the cursors of the
	// dataset's extractions; no new one is left.
	Replay(ctx context.Context, req Request, records []Reject, sink Sink) error
	// ReplaysWhole says that records of the dataset are read again together with
	// those they belong to, as the lines of an invoice: the rows that come out
	// stand for what was landed of them before.
	ReplaysWhole(dataset string) bool
}

// Rereader is a source that can say which of its inputs an extraction read from
// begin to end: what an earlier one rejected of them has had its second chance.
type Rereader interface {
	ReadWhole(cursor json.RawMessage) (inputs []string, err error)
}

// Sweeper is a source that can list the keys it has now. What was landed earlier
// and is not among them was deleted in the source, and is marked so.
type Sweeper interface {
	// Sweeps says which entities of a dataset are swept, and how long a sweep is
	// good for; none, or 0, for never.
	Sweeps(dataset string) (entities []*entity.Schema, every time.Duration)
	// Sweep hands over every key of an entity that the source has, one text for
	// each key field as in entity.Schema.Keys; the same key may come twice. On an
	// error nothing is marked.
	Sweep(ctx context.Context, dataset string, e *entity.Schema, has func(key ...string)) error
}

// Partial is a Sweeper that may leave records out on purpose, such as those from
// before a configured day. That the source has keys which were never landed says
// nothing then.
type Partial interface {
	LeavesOut() bool
}

// Registry holds the connectors of a program.
type Registry struct{ byName map[string]*Connector }

// NewRegistry returns a registry of the connectors given.
func NewRegistry(list ...*Connector) (*Registry, error) {
	r := &Registry{byName: map[string]*Connector{}}
	for _, c := range list {
		if err := r.Add(c); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Add registers a connector. A name that is taken is an error.
func (r *Registry) Add(c *Connector) error {
	if _, taken := r.byName[c.Name]; taken {
		return fmt.Errorf("register connector %q: the name is taken", c.Name)
	}
	r.byName[c.Name] = c
	return nil
}

// Lookup returns the connector of that name, or nil.
func (r *Registry) Lookup(name string) *Connector { return r.byName[name] }

// Names returns the names of all connectors in alphabetical order.
func (r *Registry) Names() []string {
	names := make([]string, 0, len(r.byName))
	for name := range r.byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
