package restapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Verdict says what to do about a request that was refused.
type Verdict uint8

// Verdicts.
const (
	Fatal Verdict = iota // waiting changes nothing
	Retry                // it may go well later
	Renew                // with renewed credentials it may go well
)

// Refusal is an answer that is no success, or a connection that failed.
type Refusal struct {
	Status int // 0 without an answer
	Header http.Header
	Body   []byte // its first 64 KiB

	// What is thought of it so far; a judge may change it.
	Verdict   Verdict
	Throttled bool          // the API has enough of us for now; all requests wait
	After     time.Duration // how long to wait; 0 leaves it to the client
	Code      string        // the API's own code
	Text      string        // what it says
	Advice    string        // what a person can do about it
	// Refused says that the credentials are not good for anything of the source; an
	// answer 401 says so by itself.
	Refused bool
	Err     error // what happened to the connection

	final bool // the reader's own error
}

// bodyShown is how much of an answer in no known form is told.
const bodyShown = 200

func (c *Client) refused(response *http.Response) *Refusal {
	body, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	r := &Refusal{Status: response.StatusCode, Header: response.Header, Body: body, Text: shown(response.Header, body)}
	r.After = retryAfter(response.Header, serverTime(response.Header, c.clock.Now()))
	switch {
	case r.Status == http.StatusTooManyRequests:
		r.Verdict, r.Throttled = Retry, true
	case slices.Contains(passing, r.Status):
		r.Verdict, r.Throttled = Retry, r.After > 0
	case r.Status == http.StatusUnauthorized:
		r.Verdict = Renew
		r.Advice = "check the credentials of the source"
	case r.Status == http.StatusForbidden:
		r.Advice = "the credentials lack a permission"
	case r.Status/100 == 3:
		r.Text = "the source redirects to another host"
		r.Advice = "give its present address"
	}
	if c.judge != nil {
		c.judge(r)
	}
	return r
}

// passing are the statuses of a server that has difficulties for now.
var passing = []int{408, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524, 530}

// shown is what to tell of an answer in no form that a judge knows.
func shown(header http.Header, body []byte) string {
	text := strings.Join(strings.Fields(string(body)), " ")
	if kind := header.Get("Content-Type"); strings.HasPrefix(kind, "text/html") || strings.HasPrefix(text, "<") {
		return "a web page instead of data"
	}
	if runes := []rune(text); len(runes) > bodyShown {
		text = string(runes[:bodyShown]) + "…"
	}
	return text
}

// retryAfter reads the header of that name: seconds, or a time.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0 && seconds < 1e6 {
		return time.Duration(seconds * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

func serverTime(header http.Header, ours time.Time) time.Time {
	if at, err := http.ParseTime(header.Get("Date")); err == nil {
		return at
	}
	return ours
}

// broken says what a failed connection means. A certificate that is not trusted
// will not be trusted in a minute either, nor will a name become known.
func broken(err error) *Refusal {
	var address *url.Error
	if errors.As(err, &address) {
		err = address.Err // without the address, which may hold a secret
	}
	r := &Refusal{Verdict: Retry, Text: err.Error(), Err: err}
	var certificate *tls.CertificateVerificationError
	var name *net.DNSError
	var plain tls.RecordHeaderError
	switch {
	case errors.Is(err, context.Canceled):
		r.Verdict = Fatal
	case errors.As(err, &certificate):
		r.Verdict = Fatal
		r.Advice = "if the source has a certificate of your own authority, name its file in ca_file"
	case errors.As(err, &plain):
		r.Verdict = Fatal
		r.Advice = "the source does not answer with HTTPS on this port: check the address"
	case errors.As(err, &name) && name.IsNotFound:
		r.Verdict = Fatal
		r.Text = fmt.Sprintf("there is no host %s", name.Name)
		r.Advice = "check the address of the source"
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		r.Text = "no answer in time"
	}
	return r
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// hidden keeps what errors.Is can find of an error, without a text that might hold
// a secret.
func hidden(err error, secrets *redactor) error {
	if err == nil {
		return nil
	}
	return &hiddenError{err: err, text: secrets.text(err.Error())}
}

type hiddenError struct {
	err  error
	text string
}

func (h *hiddenError) Error() string        { return h.text }
func (h *hiddenError) Is(target error) bool { return errors.Is(h.err, target) }
