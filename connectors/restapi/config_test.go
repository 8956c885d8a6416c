package restapi

import (
	"context"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"winback/connectors/spec"
)

// private starts a server whose certificate only its own authority vouches for.
func private(t *testing.T) (server *httptest.Server, authority spec.Path) {
	t.Helper()
	server = httptest.NewTLSServer(status(200, `{"n": 7}`))
	t.Cleanup(server.Close)
	server.Config.ErrorLog = nil
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return server, spec.Path(file)
}

// A private authority is trusted when it is named, and how to name it is told when it
// is not; nothing is tried again for it.
func TestConnection_TrustsAPrivateAuthority(t *testing.T) {
	server, authority := private(t)
	client := mustClient(t, Options{Base: server.URL, Config: Connection{CAFile: authority}, Clock: newVirtual()})
	if got, _, err := Get[number](context.Background(), client, Request{}); err != nil || got.N != 7 {
		t.Errorf("got %v, %v", got, err)
	}
	client = mustClient(t, Options{Base: server.URL, Clock: newVirtual()})
	_, _, err := Get[number](context.Background(), client, Request{})
	if err == nil || !strings.Contains(err.Error(), "name its file in ca_file") || strings.Contains(err.Error(), "tries") {
		t.Errorf("without it: %v", err)
	}
	for name, text := range map[string]string{"no such file": "", "holds no certificate in PEM form": "something else"} {
		file := filepath.Join(t.TempDir(), "ca.pem")
		if text != "" {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := New(Options{Base: server.URL, Config: Connection{CAFile: spec.Path(file)}}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// proxy is an HTTP proxy that wants a password.
type proxy struct {
	mu      sync.Mutex
	asked   []string // method and host, of what was let through
	refused int
}

const proxyPassword = "proxy-password-0123"

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user := &http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
	_, password, _ := user.BasicAuth()
	p.mu.Lock()
	if password != proxyPassword {
		p.refused++
		p.mu.Unlock()
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	p.asked = append(p.asked, r.Method+" "+r.Host)
	p.mu.Unlock()
	if r.Method != http.MethodConnect {
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, answer.Body)
		return
	}
	behind, err := net.Dial("tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	front, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(front, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { _, _ = io.Copy(behind, front); behind.Close() }()
	_, _ = io.Copy(front, behind)
	front.Close()
}

// Requests go by the proxy that is configured, encrypted ones through a tunnel; its
// password is in no error.
func TestConnection_GoesByTheProxy(t *testing.T) {
	secure, authority := private(t)
	plain, _ := answers(t, status(200, `{"n": 7}`))
	for name, server := range map[string]*httptest.Server{"CONNECT": secure, "GET": plain} {
		p := &proxy{}
		front := httptest.NewServer(p)
		t.Cleanup(front.Close)
		at := func(password string) Connection {
			u, err := url.Parse(front.URL)
			if err != nil {
				t.Fatal(err)
			}
			u.User = url.UserPassword("winback", password)
			return Connection{CAFile: authority, Proxy: spec.Secret(u.String())}
		}
		client := mustClient(t, Options{Base: server.URL, Config: at(proxyPassword), Clock: newVirtual()})
		if got, _, err := Get[number](context.Background(), client, Request{}); err != nil || got.N != 7 {
			t.Fatalf("%s: got %v, %v", name, got, err)
		}
		if want := name + " " + strings.TrimPrefix(strings.TrimPrefix(server.URL, "http://"), "https://"); strings.Join(p.asked, ", ") != want {
			t.Errorf("the proxy was asked for %q, want %q", p.asked, want)
		}
		client = mustClient(t, Options{Base: server.URL, Config: at("wrong-password-9"), Clock: newVirtual()})
		_, _, err := Get[number](context.Background(), client, Request{})
		if err == nil || p.refused == 0 || strings.Contains(err.Error(), "wrong-password-9") {
			t.Errorf("%s with a wrong password: %v", name, err)
		}
	}
}
