package dashboards_test

import (
	"regexp"
	"strings"
	"testing"
)

// secretive finds what a dashboard's file never has: credentials, addresses, numbers
// that somebody can be called by.
var secretive = regexp.MustCompile(`(?i)"[^"]*(password|token|secureJsonData|apiKey|credential)[^"]*"\s*:|[\w.+-]+@[\w-]+\.[a-z]{2,}|\+\d[\d ()-]{8,}\d|glsa_|Bearer `)

// No dashboard's file holds a secret or somebody's address.
func TestFiles_NoSecrets(t *testing.T) {
	for name, text := range files(t) {
		for _, found := range secretive.FindAllString(string(text), -1) {
			t.Errorf("%s holds %q", name, found)
		}
	}
}

// personal is what columns of personal data have in the test below.
const personal = "Personal data of Featherstonehaugh-Cholmondeley, 14 Consolidated International Terrace"

// callList is the one page that says whom to call, and how.
const callList = "winback-queue"

// Personal data is on the call list and on no other page: not in its panels, not in the
// tables behind them, not in what one sees when the mouse rests on something.
func TestPages_PersonalData(t *testing.T) {
	conn := emptyWarehouse(t)
	fillMarts(t, conn, 3, []string{"Ann", "Bob"})
	shown := false
	for _, section := range strings.Split(pageOf(t, conn, nil), `<section class="board" id="`)[1:] {
		board, _, _ := strings.Cut(section, `"`)
		at := strings.Index(section, personal)
		switch {
		case board == callList:
			shown = at >= 0
		case at >= 0:
			t.Errorf("%s shows %q", board, section[max(0, at-200):min(len(section), at+100)])
		}
	}
	if !shown {
		t.Error("the call list does not say whom to call: nothing was tested")
	}
}
