package pipelines

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"winback/connectors"
	"winback/connectors/amocrm"
	"winback/connectors/amocrm/amocrmtest"
	"winback/connectors/connectortest"
	"winback/connectors/files"
)

const pushConfig = `project: acme
timezone: UTC
as_of: 2024-09-30
currency: EUR
warehouse: {url: %q}
models: {only: [winback_candidates]}
sources:
  crm:
    connector: files
    datasets:
      crm.customers: {files: contacts.csv, fields: {id: id, name: name, email: [email], marketing_consent: consent}}
      crm.managers: {files: managers.csv, fields: {id: id, name: name}}
  letters:
    connector: files
    datasets:
      crm.managers: {files: elsewhere.csv, fields: {id: id, name: name}}
      winback.campaigns: {files: campaigns.csv, fields: {id: id, name: id}}
      winback.touches: {files: touches.csv, fields: {id: id, campaign_id: campaign, email: email, at: at, channel: channel, is_control: control}}
  shop:
    connector: files
    datasets:
      shop.orders: {files: orders.csv, fields: {id: id, customer_id: customer, email: email, ordered_at: at, status: {const: completed}, items_total: total}}
`

// callList is a project with a call list and the CRM that it goes to.
type callList struct {
	*bench
	clock *connectortest.Clock
	fake  *amocrmtest.Fake
}

// newCallList makes a company of eleven lost customers: eight who may be contacted,
// then one who opted out, a control, and one who was contacted three days ago; a
// twelfth is in the shop alone.
func newCallList(t *testing.T) *callList {
	c := &callList{bench: newBench(t)}
	c.write("winback.yaml", fmt.Sprintf(pushConfig, c.server+"/default"))
	contacts, orders := "id,name,email,consent\n", "id,customer,email,at,total\n"
	for i := range 12 {
		email := fmt.Sprintf("p%02d@example.com", i)
		if i < 11 {
			contacts += fmt.Sprintf("contact-%d,Person %d,%s,%v\n", 7000+i, i, email, i != 8)
		}
		for n, day := range []string{"2024-01-10", "2024-01-25", "2024-02-10"} {
			orders += fmt.Sprintf("%d,c%02d,%s,%s,%d\n", 10*i+n, i, email, day, 100+i)
		}
	}
	c.write("contacts.csv", contacts)
	c.write("orders.csv", orders+"999,c99,p99@example.com,2024-09-28,10\n")
	c.write("managers.csv", "id,name\n123321,Ann\n123322,Bob\n")
	c.write("elsewhere.csv", "id,name\nw-9,Cid\n")
	c.write("campaigns.csv", "id\nautumn\n")
	c.write("touches.csv", "id,campaign,email,at,channel,control\n1,autumn,p09@example.com,2024-09-20,email,true\n2,autumn,p10@example.com,2024-09-27,email,false\n")
	c.clock = connectortest.NewClock(connectortest.Began)
	c.fake = amocrmtest.Start(t, c.clock)
	c.open()
	return c
}

// open opens the project anew, as each command does.
func (c *callList) open() {
	c.Helper()
	registry, err := connectors.NewRegistry(files.Connector())
	if err != nil {
		c.Fatal(err)
	}
	c.project, err = Open(OpenOptions{Config: filepath.Join(c.dir, "winback.yaml"), Registry: registry, Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		c.Fatal(err)
	}
	crm, err := connectortest.Open(amocrm.Connector(), c.fake.TokenConfig(), connectortest.Project{
		Dir: c.T.TempDir(), Clock: c.clock, Variables: c.fake.Variables(),
	})
	if err != nil {
		c.Fatal(err)
	}
	at := slices.IndexFunc(c.project.Sources, func(s Source) bool { return s.Name == "crm" })
	c.project.Sources[at].Source = struct {
		connectors.Source
		Sink
	}{c.project.Sources[at].Source, crm.(Sink)}
}

// step is a part of a test, which goes on where the one before ended.
func (c *callList) step(name string, do func(t *testing.T)) {
	whole := c.T
	defer func() { c.T = whole }()
	whole.Run(name, func(t *testing.T) {
		c.T = t
		do(t)
	})
}

// push pushes, in a process of its own, and says what became of the customers.
func (c *callList) push(o PushOptions) (Pushed, error) {
	c.Helper()
	c.open()
	o.To = "crm"
	return c.project.Push(c.Context(), o)
}

func (c *callList) mustPush(o PushOptions, want map[string]int) Pushed {
	c.Helper()
	p, err := c.push(o)
	if err != nil {
		c.Fatal(err)
	}
	got := map[string]int{}
	for _, t := range p.Tasks {
		got[t.State]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		c.Errorf("states: %s", diff)
	}
	return p
}

// noted are the customers with a task in the books.
func (c *callList) noted() string {
	c.Helper()
	tasks, err := names(c.Context(), c.w, "select concat(arrayStringConcat(records, ' '), ' ', task_id) from ops.tasks final order by all")
	if err != nil {
		c.Fatal(err)
	}
	return strings.Join(tasks, "\n")
}

// inCRM are the customers with a task in the CRM, as noted would have them.
func (c *callList) inCRM() string {
	var tasks []string
	for _, t := range c.fake.Tasks() {
		tasks = append(tasks, fmt.Sprintf("contact-%d %d", t.Entity, t.ID))
	}
	slices.Sort(tasks)
	return strings.Join(tasks, "\n")
}

func TestPush(t *testing.T) {
	c := newCallList(t)
	if s, err := c.project.Run(t.Context(), RunOptions{}); err != nil || len(s.Problems) > 0 {
		t.Fatal(err, s.Problems)
	}
	// Nine are on the list, one of them in the shop alone. The managers take them in
	// turn; one of the three is no user of the CRM.
	var to []string // customers a task is due for
	c.step("a dry run touches nothing", func(t *testing.T) {
		p := c.mustPush(PushOptions{}, map[string]int{PushDue: 6, PushSkipped: 3})
		var notes []string
		for _, task := range p.Tasks {
			if notes = append(notes, task.Note); task.State == PushDue {
				to = append(to, task.Name)
			}
		}
		if text := strings.Join(notes, "; "); !strings.Contains(text, "manager w-9 is no user of crm") || !strings.Contains(text, "has no record in crm") {
			t.Errorf("notes %q", text)
		}
		for _, asked := range c.fake.Server().Asked() {
			if asked.Method != http.MethodGet {
				t.Errorf("asked %s %s", asked.Method, asked.Path)
			}
		}
		if c.noted() != "" {
			t.Errorf("noted %s", c.noted())
		}
	})
	c.step("killed between the request and the note", func(t *testing.T) {
		c.fake.Server().Forget()
		c.fake.Server().Next(nil, connectortest.Cut) // the CRM has them, and nobody knows
		p, err := c.push(PushOptions{Send: true, Limit: 4})
		if err == nil || p.Count(PushFailed) == 0 || p.Count(PushWritten) > 0 || c.noted() != "" {
			t.Fatalf("got %v, %+v, noted %q", err, p, c.noted())
		}
		unnoted := c.inCRM()
		if got := strings.Count(unnoted, "contact"); got != p.Count(PushFailed) {
			t.Fatalf("%d tasks in the CRM of %d", got, p.Count(PushFailed))
		}
		c.mustPush(PushOptions{}, map[string]int{PushThere: p.Count(PushFailed), PushDue: 6 - p.Count(PushFailed), PushSkipped: 3})
		if c.noted() != "" {
			t.Error("a dry run has noted something")
		}
		c.mustPush(PushOptions{Send: true, Limit: 4}, map[string]int{PushThere: p.Count(PushFailed), PushSkipped: 4 - p.Count(PushFailed)})
		if got := c.noted(); got != unnoted || c.inCRM() != unnoted {
			t.Errorf("noted %q, in the CRM %q, not %q", got, c.inCRM(), unnoted)
		}
	})
	c.step("sent twice is sent once", func(t *testing.T) {
		for range 2 {
			if _, err := c.push(PushOptions{Send: true}); err != nil {
				t.Fatal(err)
			}
		}
		if got := c.inCRM(); strings.Count(got, "contact") != 6 || got != c.noted() {
			t.Errorf("in the CRM\n%s\nnoted\n%s", got, c.noted())
		}
	})
	c.step("nobody who is to be left alone", func(t *testing.T) {
		for _, task := range c.fake.Tasks() {
			if task.Entity > 7007 {
				t.Errorf("a task for %d: %s", task.Entity, task.Text)
			}
			if task.Until != time.Date(2024, 10, 1, 20, 0, 0, 0, time.UTC).Unix() || !strings.Contains(task.Text, "Win back: Person") {
				t.Errorf("task %+v", task)
			}
		}
	})
	c.step("books that were lost", func(t *testing.T) {
		before := c.inCRM()
		if err := c.w.Exec(t.Context(), "drop table ops.tasks sync"); err != nil {
			t.Fatal(err)
		}
		c.mustPush(PushOptions{Send: true}, map[string]int{PushThere: 6, PushSkipped: 3})
		if c.inCRM() != before || c.noted() != before {
			t.Errorf("in the CRM\n%s\nnoted\n%s\nbefore\n%s", c.inCRM(), c.noted(), before)
		}
	})
	c.step("the next day's list has no second task", func(t *testing.T) {
		c.as("2024-10-02")
		if _, err := c.push(PushOptions{Send: true}); !errors.As(err, new(*PushError)) || !strings.Contains(err.Error(), "is of 2024-09-30, not of 2024-10-02: winback run") {
			t.Errorf("a list of another day: got %v", err)
		}
		if _, err := c.project.Run(t.Context(), RunOptions{}); err != nil {
			t.Fatal(err)
		}
		p, err := c.push(PushOptions{Send: true})
		if err != nil || p.Count(PushWritten)+p.Count(PushFailed) > 2 || strings.Count(c.inCRM(), "contact") != 6+p.Count(PushWritten) {
			t.Errorf("%v, %+v", err, p)
		}
		for _, task := range p.Tasks {
			if slices.Contains(to, task.Name) && task.State != PushThere {
				t.Errorf("%s got a second task: %+v", task.Name, task)
			}
		}
	})
	c.step("draws and tasks survive a rebuild", c.drawsSurvive)
}

// drawsSurvive draws two campaigns and sees that nobody is in both, and that neither
// a rebuild nor the same draw again changes who is in which group.
func (c *callList) drawsSurvive(t *testing.T) {
	draw := func(o DrawOptions) Draw {
		t.Helper()
		c.open()
		o.Control, o.Format, o.Folder = 0.5, "csv", t.TempDir()
		d, err := c.project.DrawCampaign(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	c.open()
	cut := Draw{Name: "spring"}
	if err := c.project.drawLocked(t.Context(), DrawOptions{Name: "spring", Size: 4, Control: 0.5}, &cut); err != nil || cut.Treated != 2 || cut.Control != 2 || cut.Again {
		t.Fatalf("spring: %+v, %v", cut, err)
	}
	// The process ended there, so the list does not know who is in it.
	const older = "is older than the last draw of a campaign: winback run"
	if _, err := c.project.DrawCampaign(t.Context(), DrawOptions{Name: "winter", Size: 4, Format: "csv"}); !errors.As(err, new(*DrawError)) || !strings.Contains(err.Error(), older) {
		t.Errorf("drawn from a list that does not know of the last draw: got %v", err)
	}
	if _, err := c.push(PushOptions{}); !errors.As(err, new(*PushError)) || !strings.Contains(err.Error(), older) {
		t.Errorf("pushed from a list that does not know of the last draw: got %v", err)
	}
	if d := draw(DrawOptions{Name: "spring", Size: 4}); d.Treated != 2 || d.Control != 2 || !d.Again {
		t.Fatalf("spring: %+v", d)
	}
	draw(DrawOptions{Name: "winter", Size: 4})
	groups := c.groups()
	if strings.Count(groups, "spring") != 4 || strings.Count(groups, "winter") != 4 {
		t.Fatalf("drawn:\n%s", groups)
	}
	same := func(when string) {
		t.Helper()
		if diff := cmp.Diff(groups, c.groups()); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
		left, err := names(t.Context(), c.w, "select not_eligible_reason from mart.winback_candidates where not_eligible_reason like '%control group of winter%' or not_eligible_reason like '%control group of spring%'")
		if err != nil || len(left) != 4 {
			t.Errorf("%s: %d controls are left alone (%v)", when, len(left), err)
		}
	}
	noted := c.noted()
	c.open()
	if _, err := c.project.Rebuild(t.Context(), RebuildOptions{}); err != nil {
		t.Fatal(err)
	}
	same("rebuilt")
	if got := c.noted(); got != noted || noted == "" {
		t.Errorf("tasks noted before\n%s\nand after\n%s", noted, got)
	}
	if d := draw(DrawOptions{Name: "spring", Size: 9}); !d.Again || d.Treated != 2 || d.Control != 2 {
		t.Errorf("spring again: %+v", d)
	}
	same("drawn again")
}

// groups are the customers drawn, one a line: nobody may be in two campaigns.
func (c *callList) groups() string {
	c.Helper()
	lines, err := names(c.Context(), c.w, "select concat(customer_key, ' ', arrayStringConcat(groupArray(campaign_id || if(is_control, ' control', ' treated')), '; ')) from staging.int_touches where source = 'winback' group by customer_key order by 1")
	if err != nil {
		c.Fatal(err)
	}
	for _, line := range lines {
		if strings.Contains(line, ";") {
			c.Errorf("drawn twice: %s", line)
		}
	}
	return strings.Join(lines, "\n")
}

// as has the project describe another day.
func (c *callList) as(day string) {
	c.write("winback.yaml", strings.Replace(fmt.Sprintf(pushConfig, c.server+"/default"), "2024-09-30", day, 1))
	c.open()
}

func TestPush_WhereNoTasksAreTaken(t *testing.T) {
	sources := []Source{
		{Name: "shop", Connector: files.Connector(), Source: &system{}},
		{Name: "crm", Connector: amocrm.Connector(), Source: struct {
			connectors.Source
			Sink
		}{}},
	}
	for _, c := range []struct {
		to      string
		sources []Source
		want    string
	}{
		{"crm2", sources, `winback.yaml has no source "crm2"; its sources are shop, crm`},
		{"shop", sources, "the source shop is files, which takes no tasks; crm would"},
		{"shop", sources[:1], "the source shop is files, which takes no tasks: bitrix24 and amocrm do; winback export winback_candidates --to monday.xlsx writes the list as a file"},
	} {
		_, err := (&Project{Sources: c.sources}).sink(c.to)
		if !errors.As(err, new(*PushError)) || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.to, err, c.want)
		}
	}
}
