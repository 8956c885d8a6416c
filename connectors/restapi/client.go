package restapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"winback/connectors"
)

// Options make a Client.
type Options struct {
	Config Connection
	// Base is what the paths of requests are joined to: https://shop.example/wp-json/wc/v3.
	Base   string
	Auth   Auth // nil for none
	Budget Budget
	// Judge reads what the API says with an answer that is no success, and may
	// correct what is thought of it. Nil leaves it to the status.
	Judge func(a *Refusal)
	// Header is sent with every request.
	Header http.Header
	Clock  connectors.Clock // nil for the machine's
}

// Client asks one API. It may be used by several goroutines.
type Client struct {
	base     *url.URL
	http     *http.Client
	auth     Auth
	judge    func(*Refusal)
	header   http.Header
	clock    connectors.Clock
	pace     *pace
	secrets  *redactor
	patience time.Duration
	files    *http.Client // of another host, without a bound on their length
	timeout  time.Duration
	atMost   float64 // requests a second, of the configuration; 0 for no bound
}

// New makes a client. Nothing is sent.
func New(o Options) (*Client, error) {
	base, err := url.Parse(o.Base)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, errors.New("the address wants the form https://host")
	}
	transport, err := o.Config.transport()
	if err != nil {
		return nil, err
	}
	if o.Auth == nil {
		o.Auth = Unsigned()
	}
	if o.Clock == nil {
		o.Clock = connectors.SystemClock{}
	}
	secrets := append(o.Auth.Secrets(), o.Config.Proxy.Reveal())
	return &Client{
		base: base, auth: o.Auth, judge: o.Judge, header: o.Header, clock: o.Clock,
		http:     &http.Client{Transport: transport, Timeout: o.Config.Timeout, CheckRedirect: sameHost},
		files:    &http.Client{Transport: transport, CheckRedirect: sameHost},
		timeout:  o.Config.Timeout,
		pace:     newPace(o.Budget.Slower(o.Config.RequestsPerSecond), o.Clock),
		secrets:  newRedactor(secrets...),
		patience: cmp.Or(o.Config.Patience, 15*time.Minute),
		atMost:   o.Config.RequestsPerSecond,
	}, nil
}

// sameHost keeps credentials from being carried to another host, or in the open.
func sameHost(r *http.Request, via []*http.Request) error {
	if r.URL.Host != via[0].URL.Host || via[0].URL.Scheme == "https" && r.URL.Scheme != "https" || len(via) > 5 {
		return http.ErrUseLastResponse
	}
	return nil
}

// Clock is the clock that the client waits by.
func (c *Client) Clock() connectors.Clock { return c.clock }

// Patience is how long to go on trying what does not go well: as configured, or for as
// long as somebody who waits for the answer does.
func (c *Client) Patience(ctx context.Context) time.Duration {
	if haste, hasty := connectors.HasteOf(ctx); hasty {
		return min(c.patience, haste.Patience)
	}
	return c.patience
}

// Redact takes the client's secrets out of a text.
func (c *Client) Redact(text string) string { return c.secrets.text(text) }

// Request is what is asked for.
type Request struct {
	// What names it in messages; default: the path.
	What   string
	Method string // default GET, with a body POST
	// Path is joined to the client's base; an address with a scheme stands as it is
	// and must be of the base's host.
	Path   string
	Query  url.Values
	JSON   any        // body
	Form   url.Values // body
	Header http.Header
	Weight int // of the budget; 0 is 1
	// Tries bounds the tries of a request that fails without being throttled, where
	// the caller has something better to do than to repeat it; 0 is the client's.
	Tries int
	// Foreign says that Path is an address of another host, which gets no
	// credentials: a file to download.
	Foreign bool
}

// Answer is a success.
type Answer struct {
	Status int
	Header http.Header
	Body   io.Reader
	// At is the server's clock, or ours where it does not tell.
	At time.Time
}

// Get asks, and decodes the JSON of the answer into a new value of T. An answer
// without a body (204) is the zero value.
func Get[T any](ctx context.Context, c *Client, r Request) (value T, answer Answer, err error) {
	err = c.Do(ctx, r, func(a Answer) error {
		var fresh T
		if a.Status != http.StatusNoContent {
			if err := decode(a, &fresh); err != nil {
				return err
			}
		}
		value, answer = fresh, a
		answer.Body = nil
		return nil
	})
	return value, answer, err
}

func decode(a Answer, into any) error {
	if kind := a.Header.Get("Content-Type"); strings.HasPrefix(kind, "text/html") {
		return &Later{Reason: "the answer is a web page, not data"}
	}
	if err := json.NewDecoder(a.Body).Decode(into); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}

// Do asks, and hands the answer to read, again for each try: read must begin anew
// each time. What read returns is final, but for a *Later and for errors of the
// connection, which have the request tried again. All other errors are *Error,
// or that of ctx.
func (c *Client) Do(ctx context.Context, r Request, read func(Answer) error) error {
	started, patience := c.clock.Now(), c.Patience(ctx)
	haste, _ := connectors.HasteOf(ctx)
	renewed := false
	for try := 1; ; try++ {
		signed := c.signed()
		refusal := c.once(ctx, &r, read)
		if refusal == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if renewer, ok := c.auth.(Renewer); ok && refusal.Verdict == Renew && !renewed {
			renewed = true
			if err := renewer.Renew(ctx, signed); err != nil {
				return c.renewalFailed(r, refusal, err)
			}
			c.secrets.learn(renewer.Secrets())
			continue
		}
		wait := c.waitFor(refusal, try)
		if refusal.Verdict != Retry || try >= cmp.Or(r.Tries, maxTries) && !refusal.Throttled || c.clock.Now().Add(wait).Sub(started) > patience {
			return c.failed(r, refusal, try)
		}
		if haste.Trying != nil {
			haste.Trying(c.Redact(fmt.Sprintf("%s: %s; trying again in %s", c.what(r), cmp.Or(refusal.Text, http.StatusText(refusal.Status)), wait.Round(time.Second/10))))
		}
		if refusal.Throttled {
			c.pace.pause(wait)
		} else if err := c.clock.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// maxTries bounds the tries of a request that fails; one that is throttled is
// tried for as long as there is patience.
const maxTries = 8

func (c *Client) signed() string {
	if renewer, ok := c.auth.(Renewer); ok {
		return renewer.Signed()
	}
	return ""
}

// once sends a request once. Nil says that it went well.
func (c *Client) once(ctx context.Context, r *Request, read func(Answer) error) *Refusal {
	if err := c.pace.wait(ctx, r.Weight); err != nil {
		return &Refusal{Err: err}
	}
	request, err := c.request(ctx, r)
	if err != nil {
		return &Refusal{Text: err.Error(), Err: err}
	}
	client, body := c.http, &watched{}
	if r.Foreign {
		client = c.files
		request = body.within(request, c.timeout)
		defer body.end()
	}
	response, err := client.Do(request)
	if err != nil {
		return broken(body.cause(err))
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return c.refused(response)
	}
	body.r = response.Body
	err = read(Answer{Status: response.StatusCode, Header: response.Header, Body: body, At: serverTime(response.Header, c.clock.Now())})
	if err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection can be used again
		return nil
	}
	var later *Later
	switch {
	case errors.As(err, &later):
		return &Refusal{Verdict: Retry, Throttled: later.After > 0, After: later.After, Text: later.Error(), Err: err}
	case body.err != nil:
		return broken(body.cause(body.err))
	}
	return &Refusal{Err: err, final: true}
}

// watched is a body that remembers that it broke off. That of a file may take as long
// as it likes, but not stand still.
type watched struct {
	r     io.Reader
	err   error
	still *time.Timer // nil: the client counts the time
	after time.Duration
	ctx   context.Context
	stop  context.CancelCauseFunc
}

// errStill says that nothing came for too long.
var errStill = errors.New("nothing came for too long")

// within lets a request go on for as long as something comes.
func (w *watched) within(r *http.Request, after time.Duration) *http.Request {
	if after <= 0 {
		return r
	}
	w.after = after
	w.ctx, w.stop = context.WithCancelCause(r.Context())
	w.still = time.AfterFunc(after, func() { w.stop(errStill) })
	return r.WithContext(w.ctx)
}

func (w *watched) end() {
	if w.still != nil {
		w.still.Stop()
		w.stop(nil)
	}
}

// cause is what made a connection fail.
func (w *watched) cause(err error) error {
	if w.ctx != nil && errors.Is(context.Cause(w.ctx), errStill) {
		return errStill
	}
	return err
}

func (w *watched) Read(p []byte) (int, error) {
	if w.still != nil {
		w.still.Reset(w.after)
	}
	n, err := w.r.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

func (c *Client) request(ctx context.Context, r *Request) (*http.Request, error) {
	address, err := c.address(r)
	if err != nil {
		return nil, err
	}
	var body io.Reader
	var kind string
	switch {
	case r.JSON != nil:
		text, err := json.Marshal(r.JSON)
		if err != nil {
			return nil, fmt.Errorf("write the request: %w", err)
		}
		body, kind = bytes.NewReader(text), "application/json"
	case r.Form != nil:
		body, kind = strings.NewReader(r.Form.Encode()), "application/x-www-form-urlencoded"
	}
	method := r.Method
	if method == "" && body != nil {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(ctx, method, address.String(), body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "winback")
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	for _, set := range []http.Header{c.header, r.Header} {
		for name, values := range set {
			request.Header[name] = values
		}
	}
	if r.Foreign {
		return request, nil
	}
	if err := c.auth.Sign(ctx, request); err != nil {
		return nil, err
	}
	if renewer, ok := c.auth.(Renewer); ok { // to sign may have taken new tokens
		c.secrets.learn(renewer.Secrets())
	}
	return request, nil
}

func (c *Client) address(r *Request) (*url.URL, error) {
	address := c.base
	if strings.Contains(r.Path, "://") {
		parsed, err := url.Parse(r.Path)
		if err != nil || parsed.Host != c.base.Host && !r.Foreign {
			return nil, fmt.Errorf("the source names an address of another host")
		}
		address = parsed
	} else if r.Path != "" {
		path, query, _ := strings.Cut(r.Path, "?")
		address = c.base.JoinPath(path)
		address.RawQuery = query
	}
	if len(r.Query) > 0 {
		copied := *address
		copied.RawQuery = strings.Trim(copied.RawQuery+"&"+r.Query.Encode(), "&")
		address = &copied
	}
	return address, nil
}

// waitFor is how long to wait before the next try: as long as was asked for, or
// longer from try to try, with jitter so that many clients do not come at once.
func (c *Client) waitFor(r *Refusal, try int) time.Duration {
	if r.After > 0 {
		return r.After
	}
	longest := min(time.Second<<min(try-1, 6), time.Minute)
	return longest/2 + rand.N(longest/2)
}

func (c *Client) what(r Request) string { return cmp.Or(r.What, r.Path, c.base.Host) }

func (c *Client) failed(r Request, why *Refusal, tries int) error {
	if why.final {
		return fmt.Errorf("%s: %w", c.what(r), why.Err)
	}
	return &Error{
		What: c.Redact(c.what(r)), Status: why.Status, Code: why.Code, Text: c.Redact(why.Text), Advice: why.Advice, Tries: tries,
		cause: hidden(why.Err, c.secrets), refused: why.Refused || errors.Is(why.Err, ErrNoRenewal),
		passing: why.Verdict == Retry,
	}
}

func (c *Client) renewalFailed(r Request, why *Refusal, err error) error {
	return &Error{
		What: c.Redact(c.what(r)), Status: why.Status, Code: why.Code, Text: c.Redact(fmt.Sprintf("%s, and %v", why.Text, err)),
		Advice: why.Advice, cause: hidden(err, c.secrets), refused: errors.Is(err, ErrNoRenewal),
	}
}
