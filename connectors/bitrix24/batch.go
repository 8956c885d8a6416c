package bitrix24

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"winback/connectors/restapi"
)

// maxBatch is how many commands a batch may have.
const maxBatch = 50

// params are those of a method: texts, numbers, lists and maps of them.
type params map[string]any

// clone is a copy, never nil.
func (p params) clone() params {
	c := make(params, len(p)+1)
	maps.Copy(c, p)
	return c
}

// command is one call within a batch.
type command struct {
	method string
	params params
}

// reply is what became of a command.
type reply struct {
	result json.RawMessage
	total  int64
	err    *restapi.Error
	again  bool // the error passes
	reset  time.Time
}

// batched is the answer of batch. PHP writes an empty map as an empty list.
type batched struct {
	Result struct {
		Result object[json.RawMessage] `json:"result"`
		Error  object[fault]           `json:"result_error"`
		Total  object[int64]           `json:"result_total"`
		Time   object[took]            `json:"result_time"`
	} `json:"result"`
	Time took `json:"time"`
}

// object is a map that may come as a list: empty, or with the numbers from 0 as its
// keys.
type object[T any] map[string]T

// UnmarshalJSON reads either form.
func (o *object[T]) UnmarshalJSON(text []byte) error {
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		return json.Unmarshal(text, (*map[string]T)(o))
	}
	var list []T
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	*o = make(object[T], len(list))
	for i, item := range list {
		(*o)[fmt.Sprint(i)] = item
	}
	return nil
}

// batch sends up to fifty commands as one request. A command that fails does not
// stop the others; its error is in its reply.
func (s *source) batch(ctx context.Context, commands []command) ([]reply, error) {
	return s.sendBatch(ctx, commands, 0)
}

// batchOnce is batch for commands that write: a request that may have arrived is not
// sent a second time.
func (s *source) batchOnce(ctx context.Context, commands []command) ([]reply, error) {
	return s.sendBatch(ctx, commands, 1)
}

// sendBatch sends a batch with so many tries; 0 is the client's own number.
func (s *source) sendBatch(ctx context.Context, commands []command, tries int) ([]reply, error) {
	cmd := make(map[string]string, len(commands))
	var methods []string
	for i, c := range commands {
		cmd[key(i)] = c.method + "?" + query(c.params)
		if !slices.Contains(methods, c.method) {
			methods = append(methods, c.method)
		}
	}
	request := restapi.Request{
		What: strings.Join(methods, ", "), Method: http.MethodPost, Path: "batch", JSON: map[string]any{"halt": 0, "cmd": cmd}, Tries: tries,
	}
	got, about, err := restapi.Get[batched](ctx, s.client, request)
	if err != nil {
		return nil, err
	}
	s.heard(got.Time, about.At)
	s.lasted(len(commands), got.Time.Duration)
	replies := make([]reply, len(commands))
	for i, c := range commands {
		replies[i] = got.reply(key(i), c.method)
	}
	return replies, nil
}

// key names a command. Names are in the order of the commands, whoever sorts them.
func key(i int) string { return fmt.Sprintf("p%02d", i) }

func (b *batched) reply(key, method string) reply {
	r := reply{result: b.Result.Result[key], total: b.Result.Total[key], reset: b.Result.Time[key].Reset.Time}
	f, failed := b.Result.Error[key]
	if !failed {
		return r
	}
	refusal := restapi.Refusal{Status: statusOf[string(f.Code)]}
	refusal.Body, _ = json.Marshal(map[string]string{"error": string(f.Code), "error_description": f.Text})
	judge(&refusal)
	r.again = refusal.Verdict == restapi.Retry
	if !f.Time.Reset.IsZero() {
		r.reset = f.Time.Reset.Time
	}
	r.err = &restapi.Error{What: method, Status: refusal.Status, Code: refusal.Code, Text: refusal.Text, Advice: refusal.Advice}
	return r
}

// statusOf are the statuses that codes come with when a command stands alone.
var statusOf = map[string]int{
	codeTooMany: 503, codeOverload: 503, codeTimeIsUp: 429, codeExpired: 401, codeNoAuth: 401, codeBadToken: 401, codeScope: 403,
	codeDenied: 403, codeNoCreds: 403, codeUser: 403, codeIntranet: 403, codeUnknown: 404, codeInternal: 500, codeSurprised: 500, codeDeleted: 500,
}

// each sends any number of commands, and asks again for those that the portal has
// no time for just now. The replies have no errors that pass.
func (s *source) each(ctx context.Context, commands []command) ([]reply, error) {
	replies := make([]reply, len(commands))
	open := make([]int, len(commands))
	for i := range open {
		open[i] = i
	}
	for patience := s.patience(); len(open) > 0; {
		now := open[:min(len(open), s.config.BatchPages)]
		var some []command
		for _, i := range now {
			some = append(some, commands[i])
		}
		got, err := s.batch(ctx, some)
		if err != nil {
			return nil, err
		}
		var busy []int
		for at, i := range now {
			if replies[i] = got[at]; got[at].again {
				busy = append(busy, i)
			}
		}
		if len(busy) < len(now) {
			patience.went()
		}
		if open = append(busy, open[len(now):]...); len(busy) > 0 {
			if err := patience.wait(ctx, replies[busy[0]]); err != nil {
				return nil, err
			}
		}
	}
	return replies, nil
}

// patience waits for a method to have time again, and comes to an end.
type patience struct {
	s     *source
	until time.Time
	next  time.Duration
}

func (s *source) patience() *patience { return &patience{s: s, next: time.Second} }

// wait waits as long as a reply asks for, or longer from time to time.
func (p *patience) wait(ctx context.Context, r reply) error {
	clock := p.s.client.Clock()
	if p.until.IsZero() {
		p.until = clock.Now().Add(p.s.client.Patience(ctx))
	}
	wait := p.next
	if left := r.reset.Sub(p.s.now()); r.err.Code == codeTimeIsUp && left > 0 {
		wait = left
	}
	p.next = min(2*p.next, time.Minute)
	if clock.Now().Add(wait).After(p.until) {
		return r.err
	}
	return clock.Sleep(ctx, wait)
}

// went starts the patience anew after a success.
func (p *patience) went() { *p = *p.s.patience() }

// query writes parameters as PHP reads them: filter[>ID]=7. A reference to an
// earlier command stays as it is.
func query(p params) string {
	var parts []string
	add := func(name, value string) {
		if !strings.HasPrefix(value, "$result[") {
			value = url.QueryEscape(value)
		}
		parts = append(parts, name+"="+value)
	}
	flatten("", map[string]any(p), add)
	return strings.Join(parts, "&")
}

func flatten(name string, value any, add func(name, value string)) {
	inner := func(key string) string {
		if name == "" {
			return url.QueryEscape(key)
		}
		return name + "[" + url.QueryEscape(key) + "]"
	}
	switch v := value.(type) {
	case params:
		flatten(name, map[string]any(v), add)
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			flatten(inner(key), v[key], add)
		}
	case []string:
		for i, item := range v {
			add(inner(fmt.Sprint(i)), item)
		}
	default:
		add(name, fmt.Sprint(v))
	}
}
