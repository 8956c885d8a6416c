package sqldb

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/sqldb/sqldbtest"
)

// certificates are those of an authority of the company's own and of a server at
// 127.0.0.1, as PEM.
func certificates(t *testing.T) (authority, server, key []byte) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	made := func(serial int64, name string, ca bool) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			IsCA: ca, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		}
	}
	ownKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	own := made(1, "Acme authority", true)
	authorityDER, err := x509.CreateCertificate(rand.Reader, own, own, &ownKey.PublicKey, ownKey)
	must(err)
	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	leaf := made(2, "db", false)
	leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	serverDER, err := x509.CreateCertificate(rand.Reader, leaf, own, &serverKey.PublicKey, ownKey)
	must(err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(serverKey)
	must(err)
	text := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	return text("CERTIFICATE", authorityDER), text("CERTIFICATE", serverDER), text("PRIVATE KEY", keyDER)
}

// tlsModes are the ways to reach a server whose certificate is a private authority's,
// and what comes of them: how the server says the connection is, or an error.
var tlsModes = []struct {
	name, keys string
	encrypted  bool
	wrong      string // part of the error
}{
	{"off", "tls: off", false, ""},
	{"if the server has it", "tls: prefer", true, ""},
	{"without looking at the certificate", "tls: require", true, ""},
	{"verified, authority named", "tls: verify\nca: {ca}", true, ""},
	{"verified, authority not known", "tls: verify", false, "certificate"},
	{"verified, of another host", "tls: verify\nca: {ca}\nhost: localhost", false, "certificate"},
}

// encryption opens a source in every way. How says of a query's answer whether the
// connection is encrypted.
func encryption(t *testing.T, c *connectors.Connector, address, authority, query string) {
	t.Helper()
	server, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range tlsModes {
		keys := strings.ReplaceAll(mode.keys, "{ca}", authority)
		if !strings.Contains(keys, "host:") {
			keys += "\nhost: 127.0.0.1"
		}
		r, err := open(t, c, fmt.Sprintf("%s\nport: %s\nuser: admin\npassword: %s\ndatabase: %s\ndatasets: {shop.orders: {query: \"%s\", key: id, fields: {id: id, number: how}}}\n",
			keys, server.Port(), sqldbtest.Password, strings.Trim(server.Path, "/"), query))
		if err != nil {
			t.Fatal(err)
		}
		m, err := r.try(context.Background(), nil)
		switch {
		case mode.wrong != "":
			if err == nil || !strings.Contains(err.Error(), mode.wrong) {
				t.Errorf("%s: %v", mode.name, err)
			}
		case err != nil:
			t.Errorf("%s: %v", mode.name, err)
		default:
			equal(t, mode.name, strings.Contains(m.Row("shop.orders", "1"), "number=yes"), mode.encrypted)
		}
	}
}

func TestPostgres_Encryption(t *testing.T) {
	t.Parallel()
	authority, certificate, key := certificates(t)
	server, err := sqldbtest.StartPostgres()
	unless(t, err)
	t.Cleanup(func() { _ = server.Stop() })
	if err := server.Encrypt(certificate, key); err != nil {
		t.Fatal(err)
	}
	encryption(t, Postgres(), server.URL("admin", "postgres"), filepath.Join(folderWith(t, map[string][]byte{"ca.pem": authority}), "ca.pem"),
		"select 1 as id, (select case when ssl then 'yes' else 'no' end from pg_stat_ssl where pid = pg_backend_pid()) as how")
}

func TestMySQL_Encryption(t *testing.T) {
	t.Parallel()
	authority, certificate, key := certificates(t)
	folder := folderWith(t, map[string][]byte{"ca.pem": authority, "server.crt": certificate, "server.key": key})
	server, err := sqldbtest.StartMariaDB("--ssl-cert="+filepath.Join(folder, "server.crt"), "--ssl-key="+filepath.Join(folder, "server.key"))
	unless(t, err)
	t.Cleanup(func() { _ = server.Stop() })
	encryption(t, MySQL(), server.URL("admin", "mysql"), filepath.Join(folder, "ca.pem"),
		"select 1 as id, (select if(variable_value = '', 'no', 'yes') from information_schema.session_status where variable_name = 'Ssl_cipher') as how")
}

// folderWith is a folder with files that the servers may read, who are not the user of
// the tests.
func folderWith(t *testing.T, files map[string][]byte) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "winback-certificates-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}
