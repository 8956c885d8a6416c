package warehouse

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"winback/pipelines/warehouse/cluster"
)

// Server is a ClickHouse server reached over HTTP or HTTPS.
type Server struct {
	// URL is https://user@host:8443/database; the scheme decides on TLS, the
	// database is the one that unqualified names of queries refer to.
	URL string
	// Password comes from the environment or a file, never from the URL.
	Password string
	// CAFile holds the certificates to trust in PEM form; empty for the system's.
	CAFile string
	// Cluster, if it has a name, is the cluster that the server is one of, and that the
	// warehouse's tables are made on.
	Cluster cluster.Cluster
}

func openServer(ctx context.Context, s Server) (*Warehouse, error) {
	options, address, err := s.clientOptions()
	if err != nil {
		return nil, err
	}
	if s.Cluster.Name != "" {
		options.Settings = s.Cluster.Settings()
	}
	conn, err := connect(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("reach the ClickHouse server at %s: %w; check warehouse.url, the user and the password", address, err)
	}
	w := &Warehouse{Conn: conn, address: address}
	if s.Cluster.Name == "" {
		return w, nil
	}
	if err := s.Cluster.Verify(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	w.Conn = s.Cluster.Conn(conn)
	return w, nil
}

// clientOptions translates the server's description; address is safe to print.
func (s Server) clientOptions() (*clickhouse.Options, string, error) {
	u, err := url.Parse(s.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, "", fmt.Errorf("warehouse.url: want http(s)://user@host:port/database")
	}
	if _, inURL := u.User.Password(); inURL {
		return nil, "", fmt.Errorf("warehouse.url: holds a password; give it as warehouse.password: ${NAME} or {file: path} instead")
	}
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = map[string]string{"http": "8123", "https": "8443"}[u.Scheme]
	}
	o := &clickhouse.Options{
		Addr:        []string{net.JoinHostPort(host, port)},
		Auth:        clickhouse.Auth{Database: strings.Trim(u.Path, "/"), Username: u.User.Username(), Password: s.Password},
		DialTimeout: 10 * time.Second,
		ReadTimeout: longestStatement,
	}
	if u.Scheme == "https" {
		if o.TLS, err = s.tlsConfig(host); err != nil {
			return nil, "", err
		}
	}
	return o, u.Scheme + "://" + net.JoinHostPort(host, port), nil
}

func (s Server) tlsConfig(host string) (*tls.Config, error) {
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if s.CAFile == "" {
		return config, nil
	}
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, fmt.Errorf("warehouse.ca_file: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("warehouse.ca_file: %s holds no certificate in PEM form", s.CAFile)
	}
	return config, nil
}
