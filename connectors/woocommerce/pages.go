package woocommerce

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"winback/connectors"
	"winback/connectors/restapi"
)

// sizes are the pages to ask for: a smaller one when the server fails, as one heavy
// order can take more memory or time than it has.
var sizes = []int{100, 50, 25, 10}

// list is a list of the shop, in the order of ids.
type list struct {
	path  string // orders
	query url.Values
}

// page is a part of a list.
type page struct {
	rows  []json.RawMessage
	ids   []int64
	total int // of the list, by the shop's own count; -1 where it does not tell
	at    time.Time
}

// walker reads a list page by page. Each begins with the last row of the one before
// it; where it does not, rows have gone meanwhile and the others have moved up.
type walker struct {
	s    *source
	list list
	// Place: how many rows lie before the next one, and the last id that was seen.
	offset int
	last   int64
	size   int
	total  int // by the newest page
	done   bool
}

func (s *source) walk(l list, sample int) *walker {
	w := &walker{s: s, list: l, size: sizes[0]}
	if sample > 0 {
		w.size = sizes[len(sizes)-1]
	}
	return w
}

// maxRereads ends the reading of a list that cannot be read.
const maxRereads = 200

// next returns the next rows that were not seen yet, none at the end.
func (w *walker) next(ctx context.Context) ([]json.RawMessage, error) {
	back, repeated := min(1, w.offset), 0
	for range maxRereads {
		start := max(w.offset-back, 0)
		p, asked, err := w.ask(ctx, start)
		if err != nil {
			return nil, err
		}
		w.total = p.total
		end := start + len(p.rows)
		if start > 0 && (len(p.rows) == 0 || p.ids[0] > w.last) {
			back += w.size // rows before this page have gone
			continue
		}
		fresh := slices.IndexFunc(p.ids, func(id int64) bool { return id > w.last })
		// A page that reaches beyond the end is not the one that was asked for.
		beyond := p.total >= 0 && end > p.total
		w.done = !beyond && (len(p.rows) < asked || p.total == end)
		switch {
		case fresh >= 0 && !beyond:
			w.offset, w.last = end, p.ids[len(p.ids)-1]
			return p.rows[fresh:], nil
		case w.done:
			w.offset = end
			return nil, nil
		case beyond || end > w.offset:
			if repeated++; repeated > 5 {
				return nil, fmt.Errorf("read %s: the shop answers with the same page again and again: keep its cache from answering for /wp-json", w.list.path)
			}
			if err := w.s.client.Clock().Sleep(ctx, time.Second<<repeated); err != nil {
				return nil, err
			}
		default:
			w.offset, back = end, min(1, end)
		}
	}
	return nil, fmt.Errorf("read %s: the list changes faster than it can be read", w.list.path)
}

// ask asks for a page, and for smaller ones while the server fails.
func (w *walker) ask(ctx context.Context, start int) (p page, asked int, err error) {
	for {
		tries := 2
		if w.size == sizes[len(sizes)-1] {
			tries = 0
		}
		p, err = w.s.page(ctx, w.list, start, w.size, tries)
		if err == nil || tries == 0 || !errors.Is(err, connectors.ErrUnreachable) {
			return p, w.size, err
		}
		at := slices.Index(sizes, w.size)
		w.size = sizes[at+1]
	}
}

// page asks for rows of a list from one on.
func (s *source) page(ctx context.Context, l list, start, size, tries int) (page, error) {
	query := url.Values{"per_page": {strconv.Itoa(size)}, "orderby": {"id"}, "order": {"asc"}}
	if start > 0 {
		query.Set("offset", strconv.Itoa(start))
	}
	for name, values := range l.query {
		query[name] = values
	}
	return s.get(ctx, restapi.Request{Path: s.config.path(l.path), What: l.path, Query: query, Tries: tries}, query.Get("orderby") == "id" && query.Get("order") == "asc")
}

// get asks for a list as it is.
func (s *source) get(ctx context.Context, r restapi.Request, ascending bool) (p page, err error) {
	err = s.client.Do(ctx, r, func(a restapi.Answer) error {
		body, err := io.ReadAll(a.Body)
		if err != nil {
			return err
		}
		text, noise := sift(body)
		if text == nil {
			return &restapi.Later{Reason: "the shop answers with a page for people, not with data: a security plug-in, a cache or maintenance"}
		}
		if p, err = newPage(text, a, ascending); err != nil {
			return fmt.Errorf("read %s: %w", r.What, err)
		}
		s.noise(noise)
		return nil
	})
	return p, err
}

func newPage(text []byte, a restapi.Answer, ascending bool) (page, error) {
	p := page{total: -1, at: a.At}
	if err := json.Unmarshal(text, &p.rows); err != nil {
		return p, errors.New("the answer is no list")
	}
	if n, err := strconv.Atoi(a.Header.Get("X-WP-Total")); err == nil {
		p.total = n
	}
	p.ids = make([]int64, len(p.rows))
	for i, raw := range p.rows {
		var row struct {
			ID int64 `json:"id"`
		}
		if err := json.Unmarshal(raw, &row); err != nil {
			return p, errors.New("a record has no id that is a number")
		}
		p.ids[i] = row.ID
	}
	if ascending && !slices.IsSorted(p.ids) {
		return p, errors.New("the list is not in the order of ids, which was asked for: does a plug-in change the order?")
	}
	return p, nil
}

// sift finds the list in an answer that PHP has put warnings before, and says
// whether it has. Nil: there is none.
func sift(body []byte) (text []byte, noise bool) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	if json.Valid(body) {
		return body, false
	}
	rest := body
	for range 1000 {
		at := bytes.IndexByte(rest, '[')
		if at < 0 {
			return nil, false
		}
		if rest = rest[at:]; len(rest) > 1 && bytes.IndexByte([]byte("{] \n\r\t"), rest[1]) >= 0 && json.Valid(rest) {
			return rest, true
		}
		rest = rest[1:]
	}
	return nil, false
}

func (s *source) noise(heard bool) {
	if heard {
		s.mu.Lock()
		s.noisy = true
		s.mu.Unlock()
	}
}

// tellNoise says once that the shop prints warnings into its answers.
func (s *source) tellNoise(req connectors.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.noisy && !s.toldNoise {
		s.toldNoise = true
		req.Tell(connectors.Notice{
			Kind: connectors.NoticeDrift, Inputs: []string{s.config.URL}, Count: 1,
			Text: "the shop prints PHP warnings before its answers, which were left out: set WP_DEBUG_DISPLAY to false in its wp-config.php",
		})
	}
}

// now is the shop's clock.
func (s *source) now(ctx context.Context) (time.Time, error) {
	s.meeting.Lock()
	defer s.meeting.Unlock()
	if !s.met {
		query := url.Values{"per_page": {"1"}, "_fields": {"id"}}
		p, err := s.get(ctx, restapi.Request{Path: s.config.path("orders"), What: "orders", Query: query}, false)
		if err != nil {
			return time.Time{}, err
		}
		s.ahead, s.met = p.at.Sub(s.client.Clock().Now()), true
	}
	return s.client.Clock().Now().Add(s.ahead), nil
}

// refusal is how the API says what is wrong.
type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Data    struct {
		Params map[string]string `json:"params"`
	} `json:"data"`
}

const keyAdvice = "in the shop, WooCommerce → Settings → Advanced → REST API, add a key with the permission Read for a user who is administrator or shop manager, and give it as consumer_key and consumer_secret"

// judge reads what the API says with a refusal.
func judge(r *restapi.Refusal) {
	var said refusal
	if json.Unmarshal(r.Body, &said) != nil || said.Code == "" {
		judgePage(r)
		return
	}
	r.Code, r.Text = said.Code, said.Message
	for name, text := range said.Data.Params {
		r.Text += "; " + name + ": " + text
	}
	switch {
	case r.Status == http.StatusUnauthorized:
		r.Verdict, r.Refused, r.Advice = restapi.Fatal, true, keyAdvice
	case r.Status == http.StatusForbidden:
		r.Advice = "the key's user may not see this: " + keyAdvice
	case said.Code == "rest_no_route":
		r.Advice = "check url, and that WooCommerce is active"
	}
}

// judgePage judges an answer that does not come from WooCommerce.
func judgePage(r *restapi.Refusal) {
	switch r.Status {
	case http.StatusForbidden, 508:
		r.Verdict = restapi.Retry
		r.Advice = "a security plug-in or firewall answers instead of the shop: let it pass requests to /wp-json from this machine"
	case http.StatusNotFound:
		r.Advice = "check url; if the shop's permalinks are plain (Settings → Permalinks), set permalinks: plain"
	case http.StatusUnauthorized:
		r.Refused, r.Advice = true, keyAdvice+"; where the server itself asks for a password, let /wp-json pass"
	}
}
