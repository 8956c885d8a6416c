package grafanatest

import (
	"fmt"
	"net/http"
	"strconv"
)

// pluginFields are those that the plugin reads, or keeps for somebody else.
var pluginFields = []string{
	"host", "port", "protocol", "secure", "path", "username", "defaultDatabase", "tlsSkipVerify", "tlsAuth", "tlsAuthWithCACert", "dialTimeout", "queryTimeout",
	"customSettings", "httpHeaders", "forwardGrafanaHeaders", "enableRowLimit", "version", "winbackWritten", "winbackSecrets",
}

func (s *Server) getSource(r *http.Request) (int, any) {
	d := s.sources[r.PathValue("uid")]
	if d == nil {
		return http.StatusNotFound, message("Data source not found")
	}
	shown := copied(d.fields)
	kept := map[string]bool{}
	for key := range d.secrets {
		kept[key] = true
	}
	shown["version"], shown["secureJsonFields"], shown["id"], shown["orgId"] = d.version, kept, 1, 1
	return http.StatusOK, shown
}

func (s *Server) postSource(r *http.Request) (int, any) {
	body, err := read(r, "name", "uid", "type", "access", "url", "isDefault", "jsonData", "secureJsonData")
	if err == nil {
		err = checkSource(body)
	}
	if err != nil {
		return refuse("%v", err)
	}
	for uid, d := range s.sources {
		if uid == text(body, "uid") || d.fields["name"] == body["name"] {
			return http.StatusConflict, message("data source with the same name already exists")
		}
	}
	d := &source{version: 1, secrets: map[string]string{}}
	d.keep(body)
	s.sources[text(body, "uid")] = d
	return http.StatusOK, map[string]any{"id": 1, "message": "Datasource added", "name": body["name"], "datasource": d.fields}
}

func (s *Server) putSource(r *http.Request) (int, any) {
	d := s.sources[r.PathValue("uid")]
	body, err := read(r, "name", "uid", "type", "access", "url", "isDefault", "jsonData", "secureJsonData", "version")
	if err == nil {
		err = checkSource(body)
	}
	switch {
	case err != nil:
		return refuse("%v", err)
	case d == nil:
		return http.StatusNotFound, message("Data source not found")
	case d.fields["readOnly"] == true:
		return http.StatusForbidden, message("Cannot update read-only data source")
	case number(body, "version") != d.version:
		return http.StatusConflict, message("Datasource has already been updated by someone else. Please reload and try again")
	}
	d.keep(body)
	d.version++
	return http.StatusOK, map[string]any{"id": 1, "message": "Datasource updated", "name": body["name"], "datasource": d.fields}
}

// keep takes a body over: settings as a whole, secrets one by one.
func (d *source) keep(body map[string]any) {
	secrets, _ := body["secureJsonData"].(map[string]any)
	for key, value := range secrets {
		d.secrets[key] = fmt.Sprint(value)
	}
	delete(body, "secureJsonData")
	delete(body, "version")
	d.fields = body
}

func checkSource(body map[string]any) error {
	data, ok := body["jsonData"].(map[string]any)
	if !ok || text(body, "name") == "" || text(body, "type") != "grafana-clickhouse-datasource" || text(body, "access") != "proxy" {
		return fmt.Errorf("wants name, type, access and jsonData")
	}
	if err := only(data, pluginFields...); err != nil {
		return err
	}
	if text(data, "host") == "" || number(data, "port") == 0 || text(data, "protocol") != "http" {
		return fmt.Errorf("the plugin wants a host, a port and the protocol")
	}
	for _, key := range []string{"dialTimeout", "queryTimeout"} {
		if _, err := strconv.Atoi(text(data, key)); err != nil {
			return fmt.Errorf("the plugin wants %s as a text of digits", key)
		}
	}
	settings, _ := data["customSettings"].([]any)
	for _, item := range settings {
		pair, _ := item.(map[string]any)
		if text(pair, "setting") == "" || text(pair, "value") == "" {
			return fmt.Errorf("the plugin wants settings and their values as texts")
		}
	}
	secrets, _ := body["secureJsonData"].(map[string]any)
	headers, _ := data["httpHeaders"].([]any)
	for _, item := range headers {
		header, _ := item.(map[string]any)
		if header["secure"] == true && secrets["secureHttpHeaders."+text(header, "name")] == nil {
			return fmt.Errorf("the header %s has no value", text(header, "name"))
		}
	}
	return nil
}

func (s *Server) getSourceHealth(r *http.Request) (int, any) {
	if s.sources[r.PathValue("uid")] == nil {
		return http.StatusNotFound, message("Data source not found")
	}
	if s.Unreachable != "" {
		return http.StatusBadRequest, map[string]string{"status": "ERROR", "message": s.Unreachable}
	}
	return http.StatusOK, map[string]string{"status": "OK", "message": "Data source is working"}
}

// Secrets are those of a data source, which Grafana itself never shows.
func (s *Server) Secrets(uid string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sources[uid].secrets
}

// EditSource changes a data source as a user would.
func (s *Server) EditSource(uid string, change func(fields map[string]any)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s.sources[uid].fields)
	s.sources[uid].version++
}

// AddSource makes a data source of somebody else's.
func (s *Server) AddSource(uid, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sources[uid] = &source{version: 1, fields: map[string]any{"uid": uid, "name": name, "type": "grafana-clickhouse-datasource"}}
}
