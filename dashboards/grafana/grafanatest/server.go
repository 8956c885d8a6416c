// Package grafanatest is a strict Grafana for tests: it keeps folders, data sources,
// dashboards with their versions, alert rules and contact points in memory, and
// refuses what Grafana refuses: a wrong token, a field it does not know, a version
// that is not the last one, a rule that asks a data source that is not there.
package grafanatest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Token is the one that Server knows, of an account with the role Admin; Viewer is
// one that may read only.
const (
	Token  = "glsa_admin"
	Viewer = "glsa_viewer"
)

// Server is a Grafana in memory. Change its exported fields before the first
// request.
type Server struct {
	// URL is its address, with a path below which it answers.
	URL string
	// Version is Grafana's, Plugin that of the plugin; without one it is missing.
	Version, Plugin string
	// Unreachable is what the data source's health check finds wrong.
	Unreachable string
	// BeforeSave runs before a dashboard is saved, as another user would come in
	// between.
	BeforeSave func(uid string)

	t           testing.TB
	mu          sync.Mutex
	writes      []string
	folders     map[string]*folder
	sources     map[string]*source
	dashboards  map[string]*dashboard
	contacts    []map[string]any
	group       map[string]any
	provenances map[string]string
}

type folder struct {
	title   string
	version int64
}

type source struct {
	fields  map[string]any
	secrets map[string]string
	version int64
}

type dashboard struct {
	folder      string
	provisioned bool
	versions    []version
}

type version struct {
	data        map[string]any
	by, message string
	at          time.Time
}

// New starts a server that ends with the test.
func New(t testing.TB) *Server {
	s := &Server{
		Version: "13.2.0", Plugin: "4.20.0", t: t, folders: map[string]*folder{}, sources: map[string]*source{}, dashboards: map[string]*dashboard{},
		provenances: map[string]string{},
	}
	mux := http.NewServeMux()
	for pattern, handle := range s.routes() {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /grafana/api"+path, s.answer(handle))
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.URL = server.URL + "/grafana"
	return s
}

// handler answers with a status and a body.
type handler func(r *http.Request) (int, any)

func (s *Server) routes() map[string]handler {
	return map[string]handler{
		"GET /health":                                              s.getHealth,
		"GET /org":                                                 s.getOrg,
		"GET /plugins/{id}/settings":                               s.getPlugin,
		"GET /folders/{uid}":                                       s.getFolder,
		"POST /folders":                                            s.postFolder,
		"PUT /folders/{uid}":                                       s.putFolder,
		"GET /datasources/uid/{uid}":                               s.getSource,
		"POST /datasources":                                        s.postSource,
		"PUT /datasources/uid/{uid}":                               s.putSource,
		"GET /datasources/uid/{uid}/health":                        s.getSourceHealth,
		"GET /dashboards/uid/{uid}":                                s.getDashboard,
		"GET /dashboards/uid/{uid}/versions/{v}":                   s.getVersion,
		"POST /dashboards/db":                                      s.postDashboard,
		"GET /search":                                              s.getSearch,
		"GET /v1/provisioning/contact-points":                      s.getContacts,
		"POST /v1/provisioning/contact-points":                     s.postContact,
		"PUT /v1/provisioning/contact-points/{uid}":                s.putContact,
		"GET /v1/provisioning/folder/{folder}/rule-groups/{group}": s.getGroup,
		"PUT /v1/provisioning/folder/{folder}/rule-groups/{group}": s.putGroup,
	}
}

// answer checks who asks and writes what a handler says.
func (s *Server) answer(handle handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		status, body := http.StatusUnauthorized, message("Invalid API key")
		token := r.Header.Get("Authorization")
		switch {
		case strings.HasSuffix(r.URL.Path, "/health") && !strings.Contains(r.URL.Path, "datasources"), token == "Bearer "+Token:
			status, body = handle(r)
		case token == "Bearer "+Viewer && r.Method == http.MethodGet:
			status, body = handle(r)
		case token == "Bearer "+Viewer:
			status, body = http.StatusForbidden, message("You'll need additional permissions to perform this action. Permissions needed: any")
		}
		if r.Method != http.MethodGet && status < 300 {
			s.writes = append(s.writes, r.Method+" "+strings.TrimPrefix(r.URL.Path, "/grafana/api"))
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(body); err != nil {
			s.t.Errorf("answer %s %s: %v", r.Method, r.URL.Path, err)
		}
	}
}

// Writes returns what was changed since it was last asked.
func (s *Server) Writes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	done := s.writes
	s.writes = nil
	return done
}

func message(format string, values ...any) any {
	return map[string]string{"message": fmt.Sprintf(format, values...)}
}

func refuse(format string, values ...any) (int, any) {
	return http.StatusBadRequest, message(format, values...)
}

// read decodes a body that has these fields only.
func read(r *http.Request, known ...string) (map[string]any, error) {
	var text bytes.Buffer
	if _, err := text.ReadFrom(r.Body); err != nil {
		return nil, err
	}
	var body map[string]any
	if err := json.Unmarshal(text.Bytes(), &body); err != nil {
		return nil, fmt.Errorf("bad request data: %w", err)
	}
	return body, only(body, known...)
}

func only(body map[string]any, known ...string) error {
	for key := range body {
		found := false
		for _, k := range known {
			found = found || k == key
		}
		if !found {
			return fmt.Errorf("unknown field %q", key)
		}
	}
	return nil
}

func text(body map[string]any, key string) string {
	value, _ := body[key].(string)
	return value
}

func number(body map[string]any, key string) int64 {
	value, _ := body[key].(float64)
	return int64(value)
}

func copied(value map[string]any) map[string]any {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // it came from JSON
	}
	var again map[string]any
	if err := json.Unmarshal(text, &again); err != nil {
		panic(err)
	}
	return again
}

func (s *Server) getHealth(*http.Request) (int, any) {
	return http.StatusOK, map[string]string{"database": "ok", "version": s.Version, "commit": "0000000000"}
}

func (s *Server) getOrg(*http.Request) (int, any) {
	return http.StatusOK, map[string]any{"id": 1, "name": "Main Org."}
}

func (s *Server) getPlugin(r *http.Request) (int, any) {
	if r.PathValue("id") != "grafana-clickhouse-datasource" || s.Plugin == "" {
		return http.StatusNotFound, message("Plugin not found, no installed plugin with that id")
	}
	return http.StatusOK, map[string]any{"id": r.PathValue("id"), "enabled": true, "info": map[string]any{"version": s.Plugin}}
}

func (s *Server) getFolder(r *http.Request) (int, any) {
	f := s.folders[r.PathValue("uid")]
	if f == nil {
		return http.StatusNotFound, message("folder not found")
	}
	return http.StatusOK, map[string]any{"uid": r.PathValue("uid"), "title": f.title, "version": f.version, "id": 1}
}

func (s *Server) postFolder(r *http.Request) (int, any) {
	body, err := read(r, "uid", "title", "parentUid", "description")
	if err != nil || text(body, "title") == "" {
		return refuse("bad request data: %v", err)
	}
	uid := text(body, "uid")
	if s.folders[uid] != nil {
		return http.StatusConflict, message("a folder with that uid already exists")
	}
	s.folders[uid] = &folder{title: text(body, "title"), version: 1}
	return http.StatusOK, map[string]any{"uid": uid, "title": text(body, "title")}
}

func (s *Server) putFolder(r *http.Request) (int, any) {
	f := s.folders[r.PathValue("uid")]
	body, err := read(r, "title", "version", "overwrite", "description")
	switch {
	case err != nil:
		return refuse("%v", err)
	case f == nil:
		return http.StatusNotFound, message("folder not found")
	case number(body, "version") != f.version && body["overwrite"] != true:
		return http.StatusPreconditionFailed, message("the folder has been changed by someone else")
	}
	f.title, f.version = text(body, "title"), f.version+1
	return http.StatusOK, map[string]any{"uid": r.PathValue("uid"), "title": f.title}
}

// RenameFolder gives a folder another title, as a user would.
func (s *Server) RenameFolder(uid, title string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.folders[uid].title, s.folders[uid].version = title, s.folders[uid].version+1
}

func pathNumber(r *http.Request, name string) int {
	n, err := strconv.Atoi(r.PathValue(name))
	if err != nil {
		return -1
	}
	return n
}
