package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"winback/connectors/all"
	"winback/pipelines/config"
	"winback/pipelines/status"
)

// The files that put the program somewhere name its commands, flags, variables, paths
// and ports. These tests hold them against the program.

const deployed = "../../deploy"

func deployFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(deployed, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// strictYAML decodes a document that must have no key which the type lacks.
func strictYAML(t *testing.T, path string, into any) {
	t.Helper()
	if err := yaml.UnmarshalWithOptions([]byte(deployFile(t, path)), into, yaml.Strict()); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// The homes and configurations of the files.
const (
	deployedConfig = "/etc/winback/winback.yaml"
	deployedHome   = "/var/lib/winback"
)

// checkCommand says whether the program has a command with its flags, and that it is
// told where configuration and home are.
func checkCommand(t *testing.T, where string, argv []string) {
	t.Helper()
	if len(argv) == 0 || filepath.Base(argv[0]) != "winback" {
		t.Errorf("%s: %q is not winback", where, argv)
		return
	}
	a := &app{}
	root := a.root()
	cmd, rest, err := root.Find(argv[1:])
	if err == nil && cmd == root {
		err = fmt.Errorf("it names no command")
	}
	if err == nil {
		err = cmd.ParseFlags(rest)
	}
	if err == nil {
		err = cmd.ValidateArgs(cmd.Flags().Args())
	}
	if err != nil {
		t.Errorf("%s: %q: %v", where, argv, err)
	}
	if a.config != deployedConfig || a.home != deployedHome {
		t.Errorf("%s: %q has the configuration %q and the home %q", where, argv, a.config, a.home)
	}
}

// containerInstruction returns the arguments of an instruction of the container file.
func containerInstruction(t *testing.T, name string) (argv []string) {
	t.Helper()
	found := regexp.MustCompile(`(?m)^` + name + ` (\[.*\])$`).FindStringSubmatch(deployFile(t, "Containerfile"))
	if found == nil || json.Unmarshal([]byte(found[1]), &argv) != nil {
		t.Fatalf("the container file has no %s", name)
	}
	return argv
}

func TestDeployment_Container(t *testing.T) {
	text := deployFile(t, "Containerfile")
	checkCommand(t, "Containerfile", append(containerInstruction(t, "ENTRYPOINT"), containerInstruction(t, "CMD")...))
	module, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	goVersion := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(string(module))[1]
	for _, want := range []string{
		"golang:" + goVersion + "-", "COPY --from=engine /engine/libchdb.so /engine/engine.json /usr/local/lib/", "USER 10001:10001", "VOLUME " + deployedHome,
		"RUN /src/deploy/engine/install.sh /engine",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the container file lacks %q", want)
		}
	}
	for _, image := range regexp.MustCompile(`(?m)^ARG \w+_IMAGE=(\S+)$`).FindAllStringSubmatch(text, -1) {
		checkPinned(t, image[1])
	}
	if !strings.Contains(text, "-X main.version=") || !strings.Contains(text, "CGO_ENABLED=0") {
		t.Error("the program is built in another way than make build does")
	}
}

// checkPinned says whether an image has a version of its own, at least two numbers.
func checkPinned(t *testing.T, image string) {
	t.Helper()
	_, tag, _ := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	if tag = regexp.MustCompile(`\$\{\w+:-(.*)\}`).ReplaceAllString(tag, "$1"); !regexp.MustCompile(`\d+(\.\d+|\d{6})`).MatchString(tag) {
		t.Errorf("image %s has no exact version", image)
	}
}

type composeFile struct {
	Name     string                    `yaml:"name"`
	Base     any                       `yaml:"x-winback"`
	Services map[string]composeService `yaml:"services"`
	Volumes  map[string]struct{}       `yaml:"volumes"`
}

type composeService struct {
	Image, Restart string
	Build          any
	User           string
	Command        []string
	ReadOnly       bool     `yaml:"read_only"`
	CapDrop        []string `yaml:"cap_drop"`
	SecurityOpt    []string `yaml:"security_opt"`
	NetworkMode    string   `yaml:"network_mode"`
	StopGrace      string   `yaml:"stop_grace_period"`
	MemLimit       string   `yaml:"mem_limit"`
	PidsLimit      int      `yaml:"pids_limit"`
	CPUs           float64  `yaml:"cpus"`
	Tmpfs, Ports   []string
	Profiles       []string
	Ulimits        any
	Environment    map[string]string
	Volumes        []any
	Healthcheck    struct {
		Test        []string
		Interval    time.Duration
		Timeout     time.Duration
		StartPeriod string `yaml:"start_period"`
		Retries     int
	}
	DependsOn map[string]struct{ Condition string } `yaml:"depends_on"`
}

func TestDeployment_Compose(t *testing.T) {
	var c composeFile
	strictYAML(t, "compose/compose.yaml", &c)
	entry := containerInstruction(t, "ENTRYPOINT")
	for name, s := range c.Services {
		where := "compose service " + name
		checkPinned(t, s.Image)
		for _, v := range s.Volumes {
			if text, ok := v.(string); ok {
				checkComposeVolume(t, where, text, c.Volumes)
			}
		}
		for on := range s.DependsOn {
			if _, is := c.Services[on]; !is {
				t.Errorf("%s depends on %s, which is not there", where, on)
			}
		}
		if !strings.HasPrefix(s.Image, "winback:") {
			continue
		}
		checkCommand(t, where, append(slices.Clone(entry), s.Command...))
		if test := s.Healthcheck.Test; len(test) > 0 {
			checkCommand(t, where+", health", test[1:])
		}
		if !s.ReadOnly || s.User != "10001:10001" || !slices.Contains(s.CapDrop, "ALL") || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s has more rights than it needs", where)
		}
		checkVariables(t, "kubernetes/embedded/winback.yaml", s.Environment)
	}
	for _, name := range regexp.MustCompile(`\$\{(\w+):\?`).FindAllStringSubmatch(deployFile(t, "compose/compose.yaml"), -1) {
		if !strings.Contains(deployFile(t, "compose/env.example"), name[1]+"=") {
			t.Errorf("env.example lacks %s", name[1])
		}
	}
}

// checkComposeVolume says whether a mount's source is there.
func checkComposeVolume(t *testing.T, where, text string, volumes map[string]struct{}) {
	t.Helper()
	source := strings.Split(text, ":")[0]
	switch {
	case strings.HasPrefix(source, "${"):
	case strings.HasPrefix(source, "."):
		if _, err := os.Stat(filepath.Join(deployed, "compose", source)); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	default:
		if _, is := volumes[source]; !is {
			t.Errorf("%s mounts %s, which is no volume", where, source)
		}
	}
}

// checkVariables says whether a configuration gets the variables that it cannot do
// without.
func checkVariables(t *testing.T, path string, given map[string]string) {
	t.Helper()
	text := regexp.MustCompile(`(?m)^\s*#.*$`).ReplaceAllString(deployFile(t, path), "")
	for _, name := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(text, -1) {
		if _, is := given[name[1]]; !is {
			t.Errorf("%s wants %s, which nobody gives", path, name[1])
		}
	}
}

// deployedConfigurations are loaded as the program does it.
func loadDeployed(t *testing.T, path string) *config.Config {
	t.Helper()
	registry, err := all.Registry()
	if err != nil {
		t.Fatal(err)
	}
	env := config.Env{Now: time.Now, Lookup: func(name string) (string, bool) {
		if name == "WINBACK_HOST" {
			return "0.0.0.0", true
		}
		return "secret", !strings.HasSuffix(name, "_DATA")
	}}
	c, err := config.Load(filepath.Join(deployed, path), registry, env)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDeployment_Configurations(t *testing.T) {
	c := loadDeployed(t, "kubernetes/embedded/winback.yaml")
	if c.Serve.Listen != "0.0.0.0:8123" || c.Status.Address(c.Serve.Listen) != "0.0.0.0:8124" || !c.Warehouse.Embedded() || len(c.Serve.Users) != 2 {
		t.Errorf("the service listens at %s and %s", c.Serve.Listen, c.Status.Listen)
	}
	server := loadDeployed(t, "kubernetes/server/winback.yaml")
	if server.Warehouse.Embedded() || server.Landing.OnDisk() {
		t.Error("server mode has something in its home")
	}
}

func TestDeployment_Systemd(t *testing.T) {
	checked := t.TempDir()
	for _, name := range []string{"winback.service", "winback-backup.service", "winback-backup.timer"} {
		text := deployFile(t, "systemd/"+name)
		for _, line := range regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindAllStringSubmatch(text, -1) {
			checkCommand(t, name, strings.Fields(line[1]))
		}
		if strings.HasSuffix(name, ".service") && !strings.Contains(text, "StateDirectory=winback\n") {
			t.Errorf("%s does not own its home", name)
		}
		// The program is somewhere else while it is being tested.
		text = strings.ReplaceAll(text, "/usr/local/bin/winback", "/bin/true")
		if err := os.WriteFile(filepath.Join(checked, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not here: the units were not verified")
		return
	}
	units, err := filepath.Glob(filepath.Join(checked, "*"))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, append([]string{"verify", "--man=no"}, units...)...).CombinedOutput(); err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Errorf("verify: %v\n%s", err, out)
	}
	if out, err := exec.Command(analyze, "security", "--offline=true", "--threshold=20", filepath.Join(checked, "winback.service")).CombinedOutput(); err != nil {
		t.Errorf("exposed by more than 2.0: %v\n%s", err, out)
	}
}

// TestDeployment_Probes asks the status page what Kubernetes will.
func TestDeployment_Probes(t *testing.T) {
	server, err := status.New(status.Options{Project: "acme", Home: t.TempDir(), Zone: time.UTC, Embedded: true, Logger: slog.New(slog.DiscardHandler), Now: time.Now, Open: func() bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusServiceUnavailable, "/metrics": http.StatusOK} {
		answer := httptest.NewRecorder()
		server.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8124"+path, nil))
		if answer.Code != want {
			t.Errorf("%s without a warehouse: %d, want %d: %s", path, answer.Code, want, answer.Body)
		}
	}
}
