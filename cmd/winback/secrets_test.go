package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/amocrm/amocrmtest"
	"winback/connectors/connectortest"
	"winback/connectors/woocommerce/woocommercetest"
)

// echo fails and tells the caller all that it sent, as careless servers and proxies
// do.
func echo(code int) connectortest.Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"code": "broken", "message": "%s %s %v %s", "detail": %q}`, r.Method, r.URL, r.Header["Authorization"], body, fmt.Sprint(r.Header))
	}
}

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
		echo(500)(w, r, answer)
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
}

func newSecretsProject(t *testing.T) *secretsProject {
	clock := connectors.SystemClock{}
	p := &secretsProject{t: t, dir: t.TempDir()}
	crm, other, shop := amocrmtest.Start(t, clock), amocrmtest.Start(t, clock), woocommercetest.Start(t, clock, woocommercetest.Options{})
	recent := fmt.Sprintf("patience: 1s\nsince: %s\n", time.Now().UTC().AddDate(0, 0, -2).Format(time.DateOnly))
	config := "project: acme\ntimezone: UTC\ncurrency: EUR\nsources:\n" +
		sourceBlock("crm", crm.Config()+recent) +
		sourceBlock("crm_by_token", other.TokenConfig()+recent) +
		sourceBlock("shop", shop.Config()+"patience: 1s\n")
	config = strings.Replace(config, "${SECRET}", "{file: secret.txt}", 1)
	config = strings.NewReplacer(crm.Server().URL, p.front(crm.Server()), other.Server().URL, p.front(other.Server()), shop.Server().URL, p.front(shop.Server())).Replace(config)
	variables := ""
	give := func(name, value string) {
		p.secrets = append(p.secrets, value)
		if name == "SECRET" {
			p.write("secret.txt", value+"\n")
			return
		}
		variables += fmt.Sprintf("%s=%s\n", name, value)
	}
	for name, value := range crm.Variables() {
		give(name, value)
	}
	for name, value := range shop.Variables() {
		give(name, value)
	}
	p.write(".env", variables)
	p.write("winback.yaml", config)
	return p
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
	staging := []string{"--only", "source:crm,source:crm_by_token,source:shop,stg_crm__customers"}
	run := func(more ...string) int { return p.winback(append(append([]string{"run"}, staging...), more...)...) }
	for _, failure := range []connectortest.Fault{inTurn(echo(500), cut, connectortest.WebPage(200), echo(400)), echo(401), echo(403)} {
		p.fault.Store(&failure)
		if code := run("--json"); code == exitDone {
			t.Errorf("a run succeeds although the sources fail:\n%s", p.said.String())
		}
	}
	p.winback("sources", "check")
	p.fault.Store(nil)
	p.winback("sources", "check", "--json")
	if code := run("--json"); code != exitDone {
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
