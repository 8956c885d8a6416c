package config_test

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"winback/connectors"
	"winback/connectors/spec"
	"winback/pipelines/config"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// crm is a connector's configuration.
type crm struct {
	URL   string      `yaml:"url" required:"true" doc:"address" example:"https://acme.example"`
	Token spec.Secret `yaml:"token" doc:"of the account"`
	Rate  int         `yaml:"rate" default:"2" doc:"requests a second"`
}

func (c *crm) Validate(n spec.Node, errs *spec.Errors) {
	if !strings.HasPrefix(c.URL, "https://") {
		errs.Addf(n.Get("url"), "wants https://")
	}
}

func registry(t testing.TB) *connectors.Registry {
	t.Helper()
	r, err := connectors.NewRegistry(
		&connectors.Connector{Name: "crm", NewConfig: func() any { return &crm{} }},
		&connectors.Connector{Name: "files", NewConfig: func() any { return &struct{}{} }},
	)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// env has a fixed clock, late in the evening of UTC when it is tomorrow already in Moscow.
func env(variables map[string]string) config.Env {
	return config.Env{
		Lookup: func(name string) (string, bool) { value, found := variables[name]; return value, found },
		Now:    func() time.Time { return time.Date(2024, 3, 10, 22, 30, 0, 0, time.UTC) },
	}
}

func load(t *testing.T, text string, variables map[string]string) (*config.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "winback.yaml")
	write(t, path, text)
	return config.Load(path, registry(t), env(variables))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const head = "project: acme\ntimezone: Europe/Moscow\ncurrency: RUB\n"

func TestLoad_Defaults(t *testing.T) {
	c, err := load(t, head, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.AsOf.String(); got != "2024-03-10" {
		t.Errorf("as of = %s, want yesterday in Moscow", got)
	}
	if !c.Warehouse.Embedded() || c.Quarantine.Limit != 5 || c.Landing.PartSize != 8<<20 || len(c.Sources) != 0 {
		t.Errorf("got %+v", c.Settings)
	}
	if want := (config.Limits{SleepingAfter: 90, LostAfter: 180, NewFor: 30, ReturnedFor: 365, SilentAfter: 30}); c.Churn.Limits() != want {
		t.Errorf("limits = %+v", c.Churn.Limits())
	}
	if c.Churn.WatchLevel != 10 || c.Churn.AlarmLevel != 20 {
		t.Errorf("levels = %v %v", c.Churn.WatchLevel, c.Churn.AlarmLevel)
	}
	if c.Home("") != c.Dir || c.Home("/elsewhere") != "/elsewhere" {
		t.Errorf("home = %s", c.Home(""))
	}
}

func TestLoad_Everything(t *testing.T) {
	c, err := load(t, head+`
as_of: 2011-12-09
warehouse: {url: "https://host:8443/db", user: bob, password: "${PW}", ca_file: ca.pem}
churn:
  lost_after: 200
  segments:
    wholesale: {sleeping_after: 30, lost_after: 45}
    retail:
quarantine: {limit: 1%}
engine: {memory: 1GiB, threads: 2}
landing: {part_size: 64MiB}
sources:
  main:
    connector: crm
    url: https://crm.example
    token: ${TOKEN}
  second:
    connector: crm
    url: https://two.example
    quarantine: {limit: 50%}
`, map[string]string{"PW": "hunter2", "TOKEN": "t0ken"})
	if err != nil {
		t.Fatal(err)
	}
	if c.AsOf.String() != "2011-12-09" || c.Engine.Memory != 1<<30 || c.Engine.Threads != 2 || c.Landing.PartSize != 64<<20 {
		t.Errorf("got %+v", c.Settings)
	}
	if c.Warehouse.Address() != "https://bob@host:8443/db" || c.Warehouse.Password.Reveal() != "hunter2" ||
		string(c.Warehouse.CAFile) != filepath.Join(c.Dir, "ca.pem") {
		t.Errorf("warehouse = %+v", c.Warehouse)
	}
	wholesale := config.Limits{SleepingAfter: 30, LostAfter: 45, NewFor: 30, ReturnedFor: 365, SilentAfter: 30}
	if got := c.Churn.LimitsOf("wholesale"); got != wholesale {
		t.Errorf("wholesale = %+v", got)
	}
	if got := c.Churn.LimitsOf("unheard of"); got != c.Churn.Limits() || got.LostAfter != 200 {
		t.Errorf("another segment = %+v", got)
	}
	if len(c.Sources) != 2 || c.Sources[0].Name != "main" || c.Sources[0].QuarantineLimit != 1 || c.Sources[1].QuarantineLimit != 50 {
		t.Fatalf("sources = %+v", c.Sources)
	}
	if got := c.Sources[0].Config.(*crm); got.URL != "https://crm.example" || got.Token.Reveal() != "t0ken" || got.Rate != 2 {
		t.Errorf("crm = %+v", got)
	}
}

// TestLoad_Errors runs every testdata/errors/*.yaml against the .golden beside it.
func TestLoad_Errors(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			got := "no error\n"
			_, err := config.Load(file, registry(t), env(map[string]string{"SECRET": "hunter2"}))
			if err != nil {
				got = err.Error() + "\n"
			}
			if strings.Contains(got, "hunter2") {
				t.Errorf("shows a secret:\n%s", got)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				write(t, golden, got)
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoad_ErrMissingFile(t *testing.T) {
	_, err := config.Load(filepath.Join(t.TempDir(), "winback.yaml"), registry(t), env(nil))
	missing, ok := errors.AsType[*config.MissingFileError](err)
	if !ok || !strings.Contains(missing.Hint(), "winback init") || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v (%v)", err, missing)
	}
	if _, ok := errors.AsType[*config.Error](err); !ok {
		t.Errorf("%T is no *config.Error", err)
	}
}

func TestLoad_ErrUnreadable(t *testing.T) {
	_, err := config.Load(t.TempDir(), registry(t), env(nil))
	if _, ok := errors.AsType[*config.Error](err); !ok || !strings.Contains(err.Error(), "read configuration") {
		t.Errorf("got %v", err)
	}
}

func TestLoad_EnvFile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, ".env"), "\ufeff# accounts\nexport TOKEN='a $b #c' # comment\r\nURL=https://file.example # note\nEMPTY=\n")
	path := filepath.Join(dir, "winback.yaml")
	write(t, path, head+"sources: {main: {connector: crm, url: \"${URL}\", token: \"${TOKEN}${EMPTY}\"}}\n")

	c, err := config.Load(path, registry(t), env(nil))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Sources[0].Config.(*crm); got.URL != "https://file.example" || got.Token.Reveal() != "a $b #c" {
		t.Errorf("got %s %s", got.URL, got.Token.Reveal())
	}
	c, err = config.Load(path, registry(t), env(map[string]string{"URL": "https://env.example"}))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Sources[0].Config.(*crm).URL; got != "https://env.example" {
		t.Errorf("the environment wins over .env, got %s", got)
	}
}

func TestLoad_ErrEnvFile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, ".env"), "A=1\nhunter2\nB=\"hunter2\n")
	write(t, filepath.Join(dir, "winback.yaml"), head)
	_, err := config.Load(filepath.Join(dir, "winback.yaml"), registry(t), env(nil))
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Fatalf("got %v", err)
	}
	want := filepath.Join(dir, ".env") + ":2:1: wants NAME=value\n" +
		filepath.Join(dir, ".env") + ":3:1: the quotes around B are not closed, or followed by something"
	if err.Error() != want {
		t.Errorf("got\n%v", err)
	}
}

func TestConfig_SetAsOf(t *testing.T) {
	c, err := load(t, head, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetAsOf("2020-02-29"); err != nil || c.AsOf.String() != "2020-02-29" {
		t.Errorf("got %v, %v", c.AsOf, err)
	}
	for text, want := range map[string]string{
		"29.02.2020": `as of: wants a date such as 2011-12-09, got "29.02.2020"`,
		"2024-03-12": "as of: 2024-03-12 is in the future, today is 2024-03-11 in Europe/Moscow",
	} {
		if err := c.SetAsOf(text); err == nil || err.Error() != want {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func TestSettings_TagsAreSound(t *testing.T) {
	for _, settings := range []any{&config.Settings{}, &config.SourceSettings{}} {
		if err := spec.Check(settings); err != nil {
			t.Error(err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/errors/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	known := registry(f)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "winback.yaml")
		write(t, path, text)
		c, err := config.Load(path, known, env(nil))
		if (c == nil) == (err == nil) {
			t.Errorf("got %v and %v", c, err)
		}
	})
}

func TestLoad_Serve(t *testing.T) {
	_, err := load(t, head+`
serve:
  listen: 0.0.0.0:8124
  users:
    - {name: ann, password: "${ANN}"}
    - {name: bob, role: admin, password: {file: secret}}
`, map[string]string{"ANN": "hunter2"})
	if err == nil || !strings.Contains(err.Error(), "secret") {
		t.Fatalf("a missing secret file: %v", err)
	}
	c, err := load(t, head+"serve: {users: [{name: ann, password: \"${ANN}\"}, {name: bob, databases: [mart, staging]}]}\n", map[string]string{"ANN": "hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Serve.Listen != "127.0.0.1:8123" || !c.Serve.Loopback() || len(c.Serve.Users) != 2 {
		t.Fatalf("got %+v", c.Serve)
	}
	ann, bob := c.Serve.Users[0], c.Serve.Users[1]
	if ann.Admin() || ann.Password.Reveal() != "hunter2" || cmp.Diff(ann.Account().Databases, []string{"mart"}) != "" || cmp.Diff(bob.Databases, []string{"mart", "staging"}) != "" {
		t.Errorf("got %+v", c.Serve.Users)
	}
}
