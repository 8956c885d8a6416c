package grafanatest

import (
	"net/http"
	"time"
)

func (s *Server) getDashboard(r *http.Request) (int, any) {
	uid := r.PathValue("uid")
	d := s.dashboards[uid]
	if d == nil {
		return http.StatusNotFound, message("Dashboard not found")
	}
	last := d.versions[len(d.versions)-1]
	return http.StatusOK, map[string]any{"dashboard": last.data, "meta": map[string]any{
		"folderUid": d.folder, "provisioned": d.provisioned, "version": len(d.versions), "updatedBy": last.by, "updated": last.at, "type": "db",
	}}
}

func (s *Server) getVersion(r *http.Request) (int, any) {
	d, n := s.dashboards[r.PathValue("uid")], pathNumber(r, "v")
	if d == nil || n < 1 || n > len(d.versions) {
		return http.StatusNotFound, message("Dashboard version not found")
	}
	v := d.versions[n-1]
	return http.StatusOK, map[string]any{"version": n, "message": v.message, "createdBy": v.by, "data": v.data, "uid": r.PathValue("uid")}
}

func (s *Server) postDashboard(r *http.Request) (int, any) {
	body, err := read(r, "dashboard", "folderUid", "message", "overwrite", "UpdatedAt")
	if err != nil {
		return refuse("%v", err)
	}
	data, ok := body["dashboard"].(map[string]any)
	uid := text(data, "uid")
	switch {
	case !ok, text(data, "title") == "":
		return refuse("Dashboard title cannot be empty")
	case uid == "" || len(uid) > 40:
		return refuse("uid contains illegal characters or is too long")
	case data["id"] != nil:
		return refuse("the id is another server's")
	case text(body, "folderUid") != "" && s.folders[text(body, "folderUid")] == nil:
		return refuse("folder not found")
	}
	if s.BeforeSave != nil {
		s.mu.Unlock()
		s.BeforeSave(uid)
		s.mu.Lock()
	}
	d := s.dashboards[uid]
	if d == nil {
		d = &dashboard{}
		s.dashboards[uid] = d
	}
	switch {
	case d.provisioned:
		return refuse("Cannot save provisioned dashboard")
	case int(number(data, "version")) != len(d.versions) && body["overwrite"] != true:
		return http.StatusPreconditionFailed, map[string]string{
			"message": "The dashboard has been changed by someone else", "status": "version-mismatch",
		}
	}
	d.folder = text(body, "folderUid")
	s.add(d, uid, copied(data), "sa-1-winback", text(body, "message"))
	return http.StatusOK, map[string]any{"id": 1, "uid": uid, "url": "/d/" + uid, "slug": uid, "status": "success", "version": len(d.versions)}
}

func (s *Server) add(d *dashboard, uid string, data map[string]any, by, message string) {
	data["uid"], data["id"], data["version"] = uid, len(s.dashboards), len(d.versions)+1
	d.versions = append(d.versions, version{data: data, by: by, message: message, at: time.Date(2026, 3, 4, 5, 6, 0, 0, time.UTC)})
}

// Edit saves a dashboard as a user of Grafana's editor does; one that is not there
// is made, in the folder.
func (s *Server) Edit(folder, uid string, change func(d map[string]any)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, data := s.dashboards[uid], map[string]any{}
	if d == nil {
		d = &dashboard{folder: folder}
		s.dashboards[uid] = d
	} else {
		data = copied(d.versions[len(d.versions)-1].data)
	}
	change(data)
	s.add(d, uid, data, "ann", "")
}

// Migrate brings a dashboard into another form without a new version, as a newer
// Grafana does when it is read.
func (s *Server) Migrate(uid string, change func(d map[string]any)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.dashboards[uid]
	change(d.versions[len(d.versions)-1].data)
}

// Move puts a dashboard into another folder.
func (s *Server) Move(uid, folder string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dashboards[uid].folder = folder
}

// FromFile makes a dashboard one that Grafana reads from a file of its server.
func (s *Server) FromFile(uid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dashboards[uid].provisioned = true
}

// Dashboard is what a dashboard is now, and the message of its last version.
func (s *Server) Dashboard(uid string) (data map[string]any, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.dashboards[uid]
	if d == nil {
		s.t.Fatalf("there is no dashboard %s", uid)
	}
	last := d.versions[len(d.versions)-1]
	return copied(last.data), last.message
}

func (s *Server) getSearch(r *http.Request) (int, any) {
	hits := []any{}
	q := r.URL.Query()
	if q.Get("type") != "dash-db" {
		return refuse("type wants dash-db")
	}
	for uid, d := range s.dashboards {
		if d.folder == q.Get("folderUIDs") {
			title, _ := d.versions[len(d.versions)-1].data["title"].(string)
			hits = append(hits, map[string]any{"uid": uid, "title": title, "type": "dash-db", "folderUid": d.folder})
		}
	}
	return http.StatusOK, hits
}
