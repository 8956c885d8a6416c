package status

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"

	"winback/pipelines/users"
)

// Viewer is who looks at a page.
type Viewer struct {
	Name string
	// Admin sees personal data and may have jobs done.
	Admin bool
}

// Login checks a name and a password; remote is where they came from. An error
// refuses them.
type Login func(ctx context.Context, name, password, remote string) (Viewer, error)

type viewerKey struct{}

// viewerOf is who asks, as guarded found out.
func viewerOf(r *http.Request) Viewer {
	v, _ := r.Context().Value(viewerKey{}).(Viewer)
	return v
}

// guarded lets in those who may log in.
func (s *Server) guarded(asks bool, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		viewer, err := s.whoAsks(r)
		switch {
		case err == nil || !asks:
			next(w, r.WithContext(context.WithValue(r.Context(), viewerKey{}, viewer)))
		case errors.Is(err, errForeignName):
			http.Error(w, err.Error(), http.StatusForbidden)
		default:
			w.Header().Set("WWW-Authenticate", `Basic realm="winback", charset="UTF-8"`)
			http.Error(w, "This page wants a user of winback serve and the password.", http.StatusUnauthorized)
		}
	})
}

var (
	errForeignName = errors.New("without users only this machine's own names are answered")
	errNoLogin     = errors.New("nobody logged in")
)

func (s *Server) whoAsks(r *http.Request) (Viewer, error) {
	if s.o.Login == nil || s.o.Open != nil && s.o.Open() {
		if !users.OwnName(r.Host) {
			return Viewer{}, errForeignName
		}
		return Viewer{}, nil
	}
	name, password, ok := r.BasicAuth()
	if !ok {
		return Viewer{}, errNoLogin
	}
	viewer, err := s.o.Login(r.Context(), name, password, r.RemoteAddr)
	if err != nil {
		s.o.Logger.Warn("login to the status page refused", "user", name, "remote", r.RemoteAddr)
	}
	return viewer, err
}

// token is what a form of a viewer's page has to send back: a page elsewhere that
// has a browser send forms does not know it.
func (s *Server) token(v Viewer) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(v.Name))
	return hex.EncodeToString(mac.Sum(nil))
}

func (s *Server) tokenFits(v Viewer, token string) bool {
	return hmac.Equal([]byte(s.token(v)), []byte(token))
}
