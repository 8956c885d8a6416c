package users

import (
	"net"
	"net/netip"
	"strings"
)

// OwnName tells names of a host that lead to this machine whatever a name server says:
// those alone are answered where nobody logs in. A page on the web can have its own name
// lead to this machine, and so have a browser ask here.
func OwnName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || host == "localhost" || strings.HasSuffix(host, ".localhost")
}
