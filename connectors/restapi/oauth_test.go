package restapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// granting is a server whose refresh tokens are good for one use, and whose
// access tokens are good while they are the newest.
type granting struct {
	mu     sync.Mutex
	n      int // of the pair that is good now
	grants int
}

func (g *granting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.URL.Path == "/token" {
		if r.FormValue("refresh_token") != fmt.Sprintf("refresh-%d", g.n) {
			status(401, `{"hint": "Token has been revoked"}`)(w, r)
			return
		}
		g.n++
		g.grants++
		status(200, fmt.Sprintf(`{"access_token": "access-%d", "refresh_token": "refresh-%d", "expires_in": 3600}`, g.n, g.n))(w, r)
		return
	}
	if r.Header.Get("Authorization") != fmt.Sprintf("Bearer access-%d", g.n) {
		status(401, `{"error": "expired_token"}`)(w, r)
		return
	}
	status(200, `{"n": 7}`)(w, r)
}

func granted(t *testing.T) (*granting, string) {
	t.Helper()
	g := &granting{}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return g, server.URL
}

// program is a program that uses the grant "refresh-0".
func program(t *testing.T, url, folder string) *Client {
	t.Helper()
	auth := &OAuth{Grant: Tokens{Refresh: "refresh-0"}, Folder: folder, Exchange: func(ctx context.Context, refresh string) (Tokens, error) {
		return AskTokens(ctx, Options{Base: url, Auth: Unsigned(refresh), Clock: newVirtual()},
			Request{Path: "token", Form: map[string][]string{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}})
	}}
	return mustClient(t, Options{Base: url, Auth: auth, Clock: newVirtual()})
}

func ask(t *testing.T, c *Client) {
	t.Helper()
	if got, _, err := Get[number](t.Context(), c, Request{Path: "n"}); err != nil || got.N != 7 {
		t.Fatalf("got %v, %v", got, err)
	}
}

func TestOAuth_ARenewedTokenIsKeptForTheNextProgram(t *testing.T) {
	g, url := granted(t)
	folder := filepath.Join(t.TempDir(), "state")
	ask(t, program(t, url, folder))
	ask(t, program(t, url, folder))
	if g.grants != 1 {
		t.Errorf("asked %d times for tokens", g.grants)
	}
	info, err := os.Stat(filepath.Join(folder, tokenFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
}

func TestOAuth_OfManyRequestsOneRenews(t *testing.T) {
	g, url := granted(t)
	folder := t.TempDir()
	first, second := program(t, url, folder), program(t, url, folder)
	ask(t, first)
	ask(t, second)
	g.mu.Lock()
	kept := fmt.Sprintf(`{"access_token":"stale","refresh_token":"refresh-%d","grant":%q}`, g.n, fingerprint("refresh-0"))
	g.mu.Unlock()
	for _, c := range []*Client{first, second} {
		c.auth.(*OAuth).tokens.Access = "stale"
	}
	if err := os.WriteFile(filepath.Join(folder, tokenFile), []byte(kept), 0o600); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			c := []*Client{first, second}[i%2]
			if _, _, err := Get[number](t.Context(), c, Request{Path: "n"}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if g.grants != 2 {
		t.Errorf("asked %d times for tokens", g.grants)
	}
}

func TestOAuth_AccessThatIsGoneIsToldWithoutTheToken(t *testing.T) {
	g, url := granted(t)
	g.n = 5 // the configured refresh token was used elsewhere
	_, _, err := Get[number](t.Context(), program(t, url, t.TempDir()), Request{Path: "n"})
	if !errors.Is(err, ErrNoRenewal) || strings.Contains(err.Error(), "refresh-0") {
		t.Errorf("got %v", err)
	}
}

func TestOAuth_ATokenTakenWhileSigningIsASecretToo(t *testing.T) {
	server, _ := answers(t, func(w http.ResponseWriter, r *http.Request) {
		status(422, `{"error": "not for `+r.Header.Get("Authorization")+`"}`)(w, r)
	})
	auth := &OAuth{Folder: t.TempDir(), Exchange: func(context.Context, string) (Tokens, error) { return Tokens{Access: "fresh-token"}, nil }}
	c := mustClient(t, Options{Base: server.URL, Auth: auth, Clock: newVirtual()})
	if _, _, err := Get[number](t.Context(), c, Request{Path: "n"}); err == nil || strings.Contains(err.Error(), "fresh-token") || !strings.Contains(err.Error(), "not for Bearer [secret]") {
		t.Errorf("got %v", err)
	}
}

func TestOAuth_ANewGrantCountsMoreThanWhatWasKept(t *testing.T) {
	_, url := granted(t)
	folder := t.TempDir()
	kept := `{"access_token":"old","refresh_token":"old","grant":"another"}`
	if err := os.WriteFile(filepath.Join(folder, tokenFile), []byte(kept), 0o600); err != nil {
		t.Fatal(err)
	}
	ask(t, program(t, url, folder))
}
