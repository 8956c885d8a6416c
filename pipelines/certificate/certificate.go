// Package certificate serves TLS with a certificate from files, which may be
// renewed while it is served.
package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Pair is a certificate and its key in two files. It may be used by several
// goroutines.
type Pair struct {
	certFile, keyFile string
	log               *slog.Logger

	mu     sync.Mutex
	looked time.Time
	stamp  [2]time.Time
	loaded *tls.Certificate
}

// lookEvery is how often the files are looked at for a renewal.
const lookEvery = 5 * time.Second

// Load reads the files. The logger hears of a renewal that can't be read, with
// which the old certificate goes on; nil: nobody does.
func Load(certFile, keyFile string, log *slog.Logger) (*Pair, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	p := &Pair{certFile: certFile, keyFile: keyFile, log: log}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p, p.read()
}

// Config is how a server uses the certificate: TLS 1.2 and later, HTTP/1.1.
func (p *Pair) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return p.current(false), nil
		},
	}
}

// Expires is when the certificate that is served ends to be valid.
func (p *Pair) Expires() time.Time { return p.current(false).Leaf.NotAfter }

// Reload looks at the files at once.
func (p *Pair) Reload() { p.current(true) }

func (p *Pair) current(now bool) *tls.Certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now || time.Since(p.looked) >= lookEvery {
		if err := p.read(); err != nil {
			p.log.Error("the certificate stays the old one", "error", err)
		}
	}
	return p.loaded
}

// read loads the files when they have changed.
func (p *Pair) read() error {
	p.looked = time.Now()
	var stamp [2]time.Time
	for i, path := range []string{p.certFile, p.keyFile} {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("read the certificate: %w", err)
		}
		stamp[i] = info.ModTime()
	}
	if p.loaded != nil && stamp == p.stamp {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(p.certFile, p.keyFile)
	if err != nil {
		return fmt.Errorf("read the certificate %s and its key %s: %w", p.certFile, p.keyFile, err)
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return fmt.Errorf("read the certificate %s: %w", p.certFile, err)
		}
	}
	p.loaded, p.stamp = &pair, stamp
	return nil
}
