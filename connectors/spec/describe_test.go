package spec_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"winback/connectors/spec"
)

func TestDescribe(t *testing.T) {
	var got []string
	for _, f := range spec.Flatten(spec.Describe(&shop{})) {
		line := f.Path + ": " + f.Type
		if f.Default != "" {
			line += " = " + f.Default
		}
		if f.Required {
			line += ", required"
		}
		if f.Secret {
			line += ", secret"
		}
		if f.Enum != nil {
			line += ", " + strings.Join(f.Enum, "|")
		}
		if f.Advanced {
			line += ", advanced"
		}
		if f.SameAs != "" {
			line += ", as " + f.SameAs
		}
		got = append(got, line)
	}
	want := []string{
		"files: list of paths, required", "delimiter: text = ,", "encoding: text = utf-8, utf-8|windows-1251",
		"threads: whole number = 2, advanced", "limit: percentage = 5%", "memory: size = 1GiB", "every: duration",
		"since: date", "strict: true or false", "password: secret, secret", "token: text, secret",
		"columns: map of column name or map", "columns.*.column: text", "columns.*.factor: number = 1",
		"countries: map of text",
		"retry: map", "retry.times: whole number = 3", "retry.wait: whole number", "retry.limit: whole number, required",
		"proxy: map, as retry",
		"later: anything", "statuses: list of text, paid|placed", "page_size: whole number = 50",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

type tree struct {
	Name     string `yaml:"name" doc:"of the node"`
	Children []tree `yaml:"children" doc:"below"`
}

func TestDescribe_RecursiveType(t *testing.T) {
	if got := len(spec.Flatten(spec.Describe(tree{}))); got != 2 {
		t.Errorf("%d fields", got)
	}
	var got tree
	if err := decode("name: a\nchildren: [{name: b, children: [{name: c}]}]", nil, &got); err != nil {
		t.Fatal(err)
	}
	if got.Children[0].Children[0].Name != "c" {
		t.Errorf("got %+v", got)
	}
}

func TestCheck(t *testing.T) {
	type good struct {
		A    []string  `yaml:"a" default:"[x, y]" enum:"x|y" doc:"d"`
		Tree *tree     `yaml:"tree" doc:"d"`
		Self spec.Node `yaml:",node"`
	}
	if err := spec.Check(&good{}); err != nil {
		t.Error(err)
	}
	type bad struct {
		A int            `yaml:"a" default:"many" doc:"d"`
		B string         `yaml:"a" doc:"d"`
		C string         `yaml:"c" enum:"x|y" default:"z" doc:"d"`
		D string         `yaml:"d"`
		E chan int       `yaml:"e" doc:"d"`
		F string         `yaml:"f" required:"true" default:"x" doc:"d"`
		G map[int]string `yaml:"g" doc:"d"`
		H string         `yaml:",node"`
	}
	err := spec.Check(&bad{})
	for _, want := range []string{
		`key "a": default "many": wants a whole number, got "many"`, `key "a": the key is empty or used twice`,
		`key "c": default "z": unknown value "z"`, `key "d": has no doc`, `key "e": type chan int cannot be decoded`,
		`key "f": is required and has a default`, `key "g": type map[int]string cannot be decoded`, `must be a spec.Node`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("misses %s in\n%v", want, err)
		}
	}
	if spec.Check(bad{}) == nil {
		t.Error("wants a pointer")
	}
}

func TestSelfNode(t *testing.T) {
	var got struct {
		Inner struct {
			Self spec.Node `yaml:",node"`
			A    int       `yaml:"a"`
		} `yaml:"inner"`
	}
	if err := decode("inner:\n  a: 1\n", nil, &got); err != nil {
		t.Fatal(err)
	}
	if text := got.Inner.Self.Errorf("no").Error(); text != `conf/shop.yaml:2:3: source "shop": inner: no` {
		t.Error(text)
	}
}

func TestSecret_IsNeverShown(t *testing.T) {
	secret := spec.Secret("hunter2")
	holder := struct{ Password spec.Secret }{secret}
	asJSON, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "password", secret, "holder", holder)
	all := fmt.Sprintf("%s %v %q %#v %x %d %+v %s %s", secret, secret, secret, secret, secret, secret, holder, asJSON, log.String())
	if strings.Contains(all, "hunter2") || strings.Contains(all, "68756e74657232") {
		t.Error(all)
	}
	if secret.Reveal() != "hunter2" {
		t.Error("Reveal")
	}
}

func TestErrors_SortedOnceAndUnwrapped(t *testing.T) {
	errs := &spec.Errors{}
	if errs.Err() != nil {
		t.Error("nothing is no error")
	}
	root := spec.Parse("f.yaml", []byte("a: 1\nb: 2\n"), spec.Options{}, errs)
	errs.Addf(root.Get("b"), "second: %w", fs.ErrNotExist)
	errs.Addf(root.Get("a"), "first")
	errs.Addf(root.Get("a"), "first")
	errs.Add(nil)
	other := &spec.Errors{}
	other.Add(errs.Err())
	err := other.Err()
	if want := "f.yaml:1:4: a: first\nf.yaml:2:4: b: second: file does not exist"; err.Error() != want {
		t.Errorf("got\n%v", err)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("cause is lost")
	}
}

func TestNode_Without(t *testing.T) {
	errs := &spec.Errors{}
	root := spec.Parse("f.yaml", []byte("a: 1\nb: 2\nc: 3"), spec.Options{}, errs)
	if got := strings.Join(root.Without("b").Keys(), ""); got != "ac" {
		t.Error(got)
	}
	if got := strings.Join(root.Keys(), ""); got != "abc" {
		t.Errorf("the node itself changed: %s", got)
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"churn", "delimiter", "files", "threads"}
	for got, want := range map[string]string{
		"delimeter": "delimiter", "Files": "files", "file": "files", "thraeds": "threads", "chrun": "churn", "fiels": "files", "hcrnu": "", "x": "", "": "", "something": "",
	} {
		if near := spec.Suggest(got, known); near != want {
			t.Errorf("Suggest(%q) = %q, want %q", got, near, want)
		}
	}
}

func TestTypes_String(t *testing.T) {
	for _, tc := range []struct{ got, want string }{
		{spec.Percent(0.5).String(), "0.5%"}, {fmt.Sprint(spec.Percent(5).Fraction()), "0.05"},
		{spec.Bytes(1 << 30).String(), "1GiB"}, {spec.Bytes(1_500_000_000).String(), "1500MB"},
		{spec.Bytes(0).String(), "0B"}, {spec.Bytes(1001).String(), "1001B"},
		{spec.Date{}.String(), ""}, {spec.NewDate(2011, 12, 9).AddDays(-9).String(), "2011-11-30"},
	} {
		if tc.got != tc.want {
			t.Errorf("got %s, want %s", tc.got, tc.want)
		}
	}
}
