package engine

import (
	"fmt"
	"io"
	"net/http"
	"slices"
)

// serveFixed answers what needs no engine: health checks, questions of browsers
// and wrong paths.
func (h *Handler) serveFixed(w http.ResponseWriter, r *http.Request) bool {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	ok := r.URL.Path == "/ping" || r.URL.Path == "/replicas_status" ||
		r.URL.Path == "/" && reads && r.URL.RawQuery == ""
	switch {
	case !h.admitPage(w, r):
	case r.Method == http.MethodOptions:
		w.Header().Set("Allow", "OPTIONS, GET, HEAD, POST")
		w.WriteHeader(http.StatusNoContent)
	case ok && reads:
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		_, _ = io.WriteString(w, "Ok.\n")
	case r.URL.Path == "/play" || r.URL.Path == "/dashboard":
		http.Error(w, "There is no page "+r.URL.Path+" here: it takes its scripts from elsewhere. Connect with DBeaver, Grafana or curl:\n\n"+
			"    curl http://"+r.Host+"/ -d 'select 1'", http.StatusNotFound)
	case r.URL.Path != "/" && r.URL.Path != "/query":
		http.Error(w, fmt.Sprintf("There is no handle %s\n\nSend statements to / by POST, or by GET as /?query=...; /ping and /replicas_status are for health checks.", r.URL.Path), http.StatusNotFound)
	case !reads && r.Method != http.MethodPost:
		w.Header().Set("Allow", "OPTIONS, GET, HEAD, POST")
		http.Error(w, r.Method+" is not used here: statements come by GET or POST.", http.StatusMethodNotAllowed)
	default:
		return false
	}
	return true
}

// admitPage tells browsers which pages' scripts may ask here. A server tells them
// all may when a request says add_http_cors_header=1; here that would open a
// warehouse on this machine, which needs no password, to every page that is
// looked at. It is false when the request is answered: a page that is not known
// has sent it.
func (h *Handler) admitPage(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	if !slices.Contains(h.o.Origins, origin) && !slices.Contains(h.o.Origins, "*") {
		if origin == "http://"+r.Host || origin == "https://"+r.Host {
			return true
		}
		http.Error(w, "Scripts of the page "+origin+" may not ask here.", http.StatusForbidden)
		return false
	}
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", origin)
	header.Add("Vary", "Origin")
	header.Set("Access-Control-Expose-Headers", "X-ClickHouse-Query-Id, X-ClickHouse-Summary, X-ClickHouse-Server-Display-Name, X-ClickHouse-Format, X-ClickHouse-Timezone, X-ClickHouse-Exception-Code, X-ClickHouse-Exception-Tag")
	if r.Method == http.MethodOptions {
		header.Set("Access-Control-Allow-Headers", "origin, x-requested-with, x-clickhouse-format, x-clickhouse-user, x-clickhouse-key, x-clickhouse-database, authorization, content-type, content-encoding, accept-encoding")
		header.Set("Access-Control-Allow-Methods", "POST, GET, OPTIONS")
		header.Set("Access-Control-Max-Age", "86400")
	}
	return true
}
