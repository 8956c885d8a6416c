package restapi

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"winback/connectors/spec"
)

// Connection are the keys of every source that is asked over HTTP; connectors embed
// it in their own configuration.
type Connection struct {
	RequestsPerSecond float64       `yaml:"requests_per_second" advanced:"true" doc:"fewer requests a second than the source allows, where others need them too" example:"1.5"`
	Timeout           time.Duration `yaml:"timeout" default:"60s" advanced:"true" doc:"how long one request may take, its answer included; of a file, how long nothing may come"`
	Patience          time.Duration `yaml:"patience" default:"15m" advanced:"true" doc:"how long to go on trying while the source is busy or out of order"`
	Proxy             spec.Secret   `yaml:"proxy" advanced:"true" doc:"address of an HTTP proxy; default: what HTTPS_PROXY and NO_PROXY say" example:"${PROXY_URL}"`
	CAFile            spec.Path     `yaml:"ca_file" advanced:"true" doc:"PEM file of certificate authorities to trust besides the system's" example:"company-ca.pem"`
}

// reachWithin is how long a host may take to let in: those that do not answer at all are
// told, or tried again, before a person gives up.
const reachWithin = 10 * time.Second

// transport makes the connections that the configuration asks for.
func (c Connection) transport() (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 16
	t.DialContext = (&net.Dialer{Timeout: reachWithin, KeepAlive: 30 * time.Second}).DialContext
	t.ResponseHeaderTimeout = c.Timeout
	if c.Proxy != "" {
		proxy, err := url.Parse(c.Proxy.Reveal())
		if err != nil || proxy.Host == "" {
			return nil, fmt.Errorf("proxy wants an address such as http://proxy.example:3128")
		}
		t.Proxy = http.ProxyURL(proxy)
	}
	if c.CAFile != "" {
		pool, err := trust(string(c.CAFile))
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return t, nil
}

func trust(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read ca_file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file %s holds no certificate in PEM form", file)
	}
	return pool, nil
}
