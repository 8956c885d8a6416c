package pipelines

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"winback/connectors/spec"
	"winback/pipelines/alarm"
	"winback/pipelines/config"
)

// foundTexts returns the texts of what was found.
func foundTexts(t *testing.T, found []alarm.Finding, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, f := range found {
		texts = append(texts, f.Text)
	}
	return strings.Join(texts, "; ")
}

func TestFinders_BackupLate(t *testing.T) {
	b := newBench(t)
	b.configureWith("models: {only: [stg_callcenter__calls]}\nbackup: {to: copies}\nalarms: {webhook: \"https://chat.example/x\", backup_after: 48h}\n", callDatasets)
	place := b.project.Config.BackupPlace()
	f := finders{p: b.project, c: &b.project.Config.Alarms, backups: &lastBackup{}}
	late := func(after time.Duration) string {
		t.Helper()
		b.now = b.now.Add(after)
		found, err := f.backupLate(t.Context(), b.now)
		return foundTexts(t, found, err)
	}
	back := func() {
		t.Helper()
		store, err := OpenBackups(place)
		if err == nil {
			_, err = b.project.Backup(t.Context(), BackupOptions{Store: store})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := late(0); got != "there is no backup in "+place+": winback backup makes one" {
		t.Errorf("before the first: %q", got)
	}
	back()
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{11 * time.Minute, ""}, {47 * time.Hour, ""}, {time.Hour, "the last backup in " + place + " is of 2026-03-01 06:0"}} {
		if got := late(step.after); !strings.HasPrefix(got, step.want) || step.want == "" && got != "" {
			t.Errorf("%v later: %q, want %q", step.after, got, step.want)
		}
	}
	back()
	if got := late(11 * time.Minute); got != "" {
		t.Errorf("with another one: %q", got)
	}
	b.configureWith("", callDatasets)
	f = finders{p: b.project, c: &b.project.Config.Alarms, backups: &lastBackup{}}
	if got := late(0); got != "" {
		t.Errorf("where none are made: %q", got)
	}
}

func TestFinders_CertificateEnds(t *testing.T) {
	ends := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	cert, key := selfSigned[spec.Path](t, ends)
	p := &Project{Config: &config.Config{Location: time.UTC}}
	f := finders{p: p, c: &config.Alarms{CertificateBefore: 14 * 24 * time.Hour}}
	end := func(now time.Time) string {
		t.Helper()
		found, err := f.certificateEnds(t.Context(), now)
		return foundTexts(t, found, err)
	}
	if got := end(ends); got != "" {
		t.Errorf("without a certificate: %q", got)
	}
	p.Config.Serve.TLS.CertFile, p.Config.Serve.TLS.KeyFile = cert, key
	if got := end(ends.AddDate(0, 0, -15)); got != "" {
		t.Errorf("15 days before: %q", got)
	}
	if got := end(ends.AddDate(0, 0, -14)); got != "the certificate "+string(cert)+" is valid until 2026-03-31 12:00: renew it, and nobody has to be interrupted" {
		t.Errorf("14 days before: %q", got)
	}
}

// selfSigned writes a certificate that ends at a moment, and its key.
func selfSigned[Path ~string](t *testing.T, ends time.Time) (cert, key Path) {
	t.Helper()
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: ends.AddDate(0, -3, 0), NotAfter: ends}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &pair.PublicKey, pair)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(pair)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, bytes []byte) Path {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600); err != nil {
			t.Fatal(err)
		}
		return Path(path)
	}
	return write("tls.crt", "CERTIFICATE", der), write("tls.key", "PRIVATE KEY", secret)
}
