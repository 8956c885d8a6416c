package spec_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"winback/connectors/spec"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// shop is a configuration like a connector's, with every feature of the package.
type shop struct {
	Files     []spec.Path          `yaml:"files" required:"true" doc:"which files to read" example:"data/*.csv"`
	Delimiter string               `yaml:"delimiter" default:"," doc:"between fields"`
	Encoding  string               `yaml:"encoding" enum:"utf-8|windows-1251" default:"utf-8" doc:"of the text"`
	Threads   int                  `yaml:"threads" default:"2" doc:"how many at once" advanced:"true"`
	Limit     spec.Percent         `yaml:"limit" default:"5%" doc:"of bad lines"`
	Memory    spec.Bytes           `yaml:"memory" default:"1GiB" doc:"to use"`
	Every     time.Duration        `yaml:"every" doc:"how often"`
	Since     spec.Date            `yaml:"since" doc:"first day"`
	Strict    *bool                `yaml:"strict" doc:"refuse more"`
	Password  spec.Secret          `yaml:"password" doc:"of the account"`
	Token     string               `yaml:"token" secret:"true" doc:"of the account"`
	Columns   spec.Ordered[column] `yaml:"columns" doc:"mapping"`
	Countries map[string]string    `yaml:"countries" doc:"names of countries"`
	Retry     retry                `yaml:"retry" doc:"when it fails"`
	Proxy     *retry               `yaml:"proxy" doc:"optional block"`
	Later     spec.Node            `yaml:"later" doc:"decoded later"`
	Statuses  []string             `yaml:"statuses" enum:"paid|placed" doc:"to keep"`
	paging
}

type paging struct {
	PageSize uint16 `yaml:"page_size" default:"50" doc:"rows a page"`
}

type retry struct {
	Times int `yaml:"times" default:"3" doc:"how often"`
	Wait  int `yaml:"wait" doc:"seconds"`
	Limit int `yaml:"limit" required:"true" doc:"seconds in all"`
}

func (r *retry) Validate(n spec.Node, errs *spec.Errors) {
	if r.Wait > r.Limit {
		errs.Addf(n.Get("wait"), "must not be above limit (%d)", r.Limit)
	}
}

// column is a name alone or a map.
type column struct {
	Name   string  `yaml:"column" doc:"name in the file"`
	Factor float64 `yaml:"factor" default:"1" doc:"multiplies the value"`
}

func (c *column) UnmarshalSpec(n spec.Node, errs *spec.Errors) {
	if n.Kind() == spec.Scalar {
		*c = column{Name: n.Text(), Factor: 1}
		return
	}
	type plain column
	n.Decode((*plain)(c), errs)
}

func (column) SpecType() string { return "column name or map" }

// decode reads text as if it were conf/shop.yaml, with variables from a map.
func decode(text string, env map[string]string, into any) error {
	errs := &spec.Errors{}
	opts := spec.Options{EnvFile: "conf/.env", Lookup: func(name string) (string, bool) {
		value, found := env[name]
		return value, found
	}}
	spec.Parse("conf/shop.yaml", []byte(text), opts, errs).Labelled(`source "shop"`).Decode(into, errs)
	return errs.Err()
}

func TestDecode_Everything(t *testing.T) {
	var got shop
	err := decode(`
x-common: &common {times: 5, limit: 60}
files: [data/*.csv, /abs/x.csv, s3://bucket/x]
delimiter: ";"
encoding: windows-1251
threads: 1_000
limit: 0.5%
memory: 1.5GB
every: 7d
since: 2011-12-09
strict: false
password: ${PW}
token: tok
columns:
  zeta: Id
  alpha: {column: Sum, factor: 0.01}
countries: {DE: Germany, 1: one}
retry: {<<: *common, wait: 7}
proxy: *common
later: {any: [1, 2]}
statuses: paid
page_size: 10
`, map[string]string{"PW": `a"b: #c`}, &got)
	if err != nil {
		t.Fatal(err)
	}
	no := false
	want := shop{
		Files: []spec.Path{"conf/data/*.csv", "/abs/x.csv", "s3://bucket/x"}, Delimiter: ";", Encoding: "windows-1251",
		Threads: 1000, Limit: 0.5, Memory: 1_500_000_000, Every: 7 * 24 * time.Hour,
		Since: spec.NewDate(2011, 12, 9), Strict: &no, Password: `a"b: #c`, Token: "tok",
		Countries: map[string]string{"DE": "Germany", "1": "one"},
		Retry:     retry{Times: 5, Wait: 7, Limit: 60}, Proxy: &retry{Times: 5, Limit: 60},
		Statuses: []string{"paid"}, paging: paging{PageSize: 10},
	}
	ignore := cmp.FilterPath(func(p cmp.Path) bool {
		return p.Last().String() == ".Later" || p.Last().String() == ".Columns"
	}, cmp.Ignore())
	exported := cmp.AllowUnexported(shop{})
	if diff := cmp.Diff(want, got, ignore, exported, cmp.Comparer(func(a, b spec.Date) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	if keys := strings.Join(got.Columns.Keys(), " "); keys != "zeta alpha" {
		t.Errorf("order of columns = %s", keys)
	}
	if alpha, ok := got.Columns.Get("alpha"); !ok || alpha != (column{"Sum", 0.01}) {
		t.Errorf("alpha = %+v", alpha)
	}
	if place := got.Columns.Entries[1].Node.Key().Pos().String(); place != "conf/shop.yaml:16:3" {
		t.Errorf("place of alpha = %s", place)
	}
	if items := got.Later.Get("any").Items(); len(items) != 2 || items[1].Text() != "2" {
		t.Errorf("later = %v", items)
	}
}

func TestDecode_DefaultsWhenUnset(t *testing.T) {
	var got shop
	if err := decode("files: a.csv\nthreads:\npassword: ${NONE:-}\nretry:\n", nil, &got); err != nil {
		t.Fatal(err)
	}
	if got.Delimiter != "," || got.Threads != 2 || got.Limit != 5 || got.Memory != 1<<30 || got.PageSize != 50 {
		t.Errorf("defaults of tags: %+v", got)
	}
	if got.Retry.Times != 3 || got.Proxy != nil || got.Strict != nil || got.Password != "" {
		t.Errorf("an absent struct takes defaults, a pointer stays nil: %+v", got)
	}
	if got.Later.Kind() != spec.Absent {
		t.Errorf("later = %v", got.Later.Kind())
	}
}

// TestDecode_Errors runs every testdata/*.yaml; the errors expected stand in the .golden beside it.
func TestDecode_Errors(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := "no error\n"
			if err := decode(string(text), map[string]string{"SECRET": "hunter2"}, &shop{}); err != nil {
				got = err.Error() + "\n"
			}
			if strings.Contains(got, "hunter2") {
				t.Errorf("shows a secret:\n%s", got)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
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

func TestDecode_Values(t *testing.T) {
	type values struct {
		Int      int64         `yaml:"int"`
		Uint     uint8         `yaml:"uint"`
		Bool     bool          `yaml:"bool"`
		Float    float64       `yaml:"float"`
		Text     string        `yaml:"text"`
		Duration time.Duration `yaml:"duration"`
		Percent  spec.Percent  `yaml:"percent"`
		Bytes    spec.Bytes    `yaml:"bytes"`
		Date     spec.Date     `yaml:"date"`
		Time     time.Time     `yaml:"time"`
	}
	const ok = ""
	for _, tc := range []struct{ yaml, want string }{
		{"int: 010", ok},
		{"int: '12'", ok},
		{"int: 0x10", `int: wants a whole number, got "0x10"`},
		{"int: 99999999999999999999", `int: wants a whole number, got "99999999999999999999"`},
		{"int: [1]", "int: wants a whole number, got a list"},
		{"int: {a: 1}", "int: wants a whole number, got a map"},
		{"uint: -1", `uint: wants a whole number from 0, got "-1"`},
		{"uint: 256", `uint: wants a whole number from 0, got "256"`},
		{"bool: true", ok},
		{"bool: yes", `bool: wants true or false, got "yes"`},
		{"float: 1e3", ok},
		{"float: .nan", `float: wants a number, got ".nan"`},
		{"text: 2011-12-09", ok},
		{"text: true", ok},
		{"duration: 1h30m", ok},
		{"duration: 2w", ok},
		{"duration: 5", `duration: wants a duration such as 30s, 10m or 7d, got "5"`},
		{"duration: 99999999999d", `duration: wants a duration such as 30s, 10m or 7d, got "99999999999d"`},
		{"percent: 10", ok},
		{"percent: 0", ok},
		{"percent: 0.05", `percent: wants a percentage such as 5% with its sign, got "0.05"`},
		{"percent: -1%", `percent: wants a percentage such as 5%, got "-1%"`},
		{"percent: nan%", `percent: wants a percentage such as 5%, got "nan%"`},
		{"bytes: 64MiB", ok},
		{"bytes: 100", ok},
		{"bytes: 1G", `bytes: wants a size such as 512MiB or 1GiB, got "1G"`},
		{"bytes: infB", `bytes: wants a size such as 512MiB or 1GiB, got "infB"`},
		{"date: 2011-02-30", `date: wants a date such as 2011-12-09, got "2011-02-30"`},
		{"time: 2011-12-09T08:00:00Z", ok},
		{"time: noon", `time: wants a time such as 2024-01-31T10:00:00Z, or a date, got "noon"`},
	} {
		t.Run(tc.yaml, func(t *testing.T) {
			got := ""
			if err := decode(tc.yaml, nil, &values{}); err != nil {
				_, got, _ = strings.Cut(err.Error(), `source "shop": `)
			}
			if got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestDecode_Variables(t *testing.T) {
	env := map[string]string{"HOST": "db", "EMPTY": "", "YAML": "a: [b\n# c"}
	for _, tc := range []struct{ yaml, want, wantErr string }{
		{"v: http://${HOST}:80/${HOST}", "http://db:80/db", ""},
		{"v: ${NONE:-fallback}", "fallback", ""},
		{"v: ${EMPTY:-fallback}", "fallback", ""},
		{"v: '${EMPTY}'", "", ""},
		{"v: ${YAML}", "a: [b\n# c", ""},
		{"v: \"${HOST} # no comment\"", "db # no comment", ""},
		{"v: $${HOST}", "${HOST}", ""},
		{"v: ^C\\d+$", "^C\\d+$", ""},
		{"v: cost $5 {x}", "cost $5 {x}", ""},
		{"v: |\n  ${HOST}\n", "db\n", ""},
		{"v: ${NONE}", "", `conf/shop.yaml:1:4: source "shop": v: environment variable NONE is not set: add a line NONE=… to conf/.env, or export it, or give a default as ${NONE:-…}`},
		{"v: ${not a name}", "", `conf/shop.yaml:1:4: source "shop": v: "${not a name}" is no variable: write ${NAME} or ${NAME:-default}, or $${ for a plain ${`},
		{"v: ${HOST", "", `conf/shop.yaml:1:4: source "shop": v: "${HOST" is no variable: write ${NAME} or ${NAME:-default}, or $${ for a plain ${`},
		{"x-unused: ${NONE}\nv: 1", "1", ""},
	} {
		t.Run(tc.yaml, func(t *testing.T) {
			var got struct {
				V string `yaml:"v"`
			}
			err := decode(tc.yaml, env, &got)
			if gotErr := errorText(err); gotErr != tc.wantErr || got.V != tc.want {
				t.Errorf("got  %q, %s\nwant %q, %s", got.V, gotErr, tc.want, tc.wantErr)
			}
		})
	}
}

func TestDecode_DefaultsHaveAPlaceToo(t *testing.T) {
	var got struct {
		Paths []spec.Path `yaml:"paths" default:"[a, /b]"`
		Left  spec.Node   `yaml:"left" default:"x"`
	}
	if err := decode("", nil, &got); err != nil {
		t.Fatal(err)
	}
	if got.Paths[0] != "conf/a" || got.Paths[1] != "/b" {
		t.Errorf("paths = %v", got.Paths)
	}
	if text := got.Left.Errorf("no").Error(); text != `conf/shop.yaml:1:1: source "shop": left: no` {
		t.Error(text)
	}
}

func TestDecode_MissingVariableIsTyped(t *testing.T) {
	err := decode("delimiter: ${NONE}\nfiles: x", nil, &shop{})
	missing, ok := errors.AsType[*spec.MissingVariable](err)
	if !ok || missing.Name != "NONE" {
		t.Errorf("got %v", err)
	}
}

func TestDecode_SecretFromFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pw.txt"), []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Password spec.Secret            `yaml:"password"`
		Token    string                 `yaml:"token" secret:"true"`
		Keys     map[string]spec.Secret `yaml:"keys"`
	}
	errs := &spec.Errors{}
	text := "password: {file: pw.txt}\ntoken: {file: pw.txt}\nkeys: {a: {file: pw.txt}, b: plain}"
	spec.Parse(filepath.Join(dir, "winback.yaml"), []byte(text), spec.Options{}, errs).Decode(&got, errs)
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	if got.Password.Reveal() != "s3cret" || got.Token != "s3cret" || got.Keys["a"] != "s3cret" || got.Keys["b"] != "plain" {
		t.Errorf("got %q %q %v", got.Password.Reveal(), got.Token, got.Keys["a"].Reveal())
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
