package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const usersProject = `project: acme
timezone: UTC
currency: GBP
serve:
  listen: 127.0.0.1:0
  tls: {cert_file: tls.crt, key_file: tls.key}
`

// writeCertificate writes a certificate of this machine, signed by itself.
func writeCertificate(t *testing.T, dir string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"tls.key": {Type: "PRIVATE KEY", Bytes: secret}, "tls.crt": {Type: "CERTIFICATE", Bytes: der}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// secured is a client of a service with a certificate that nobody vouches for.
type secured struct {
	t       *testing.T
	address string
	client  *http.Client
}

// ask sends a statement, and gives the answer's status, body and the certificate's
// serial number.
func (s *secured) ask(user, password, sql string) (int, string, *http.Response) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.address, strings.NewReader(sql))
	if err != nil {
		s.t.Fatal(err)
	}
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	res, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var body bytes.Buffer
	_, _ = body.ReadFrom(res.Body) // a statement that is stopped breaks off
	return res.StatusCode, strings.TrimSpace(body.String()), res
}

var securedAt = regexp.MustCompile(`answers at (https://127\.0\.0\.1:\d+)\.`)

// A service that runs lets in who is added, and out who is removed; it has a
// certificate that may be renewed, and writes down what was asked.
func TestServe_Users(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := filepath.Join(dir, "winback.yaml")
	if err := os.WriteFile(config, []byte(usersProject), 0o600); err != nil {
		t.Fatal(err)
	}
	writeCertificate(t, dir, 1)
	made := func(args ...string) string {
		t.Helper()
		return strings.TrimSpace(winback(t, exitDone, append([]string{"users", "-c", config}, append(args, "--make")...)...).stdout.String())
	}
	root := made("add", "root", "--role", "admin")
	server := start(t, "serve", "-v", "-c", config)
	server.await("Python")
	tlsConfig := &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the certificate is its own authority
	c := &secured{t: t, address: securedAt.FindStringSubmatch(server.stderr())[1], client: &http.Client{
		Transport: &http.Transport{TLSClientConfig: tlsConfig, DisableKeepAlives: true},
	}}
	expect := func(user, password, sql string, status int, want string) *http.Response {
		t.Helper()
		got, body, res := c.ask(user, password, sql)
		if got != status || !strings.Contains(body, want) {
			t.Errorf("%s: %s: %d %s", user, sql, got, body)
		}
		return res
	}
	expect("", "", "select 1", 401, "Authentication failed") // with one user nobody else is let in
	expect("root", root, "create database if not exists mart", 200, "")
	expect("root", root, "create table mart.t engine = MergeTree order by n as select number as n from numbers(100)", 200, "")
	anna := made("add", "anna")
	res := expect("anna", anna, "select count() from t where 'secret text' != ''", 200, "100")
	if res.TLS.Version < tls.VersionTLS12 || res.TLS.PeerCertificates[0].SerialNumber.Int64() != 1 {
		t.Errorf("TLS %x", res.TLS.Version)
	}
	expect("anna", anna, "drop table t", 403, "Not enough privileges")
	second := made("passwd", "anna")
	expect("anna", anna, "select 1", 403, "Authentication failed")
	expect("anna", second, "select 1", 200, "1")

	slow := make(chan string, 1)
	go func() {
		_, body, _ := c.ask("anna", second, "select sleepEachRow(1) from numbers(1000) settings function_sleep_max_microseconds_per_block = 0, max_block_size = 1")
		slow <- body
	}()
	for body := ""; body != "1"; {
		_, body, _ = c.ask("root", root, "select count() from system.processes where query like 'select sleepEachRow(1)%'")
	}
	winback(t, exitDone, "users", "-c", config, "remove", "anna")
	if body := <-slow; !strings.Contains(body, "this user was removed or changed") {
		t.Errorf("the statement of a removed user: %s", body)
	}
	expect("anna", second, "select 1", 403, "Authentication failed")

	for range 6 {
		res = nil
		_, _, res = c.ask("eve", "guess "+time.Now().String(), "select 1")
	}
	if res.StatusCode != 429 || res.Header.Get("Retry-After") == "" {
		t.Errorf("the sixth guess: %d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
	}

	writeCertificate(t, dir, 2)
	server.signal(syscall.SIGHUP)
	server.await("users and certificate are read again")
	if res := expect("root", root, "select 1", 200, "1"); res.TLS.PeerCertificates[0].SerialNumber.Int64() != 2 {
		t.Error("the renewed certificate is not used")
	}
	old := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11} //nolint:gosec // it is to be refused
	if conn, err := tls.Dial("tcp", strings.TrimPrefix(c.address, "https://"), old); err == nil {
		conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
	server.signal(syscall.SIGTERM)
	if code := server.code(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	for _, secret := range []string{root, anna, second} {
		if said := server.stderr() + server.stdout.String(); strings.Contains(said, secret) {
			t.Errorf("a password is shown:\n%s", said)
		}
	}
	got := ask(t, config, dir, "select user, kind, state, code, query from ops.queries where user in ('anna', 'eve') and code != 159 order by started_at limit 3")
	want := []string{"anna\tselect\tdone\t0\tselect count() from t where ? != ?", "anna\tdrop\trefused\t497\tdrop table t", "anna\t\trefused\t516\t"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("ops.queries has\n%s", strings.Join(got, "\n"))
	}
}
