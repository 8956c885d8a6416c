package engine_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"winback/pipelines/engine"
	"winback/pipelines/engine/enginetest"
)

// A process opens one engine at a time, so what needs another one runs in a
// process of its own: this test binary again, told by this variable which of the
// scenes to play.
const sceneVariable = "WINBACK_TEST_SCENE"

func TestMain(m *testing.M) {
	if name := os.Getenv(sceneVariable); name != "" {
		if err := scenes[name](os.Getenv("WINBACK_TEST_DIR")); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("the scene ended well")
		os.Exit(0)
	}
	enginetest.Main(m)
}

// play runs a scene and gives what it printed.
func play(t *testing.T, scene, dir string) (string, error) {
	t.Helper()
	enginetest.Library(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(bounded(t), exe)
	cmd.Env = append(os.Environ(), sceneVariable+"="+scene, "WINBACK_TEST_DIR="+dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustPlay(t *testing.T, scene string) {
	t.Helper()
	out, err := play(t, scene, t.TempDir())
	if err != nil || !strings.HasSuffix(out, "the scene ended well\n") {
		t.Errorf("%v:\n%s", err, out)
	}
}

func findLibrary() (engine.Library, error) { return engine.Find(os.Getenv, "") }
