package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/amocrm/amocrmtest"
	"winback/connectors/bitrix24/bitrix24test"
	"winback/connectors/connectortest"
	"winback/connectors/hubspot/hubspottest"
	"winback/connectors/shopify/shopifytest"
	"winback/connectors/twilio/twiliotest"
	"winback/connectors/woocommerce/woocommercetest"
)

// inTurn has one thing after the other go wrong.
func inTurn(faults ...connectortest.Fault) connectortest.Fault {
	var asked atomic.Int64
	return func(w http.ResponseWriter, r *http.Request, answer http.Handler) {
		faults[int(asked.Add(1))%len(faults)](w, r, answer)
	}
}

// cut breaks answers off, but those that hand out tokens: those are good for one use.
func cut(w http.ResponseWriter, r *http.Request, answer http.Handler) {
	if strings.Contains(r.URL.Path, "oauth2") {
		connectortest.Echo(500)(w, r, answer)
		return
	}
	connectortest.Cut(w, r, answer)
}

// secretsProject has sources whose secrets are given as variables and in a file.
type secretsProject struct {
	t       *testing.T
	dir     string
	fault   atomic.Pointer[connectortest.Fault] // what goes wrong with every request
	secrets []string
	said    bytes.Buffer // all that the program said

	config, variables strings.Builder // of winback.yaml and .env
}

func newSecretsProject(t *testing.T) *secretsProject {
	clock := connectors.SystemClock{}
	p := &secretsProject{t: t, dir: t.TempDir()}
	p.config.WriteString("project: acme\ntimezone: UTC\ncurrency: EUR\nsteps: {retries: 1, retry_after: 10ms}\nsources:\n")
	recent := fmt.Sprintf("patience: 1s\nsince: %s\n", time.Now().UTC().AddDate(0, 0, -2).Format(time.DateOnly))
	crm, other, shop := amocrmtest.Start(t, clock), amocrmtest.Start(t, clock), woocommercetest.Start(t, clock, woocommercetest.Options{})
	p.add("crm", crm, strings.Replace(crm.Config(), "${SECRET}", "{file: secret.txt}", 1)+recent)
	p.add("crm_by_token", other, other.TokenConfig()+recent)
	p.add("shop", shop, shop.Config()+"patience: 1s\n")
	// Those that come now are tried while they fail alone: how they work is tried elsewhere.
	portal, application, hub := bitrix24test.Start(t, clock), bitrix24test.StartOAuth(t, clock), hubspottest.Start(t, clock)
	store, phone := shopifytest.Start(t, clock, shopifytest.Options{}), twiliotest.New(t, clock, 1)
	for name, fake := range map[string]connectortest.Fake{"portal": portal, "application": application, "hub": hub, "store": store, "phone": phone} {
		p.add(name, fake, fake.Config()+"patience: 1s\n")
	}
	const orders = "datasets: {shop.orders: {fields: {id: id}}}\n"
	p.addDatabase("postgres", "connector: postgres\nurl: postgres://reader:${PASSWORD}@127.0.0.1:1/shop\n"+orders)
	p.addDatabase("mysql", "connector: mysql\nhost: 127.0.0.1\nport: 1\ndatabase: shop\nuser: reader\npassword: ${PASSWORD}\n"+orders)
	p.addDatabase("exchange", "connector: asterisk\ntimezone: UTC\ndatabase: {kind: mysql, url: \"mysql://reader:${PASSWORD}@127.0.0.1:1/pbx\"}\ncdr: {table: cdr}\n")
	p.write("secret.txt", crm.Variables()["SECRET"]+"\n")
	p.write(".env", p.variables.String())
	p.write("winback.yaml", p.config.String())
	return p
}

// add configures a source that reads a fake, with variables of its own.
func (p *secretsProject) add(name string, fake connectortest.Fake, config string) {
	behind := fake.Server()
	front := p.front(behind)
	for variable, value := range fake.Variables() {
		value = strings.ReplaceAll(value, behind.URL, front)
		own := strings.ToUpper(name) + "_" + variable
		config = strings.ReplaceAll(config, "${"+variable+"}", "${"+own+"}")
		p.give(own, value)
	}
	p.config.WriteString(sourceBlock(name, strings.ReplaceAll(config, behind.URL, front)))
}

// addDatabase configures a source whose server is not there.
func (p *secretsProject) addDatabase(name, config string) {
	own := strings.ToUpper(name) + "_PASSWORD"
	p.give(own, "secret-of-"+name+"-0123")
	p.config.WriteString(sourceBlock(name, strings.ReplaceAll(config, "${PASSWORD}", "${"+own+"}")))
}

func (p *secretsProject) give(variable, value string) {
	p.secrets = append(p.secrets, value)
	fmt.Fprintf(&p.variables, "%s=%s\n", variable, value)
}

// front stands before a source, to put faults in the way.
func (p *secretsProject) front(behind *connectortest.Server) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault := p.fault.Load(); fault != nil {
			(*fault)(w, r, behind)
			return
		}
		behind.ServeHTTP(w, r)
	}))
	p.t.Cleanup(server.Close)
	return server.URL
}

func sourceBlock(name, block string) string {
	text := "  " + name + ":\n"
	for line := range strings.Lines(block) {
		text += "    " + line
	}
	return text
}

func (p *secretsProject) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// winback runs a command and keeps what it says, however it ends.
func (p *secretsProject) winback(args ...string) int {
	p.t.Helper()
	run := start(p.t, append(args, "-c", filepath.Join(p.dir, "winback.yaml"), "-v")...)
	code := run.code()
	fmt.Fprintf(&p.said, "winback %s\n%s\n%s\n", strings.Join(args, " "), run.stdout.String(), run.stderr())
	return code
}

// A secret is in nothing that the program says or leaves, whether a source works or
// fails and repeats all that it was sent.
func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	p := newSecretsProject(t)
	const working = "source:crm,source:crm_by_token,source:shop"
	const failing = ",source:portal,source:application,source:hub,source:store,source:phone,source:postgres,source:mysql,source:exchange"
	run := func(only string, more ...string) int {
		return p.winback(append([]string{"run", "--only", only + ",stg_crm__customers"}, more...)...)
	}
	for _, failure := range []connectortest.Fault{inTurn(connectortest.Echo(500), cut, connectortest.WebPage(200), connectortest.Echo(400)), connectortest.Echo(401), connectortest.Echo(403)} {
		p.fault.Store(&failure)
		if code := run(working+failing, "--json"); code == exitDone {
			t.Errorf("a run succeeds although the sources fail:\n%s", p.said.String())
		}
	}
	p.winback("sources", "check")
	for name := range strings.SplitSeq(strings.ReplaceAll(working+failing, "source:", ""), ",") {
		if !regexp.MustCompile(`(?m)^FAIL +` + name + `\b`).Match(p.said.Bytes()) {
			t.Errorf("it was not told that %s fails", name)
		}
	}
	p.fault.Store(nil)
	for name := range strings.SplitSeq("crm,crm_by_token,shop", ",") {
		p.winback("sources", "check", name, "--json")
	}
	if code := run(working, "--json"); code != exitDone {
		t.Errorf("the last run ends with %d:\n%s", code, p.said.String())
	}
	p.winback("plan", "--json")
	for _, table := range []string{"ops.runs", "ops.steps", "ops.quarantine", "raw.crm_customers", "raw.shop_orders"} {
		if p.winback("query", "select * from "+table, "--format", "JSONEachRow") != exitDone {
			t.Errorf("%s cannot be read", table)
		}
	}
	p.grep("what was said", p.said.Bytes())
	p.grepFiles()
}

// grep says where a secret is.
func (p *secretsProject) grep(what string, text []byte) {
	p.t.Helper()
	for _, secret := range p.secrets {
		if at := bytes.Index(text, []byte(secret)); at >= 0 {
			p.t.Errorf("%s holds a secret: …%s…", what, text[max(0, at-200):min(len(text), at+len(secret)+50)])
		}
	}
}

// grepFiles looks through all files of the project but those that are there to hold
// secrets: the user's, and the folder state, which others may not read.
func (p *secretsProject) grepFiles() {
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(p.dir, path)
		if d.IsDir() {
			if name == "state" {
				return fs.SkipDir
			}
			return nil
		}
		if name == ".env" || name == "secret.txt" || !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		p.grep(name, text)
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
}
