package asterisk

import (
	"context"
	"encoding/json"
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
			{Entity: calls, From: "detail records and queue log, in files or tables", Changes: "what is appended; the calls of the last day are made anew", Deletions: "not: what was written down stays"},
			{Entity: events, From: "queue log", Changes: "what is appended", Deletions: "not"},
			{Entity: agents, From: "queue log, the members of queues", Changes: "what is appended", Deletions: "not"},
		},
		Needs: []string{
			"Read access to the log files, on this machine or copied here as they are (rsync --append does); or to the tables: GRANT SELECT ON asteriskcdrdb.cdr TO 'winback'@'%';",
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
	return []connectors.Dataset{connectors.NewestWins(dataset, calls, events, agents)}
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
func (s *source) feeds(ctx context.Context, last cursor) ([]feed, error) {
	cdr, err := s.cdrFeed(ctx, last)
	if err != nil {
		return nil, fmt.Errorf("detail records: %w", err)
	}
	queue, err := s.queueFeed(ctx, last)
	if err != nil {
		cdr.close()
		return nil, fmt.Errorf("queue log: %w", err)
	}
	return []feed{cdr, queue}, nil
}

func (s *source) cdrFeed(ctx context.Context, last cursor) (feed, error) {
	c := s.config.CDR
	switch {
	case c == nil:
		return nothing{}, nil
	case c.Table != "":
		return openTable(ctx, s.config.Database, s.env.Clock, cdrTable(c.Table, s.zone), last.CDR)
	}
	parser := &cdrParser{columns: c.Columns, zone: mapping.NewZone(s.zone)}
	if len(parser.columns) == 0 {
		parser.columns = nil
	}
	return openLog(c.Files, last.CDR, parser.parse)
}

func (s *source) queueFeed(ctx context.Context, last cursor) (feed, error) {
	c := s.config.QueueLog
	switch {
	case c == nil:
		return nothing{}, nil
	case c.Table == "":
		return openLog(c.Files, last.QueueLog, parseQueueLine)
	}
	zone := s.zone
	if c.Timezone != "" {
		var err error
		if zone, err = time.LoadLocation(c.Timezone); err != nil {
			return nil, fmt.Errorf("timezone: %w", err)
		}
	}
	return openTable(ctx, s.config.Database, s.env.Clock, queueTable(c.Table, zone), last.QueueLog)
}

// anyFresh says whether a log has more than was read of it.
func anyFresh(ctx context.Context, feeds []feed) (bool, error) {
	for _, f := range feeds {
		if fresh, err := f.fresh(ctx); fresh || err != nil {
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

func (nothing) next(context.Context) (*piece, error)                        { return nil, nil }
func (nothing) mark(context.Context, time.Time, time.Time) ([]place, error) { return nil, nil }
func (nothing) fresh(context.Context) (bool, error)                         { return false, nil }
func (nothing) close()                                                      {}

// Extract reads on in the logs, at most a slice of them.
func (s *source) Extract(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
	var none connectors.Extracted
	last, err := lastCursor(req)
	if err != nil {
		return none, err
	}
	feeds, err := s.feeds(ctx, last)
	if err != nil {
		return none, err
	}
	defer closeAll(feeds)
	if fresh, err := anyFresh(ctx, feeds); err != nil || !fresh {
		return none, err
	}
	x := newExtraction(s, req, sink, last, feeds)
	more, err := x.run(ctx)
	if err != nil || req.Range != nil {
		return none, err
	}
	next := cursor{From: x.restart(more), Agents: sorted(x.agents)}
	if next.CDR, err = feeds[0].mark(ctx, next.From, x.reached(more)); err != nil {
		return none, err
	}
	if next.QueueLog, err = feeds[1].mark(ctx, next.From, x.reached(more)); err != nil {
		return none, err
	}
	text, err := json.Marshal(next)
	return connectors.Extracted{Cursor: text, More: more}, err
}
