package engine

import (
	"cmp"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// request is what an HTTP request asks for.
type request struct {
	http     *http.Request
	out      *answer
	id       string
	user     string
	database string
	settings map[string]string
	access   Access
	params   map[string]string
	revision uint64 // client_protocol_version
	session  sessionParams
	tables   []externalTable

	asked  string // sql as it came
	sql    string
	format string    // of the output, or of an insert's data
	insert bool      // the rows are in data
	data   io.Reader // rows of an insert
}

// sessionParams name a session that outlives its request.
type sessionParams struct {
	id      string
	timeout time.Duration
	check   bool // it must exist already
	close   bool // end it after this request
}

// reserved are the parameters of a URL that are no settings. Those without a
// case in the reading have no meaning for one embedded engine.
var reserved = map[string]bool{
	"query": true, "database": true, "default_format": true, "query_id": true, "user": true, "password": true,
	"session_id": true, "session_timeout": true, "session_check": true, "close_session": true,
	"compress": true, "decompress": true, "client_protocol_version": true, "wait_end_of_query": true,
	"buffer_size": true, "quota_key": true, "stacktrace": true, "role": true, "enable_http_compression": true,
	"http_zlib_compression_level": true, "framing": true,
}

// read takes a request apart. The request it returns can answer, also when there
// is an error.
func (h *Handler) read(w http.ResponseWriter, r *http.Request) (*request, error) {
	q, badURL := url.ParseQuery(r.URL.RawQuery)
	req := &request{
		http: r, id: q.Get("query_id"), database: q.Get("database"), params: map[string]string{},
		settings: map[string]string{}, format: q.Get("default_format"),
	}
	if req.id == "" {
		req.id = newQueryID()
	}
	req.out = newAnswer(w, r, q, req.id)
	req.out.timezone, req.out.buffers = h.e.timezone, &h.buffers
	req.database = cmp.Or(r.Header.Get("X-ClickHouse-Database"), req.database)
	req.format = cmp.Or(r.Header.Get("X-ClickHouse-Format"), req.format)
	req.out.patience = h.o.AnswerWait
	if h.o.BodyWait > 0 && r.Body != http.NoBody {
		r.Body = &patientBody{ReadCloser: r.Body, control: http.NewResponseController(w), wait: h.o.BodyWait}
	}
	if h.o.MaxBodyBytes > 0 {
		r.Body = http.MaxBytesReader(w, r.Body, h.o.MaxBodyBytes)
	}
	if badURL != nil {
		return req, &Error{Code: CodeBadArguments, Name: "BAD_ARGUMENTS", Text: "the URL's parameters can't be read: " + badURL.Error()}
	}
	if err := h.authenticate(r, q, req); err != nil {
		return req, err
	}
	if err := req.readParams(q); err != nil {
		return req, err
	}
	if req.access.Role != "" {
		if err := guardSettings(req.settings); err != nil {
			return req, err
		}
	}
	body, err := decodeBody(r, q)
	if err != nil {
		return req, err
	}
	if h.o.MaxFormBytes > 0 && isForm(r) {
		body = http.MaxBytesReader(w, io.NopCloser(body), h.o.MaxFormBytes)
	}
	return req, req.readStatement(q, body, h.o.MaxQueryBytes)
}

// authenticate finds the credentials in the places ClickHouse's clients put
// them, and asks the hook.
func (h *Handler) authenticate(r *http.Request, q url.Values, req *request) error {
	if h.o.Authenticate == nil {
		return nil
	}
	c := Credentials{Remote: r.RemoteAddr, Host: r.Host}
	if user, password, ok := r.BasicAuth(); ok {
		c.User, c.Password = user, password
	} else {
		c.User, c.Password = cmp.Or(r.Header.Get("X-ClickHouse-User"), q.Get("user")), cmp.Or(r.Header.Get("X-ClickHouse-Key"), q.Get("password"))
	}
	req.user = c.User
	access, err := h.o.Authenticate(r.Context(), c)
	if err != nil {
		h.o.Logger.Warn("login refused", "user", c.User, "remote", c.Remote)
		var limit *limitError
		if errors.As(err, &limit) && limit.wait > 0 {
			req.out.w.Header().Set("Retry-After", strconv.Itoa(int((limit.wait+time.Second-1)/time.Second)))
		}
		var e *Error
		if errors.As(err, &e) {
			return err
		}
		if c.User == "" && c.Password == "" {
			req.out.w.Header().Set("WWW-Authenticate", `Basic realm="winback"`)
			return &Error{Code: CodeRequiredPassword, Name: "REQUIRED_PASSWORD", Text: err.Error()}
		}
		return &Error{Code: CodeAuthentication, Name: "AUTHENTICATION_FAILED", Text: err.Error()}
	}
	req.user, req.access = cmp.Or(access.User, c.User), access
	if access.Database != "" && (req.database == "" || req.database == "default") {
		req.database = access.Database // many clients say "default" when nobody told them
	}
	return nil
}

// readParams sorts the URL's parameters into what they mean.
func (req *request) readParams(q url.Values) error {
	var err error
	for name, values := range q {
		value := values[len(values)-1]
		switch {
		case strings.HasPrefix(name, "param_"):
			req.params[strings.TrimPrefix(name, "param_")] = value
		case name == "client_protocol_version":
			if req.revision, err = strconv.ParseUint(value, 10, 32); err != nil {
				return &Error{Code: CodeBadArguments, Name: "BAD_ARGUMENTS", Text: "client_protocol_version is no number: " + value}
			}
		case name == "session_timeout":
			seconds, err := strconv.ParseUint(value, 10, 31)
			if err != nil {
				return &Error{Code: CodeBadArguments, Name: "BAD_ARGUMENTS", Text: "session_timeout is no number of seconds: " + value}
			}
			req.session.timeout = time.Duration(seconds) * time.Second
		case name == "session_id":
			req.session.id = value
		case name == "session_check":
			req.session.check = value == "1"
		case name == "close_session":
			req.session.close = value == "1"
		case reserved[name] || isTableParam(req.http, name):
		default:
			req.settings[name] = value
		}
	}
	return nil
}

// sessionSettings are the settings the request's statement runs with. A GET may
// not change anything, as with a server.
func (req *request) sessionSettings() map[string]string {
	settings := maps.Clone(req.settings)
	if req.http.Method != http.MethodPost && settings["readonly"] != "1" {
		settings["readonly"] = "2"
	}
	maps.Copy(settings, req.access.Settings)
	return settings
}

// requestSettings are the settings a request brings to a named session. They
// can't make it read-only, because that can't be undone.
func (req *request) requestSettings() map[string]string {
	settings := maps.Clone(req.settings)
	delete(settings, "readonly")
	delete(settings, tagSetting)
	return settings
}
