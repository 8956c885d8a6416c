package asterisk

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/sqldb/sqldbtest"
)

func TestFiles_Contract(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Subject{Connector: Connector(), Start: startFiles, Anew: true})
}

func TestTables_Contract(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Subject{Connector: Connector(), Start: startTables, Anew: true})
}

// pbx is an exchange whose people go on talking.
type pbx struct {
	clock  connectors.Clock
	write  func(cdr, queue string)
	config string
	calls  map[string]bool
	agents map[string]bool
	random *rand.Rand
	last   int64 // when the last call began

	variables, wrong map[string]string
	troubles         map[string]func()
	down             string
	downIs           error
}

func newPBX(clock connectors.Clock, write func(cdr, queue string)) *pbx {
	p := &pbx{clock: clock, write: write, calls: map[string]bool{}, agents: map[string]bool{}, random: rand.New(rand.NewPCG(1, 2)), last: clock.Now().AddDate(0, 0, -4).Unix()}
	p.talk(200, 20*60)
	return p
}

// talk has so many calls begin one after the other, some seconds apart, and has
// them written down.
func (p *pbx) talk(n int, apart int64) (ids []string) {
	d := &day{lines: map[string][]timedLine{}}
	for range n {
		p.last += apart
		d.conversation(p.random, p.last, len(p.calls))
		id := fmt.Sprintf("%d.%d", p.last, len(p.calls))
		p.calls[id] = true
		ids = append(ids, id)
	}
	texts := map[string]string{}
	for log, lines := range d.lines {
		slices.SortStableFunc(lines, func(a, b timedLine) int { return int(a.at - b.at) })
		for _, line := range lines {
			texts[log] += line.text
			if log == "queue" {
				if e := parseQueueLine(line.text).event; e.agent != "" {
					p.agents[e.agent] = true
				}
			}
		}
	}
	p.write(texts["cdr"], texts["queue"])
	return ids
}

func (p *pbx) Server() *connectortest.Server { return nil }
func (p *pbx) Config() string                { return p.config }
func (p *pbx) Variables() map[string]string  { return p.variables }
func (p *pbx) Wrong() map[string]string      { return p.wrong }
func (p *pbx) Expire() bool                  { return false }
func (p *pbx) Troubles() map[string]func()   { return p.troubles }
func (p *pbx) Down() (string, error)         { return p.down, p.downIs }

// Remove: what was written down stays.
func (p *pbx) Remove(int) map[string][]string { return nil }

func (p *pbx) Rows() map[string][]string {
	return map[string][]string{
		"callcenter.calls":  slices.Collect(maps.Keys(p.calls)),
		"callcenter.agents": slices.Collect(maps.Keys(p.agents)),
	}
}

// Touch makes calls: those that were written down do not change.
func (p *pbx) Touch(n int) map[string][]string {
	p.last = max(p.last, p.clock.Now().Unix()-int64(n+1))
	ids := p.talk(n, 1)
	slices.Sort(ids)
	return map[string][]string{"callcenter.calls": ids}
}

// startFiles is an exchange that writes files.
func startFiles(t testing.TB, clock connectors.Clock) connectortest.Fake {
	e := newExchange(t)
	p := newPBX(clock, func(cdr, queue string) {
		e.add("Master.csv", cdr)
		e.add("queue_log", queue)
	})
	config := func(dir string) string {
		return fmt.Sprintf("connector: asterisk\ntimezone: UTC\ncdr: {files: \"%s/Master.csv*\"}\nqueue_log: {files: \"%[1]s/queue_log*\"}\ncontexts: {from-trunk: inbound}\nlag: 3h\nslice: 90\n", dir)
	}
	packed := 0
	p.config, p.down, p.downIs = config(e.dir), config(e.dir+"/other"), connectors.ErrNoInput
	p.troubles = map[string]func(){
		"lines that come meanwhile": func() { p.Touch(5) },
		"logs that are rotated": func() {
			packed++
			e.rename("queue_log", fmt.Sprintf("queue_log.%d", packed))
			e.pack("Master.csv", fmt.Sprintf("Master.csv.%d.gz", packed))
			p.Touch(2)
		},
	}
	return p
}

// startTables is an exchange that writes to tables of a database.
func startTables(t testing.TB, clock connectors.Clock) connectortest.Fake {
	test, ok := t.(*testing.T)
	if !ok {
		t.Fatal("wants a test")
	}
	db, url := mariadb(test)
	db.Exec(t, tables)
	p := newPBX(clock, func(cdr, queue string) { insert(test, db, cdr, queue) })
	config, project := tableConfig(url)
	p.config, p.variables = config, project.Variables
	p.wrong = map[string]string{"PBX_URL": "mysql://admin:wrong-password-9@" + url[len("mysql://admin:a%20secret%20of%20tests@"):]}
	p.down = strings.Replace(config, "url:", "host: 127.0.0.1, port: 1, database: pbx, user: admin, password:", 1)
	p.downIs = connectors.ErrUnreachable
	p.troubles = map[string]func(){
		"rows that come meanwhile": func() { p.Touch(5) },
		"lost connections":         func() { cutOthers(t, db) },
	}
	return p
}

// cutOthers ends all other connections to a database.
func cutOthers(t testing.TB, db *sqldbtest.MariaDatabase) {
	for {
		id := db.Text(t, "select id from information_schema.processlist where db = database() and id <> connection_id() and command <> 'Killed' limit 1")
		if id == "" || db.Try("kill "+id) == nil {
			return // it may have gone by itself
		}
	}
}
