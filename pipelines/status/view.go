package status

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"strings"
	"time"

	"winback/pipelines/history"
)

//go:embed pages/*.tmpl pages/style.css
var files embed.FS

// view is what a template is given.
type view struct {
	*Server
	Project, Title, JSON string
	Refresh              int
	Viewer               Viewer
	Token                string
	Pages                []page
	Data                 any
}

// Path and Title are for the list of pages.
func (p page) Path() string { return strings.TrimSuffix(p.path, "{$}") }

// Title is how the page is called.
func (p page) Title() string { return p.title }

// refreshWhileRunning is after how many seconds a browser looks again while a run goes on.
const refreshWhileRunning = 5

// page answers with a page as HTML.
func (s *Server) page(p page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		viewer := viewerOf(r)
		data, err := p.load(r.Context(), viewer)
		if err != nil {
			s.refuse(w, p, err)
			return
		}
		v := view{
			Server: s, Project: s.o.Project, Title: p.title, JSON: p.json, Refresh: p.refresh, Viewer: viewer, Token: s.token(viewer), Pages: s.pages(), Data: data,
		}
		if now, ok := data.(*Overview); ok && len(now.Running) > 0 {
			v.Refresh = refreshWhileRunning
		}
		var body bytes.Buffer
		if err := s.templates().ExecuteTemplate(&body, "page", v); err != nil {
			s.o.Logger.Error("a page could not be written", "page", p.Path(), "error", err)
			http.Error(w, "The page could not be written; the log says why.", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = body.WriteTo(w) // who went away needs no answer
	}
}

// json answers with what a page shows as JSON.
func (s *Server) json(p page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		data, err := p.load(r.Context(), viewerOf(r))
		if err != nil {
			s.refuse(w, p, err)
			return
		}
		var body bytes.Buffer
		encoder := json.NewEncoder(&body)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(data); err != nil {
			s.o.Logger.Error("a page could not be written", "page", p.json, "error", err)
			http.Error(w, "The page could not be written; the log says why.", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = body.WriteTo(w) // who went away needs no answer
	}
}

func (s *Server) refuse(w http.ResponseWriter, p page, err error) {
	switch {
	case errors.As(err, new(*history.UnknownRunError)):
		http.Error(w, err.Error(), http.StatusNotFound)
	case errors.Is(err, errNotOpen):
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	default:
		s.o.Logger.Error("a page could not be filled", "page", p.Path(), "error", err)
		http.Error(w, "The warehouse could not be asked; the log says why.", http.StatusServiceUnavailable)
	}
}

func serveStyle(w http.ResponseWriter, _ *http.Request) {
	style, err := files.ReadFile("pages/style.css")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = w.Write(style) // who went away needs no answer
}

var parsed = template.Must(template.New("").Funcs(template.FuncMap{
	"at": (*Server)(nil).at, "ago": (*Server)(nil).ago, "took": took, "bytes": bytesText, "number": number, "lines": lines, "first": firstLine,
	"content": func(view) (template.HTML, error) { return "", nil },
}).ParseFS(files, "pages/*.tmpl"))

// templates are the pages' templates with the functions of this project.
func (s *Server) templates() *template.Template {
	t := template.Must(parsed.Clone())
	return t.Funcs(template.FuncMap{
		"at": s.at, "ago": s.ago,
		"content": func(v view) (template.HTML, error) {
			var b bytes.Buffer
			name := strings.ToLower(strings.Fields(v.Title)[0])
			if _, story := v.Data.(*history.Story); story {
				name = "story"
			}
			err := t.ExecuteTemplate(&b, name, v)
			return template.HTML(b.String()), err
		},
	})
}

// moment takes a time.Time or a *time.Time.
func moment(value any) (time.Time, bool) {
	switch t := value.(type) {
	case time.Time:
		return t, !t.IsZero() && t.Unix() > 0
	case *time.Time:
		if t != nil {
			return *t, true
		}
	}
	return time.Time{}, false
}

// at is a time by the project's clock; the day is left out where it is today.
func (s *Server) at(value any) string {
	t, known := moment(value)
	if !known {
		return ""
	}
	t, now := t.In(s.o.Zone), s.o.Now().In(s.o.Zone)
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04")
}

// ago says how long ago something was, or in how long it will be.
func (s *Server) ago(value any) string {
	t, known := moment(value)
	if !known {
		return "never"
	}
	since := s.o.Now().Sub(t)
	if since < 0 {
		return "in " + rough(-since)
	}
	return rough(since) + " ago"
}

func rough(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// took is a duration, or seconds, for people.
func took(value any) string {
	d, ok := value.(time.Duration)
	if s, seconds := value.(float64); seconds {
		d, ok = time.Duration(s*float64(time.Second)), true
	}
	switch {
	case !ok || d == 0:
		return ""
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// bytesText is a size for people.
func bytesText(value any) string {
	var n float64
	switch v := value.(type) {
	case int64:
		n = float64(v)
	case uint64:
		n = float64(v)
	}
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	if n < 1024 {
		return fmt.Sprintf("%.0f B", n)
	}
	e := min(int(math.Log(n)/math.Log(1024)), len(units)-1)
	return fmt.Sprintf("%.1f %s", n/math.Pow(1024, float64(e)), units[e])
}

// number sets digits in groups of three.
func number(value any) string {
	digits := fmt.Sprint(value)
	var b strings.Builder
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteString("\u202f")
		}
		b.WriteRune(digit)
	}
	return b.String()
}

func lines(text string) []string { return strings.Split(strings.TrimSpace(text), "\n") }

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
