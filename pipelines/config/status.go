package config

import (
	"net"
	"net/netip"
	"strconv"

	"winback/connectors/spec"
)

// StatusPage says where the status page and what machines ask for are.
type StatusPage struct {
	Listen  string `yaml:"listen" doc:"address and port of the status page, of /healthz, /readyz and /metrics; if not given, 127.0.0.1 and the port after that of serve.listen; off for none. Another than this machine's own wants users" example:"0.0.0.0:8124"`
	Metrics string `yaml:"metrics" enum:"open|login" default:"open" doc:"whether /metrics wants a user as the pages do; /healthz and /readyz never do" advanced:"true"`
}

// Off says that there is no status page.
func (s *StatusPage) Off() bool { return s.Listen == "off" }

// Address is where the status page is, beside a warehouse that listens at an
// address: a port that any free one was wanted for wants one here, too.
func (s *StatusPage) Address(warehouse string) string {
	if s.Listen != "" {
		return s.Listen
	}
	_, port, err := net.SplitHostPort(warehouse)
	n, notNumber := strconv.Atoi(port)
	switch {
	case err != nil || notNumber != nil || n >= 65535:
		return "127.0.0.1:8124"
	case n == 0:
		return "127.0.0.1:0"
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(n+1))
}

// Validate checks the address.
func (s *StatusPage) Validate(n spec.Node, errs *spec.Errors) {
	if _, port, err := net.SplitHostPort(s.Listen); s.Listen != "" && !s.Off() && (err != nil || port == "") {
		errs.Addf(n.Get("listen"), "wants an address and a port, such as 127.0.0.1:8124, or off")
	}
}

// OnlyThisMachine tells that only programs on this machine reach an address.
func OnlyThisMachine(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
