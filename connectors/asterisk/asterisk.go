package asterisk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/mapping"
)

var (
	calls  = entity.Of[entity.Call]()
	events = entity.Of[entity.QueueEvent]()
	agents = entity.Of[entity.Agent]()
)

const example = `connector: asterisk
timezone: Europe/Berlin            # of the times in Master.csv; UTC with usegmtime=yes
cdr:
  files: /var/log/asterisk/cdr-csv/Master.csv*
queue_log:
  files: /var/log/asterisk/queue_log*
contexts: {from-trunk: inbound, from-internal: outbound}
`

// Connector returns the connector "asterisk".
func Connector() *connectors.Connector {
	return &connectors.Connector{
		Name:    "asterisk",
		Summary: "calls of an Asterisk exchange, from its detail records and queue log",
		Reads: []connectors.Reads{
			{Entity: calls, From: "Master.csv, queue_log", Changes: "what is appended; the calls of the last day are made anew", Deletions: "not: what was written down stays"},
			{Entity: events, From: "queue_log", Changes: "what is appended", Deletions: "not"},
			{Entity: agents, From: "queue_log, the members of queues", Changes: "what is appended", Deletions: "not"},
		},
		Needs: []string{
			"Read access to the log files, on this machine or copied here as they are (rsync --append does).",
			"cdr.conf tells the zone of the times: usegmtime=yes means UTC. loguniqueid=yes lets the legs of a call be put together, newcdrcolumns=yes does it best.",
		},
		Limits: []string{
			"None of the source's own. Calls still going on, and those that Asterisk has not written down yet, come with the next run.",
			"Asterisk writes nothing of calls that reached nobody unless unanswered=yes is set in cdr.conf, and loses detail records longer than 1,024 bytes.",
		},
		Example:   example,
		NewConfig: func() any { return &Config{} },
		Open:      open,
	}
}

type source struct {
	config *Config
	env    connectors.Env
	zone   *time.Location
	maker  *maker
}

func open(config any, env connectors.Env) (connectors.Source, error) {
	c, ok := config.(*Config)
	if !ok {
		return nil, fmt.Errorf("configuration is a %T, not a *asterisk.Config", config)
	}
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return nil, fmt.Errorf("timezone: %w", err)
	}
	inside, err := regexp.Compile(c.Inside)
	if err != nil {
		return nil, fmt.Errorf("inside: %w", err)
	}
	return &source{config: c, env: env, zone: zone, maker: &maker{inside: inside, contexts: c.Contexts, prefixes: c.Dial}}, nil
}

const dataset = "callcenter.calls"

// Datasets: a call comes with what happened to it. One that is made anew replaces
// what was known of it.
func (s *source) Datasets() []connectors.Dataset {
	latest := connectors.Duplicates{Keep: connectors.KeepLast}
	return []connectors.Dataset{{
		Name: dataset, Entities: []*entity.Schema{calls, events, agents},
		Duplicates: map[string]connectors.Duplicates{calls.FullName(): latest, events.FullName(): latest, agents.FullName(): latest},
	}}
}

// Backfills says that calls can be read again by the time they began.
func (s *source) Backfills(string) bool { return true }

// Check reads the first calls as an extraction would.
func (s *source) Check(ctx context.Context) ([]connectors.Finding, error) {
	return connectors.CheckBySample(ctx, s, nil)
}

// cursor is how far the logs were read.
type cursor struct {
	CDR      []place   `json:"cdr,omitempty"`
	QueueLog []place   `json:"queue_log,omitempty"`
	From     time.Time `json:"from"`   // calls that began earlier are done with
	Agents   []string  `json:"agents"` // handed over already
}

func lastCursor(req connectors.Request) (c cursor, err error) {
	if len(req.Cursors) == 0 || req.Range != nil {
		return c, nil
	}
	if err := json.Unmarshal(req.Cursors[len(req.Cursors)-1], &c); err != nil {
		return c, fmt.Errorf("read the cursor of %s: %w; --full reads everything again", req.Dataset, err)
	}
	return c, nil
}

// feeds opens the logs where they are to be read on.
func (s *source) feeds(last cursor) (feeds []feed, err error) {
	defer func() {
		if err != nil {
			closeAll(feeds)
		}
	}()
	if s.config.CDR != nil {
		parser := &cdrParser{columns: s.config.CDR.Columns, zone: mapping.NewZone(s.zone)}
		if len(parser.columns) == 0 {
			parser.columns = nil
		}
		log, err := openLog(s.config.CDR.Files, last.CDR, parser.parse)
		if err != nil {
			return feeds, fmt.Errorf("detail records: %w", err)
		}
		feeds = append(feeds, log)
	} else {
		feeds = append(feeds, nothing{})
	}
	if s.config.QueueLog != nil {
		log, err := openLog(s.config.QueueLog.Files, last.QueueLog, parseQueueLine)
		if err != nil {
			return feeds, fmt.Errorf("queue log: %w", err)
		}
		return append(feeds, log), nil
	}
	return append(feeds, nothing{}), nil
}

// anyFresh says whether a log has more than was read of it.
func anyFresh(feeds []feed) (bool, error) {
	for _, f := range feeds {
		if fresh, err := f.fresh(); fresh || err != nil {
			return fresh, err
		}
	}
	return false, nil
}

func closeAll(feeds []feed) {
	for _, f := range feeds {
		f.close()
	}
}

// nothing is a log that is not configured.
type nothing struct{}

func (nothing) next(context.Context) (*piece, error) { return nil, nil }
func (nothing) mark(time.Time) []place               { return nil }
func (nothing) fresh() (bool, error)                 { return false, nil }
func (nothing) close()                               {}

// Extract reads on in the logs, at most a slice of them.
func (s *source) Extract(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
	var none connectors.Extracted
	last, err := lastCursor(req)
	if err != nil {
		return none, err
	}
	feeds, err := s.feeds(last)
	if err != nil {
		return none, fmt.Errorf("extract %s: %w", req.Dataset, err)
	}
	defer closeAll(feeds)
	if fresh, err := anyFresh(feeds); err != nil || !fresh {
		return none, err
	}
	x := newExtraction(s, req, sink, last, feeds)
	more, err := x.run(ctx)
	if err != nil && !errors.Is(err, connectors.ErrEnough) {
		err = fmt.Errorf("extract %s: %w", req.Dataset, err)
	}
	if err != nil || req.Range != nil {
		return none, err
	}
	next := cursor{From: x.restart(more), Agents: sorted(x.agents)}
	next.CDR, next.QueueLog = feeds[0].mark(next.From), feeds[1].mark(next.From)
	text, err := json.Marshal(next)
	return connectors.Extracted{Cursor: text, More: more}, err
}
