package bitrix24test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// batch runs up to fifty commands, each of which may refer to those before.
func (p *Portal) batch(w http.ResponseWriter, body map[string]any) {
	cmd, ok := body["cmd"].(map[string]any)
	if !ok || len(body) != 2 || fmt.Sprint(body["halt"]) != "0" {
		send(w, http.StatusBadRequest, bad("INVALID_REQUEST", "wants cmd and halt 0").body())
		return
	}
	if len(cmd) > 50 {
		send(w, http.StatusBadRequest, bad("ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded").body())
		return
	}
	p.peakBatch = max(p.peakBatch, len(cmd))
	results, errors, totals, nexts, times := map[string]any{}, map[string]any{}, map[string]any{}, map[string]any{}, map[string]any{}
	keys := make([]string, 0, len(cmd))
	for key := range cmd {
		keys = append(keys, key)
	}
	slices.Sort(keys) // JSON objects of the client are in this order
	for _, key := range keys {
		method, query, _ := strings.Cut(fmt.Sprint(cmd[key]), "?")
		params, err := p.parse(query, results)
		if err != nil {
			errors[key] = bad("INVALID_REQUEST", "%v", err).body()
			continue
		}
		got, f := p.call(method, params)
		if f != nil {
			errors[key] = f.body()
			times[key] = map[string]any{"operating": 481.0, "operating_reset_at": f.reset.Unix()}
			continue
		}
		results[key], totals[key], times[key] = got["result"], got["total"], p.time(method)
		if next, ok := got["next"]; ok {
			nexts[key] = next
		}
	}
	send(w, http.StatusOK, map[string]any{
		"result": map[string]any{
			"result": php(results), "result_error": php(errors), "result_total": php(totals), "result_next": php(nexts), "result_time": php(times),
		},
		"time": p.time("batch"),
	})
}

// php is a map as PHP writes it: an empty one as a list.
func php(m map[string]any) any {
	if len(m) == 0 {
		return []any{}
	}
	return m
}

var (
	reference = regexp.MustCompile(`^\$result((?:\[[^\]]+\])+)$`)
	inBracket = regexp.MustCompile(`\[([^\]]*)\]`)
)

// parse reads a query as PHP does: filter[>ID]=7 is a map in a map.
func (p *Portal) parse(query string, results map[string]any) (map[string]any, error) {
	params := map[string]any{}
	if query == "" {
		return params, nil
	}
	for _, part := range strings.Split(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, err
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, err
		}
		if found := reference.FindStringSubmatch(value); found != nil {
			value = resolve(found[1], results)
		}
		first, rest, _ := strings.Cut(name, "[")
		path := []string{first}
		for _, key := range inBracket.FindAllStringSubmatch("["+rest, -1) {
			path = append(path, key[1])
		}
		put(params, path, value)
	}
	return params, nil
}

func put(into map[string]any, path []string, value string) {
	for _, key := range path[:len(path)-1] {
		inner, ok := into[key].(map[string]any)
		if !ok {
			inner = map[string]any{}
			into[key] = inner
		}
		into = inner
	}
	into[path[len(path)-1]] = value
}

// resolve finds what a reference names; what is not there is nothing.
func resolve(path string, results map[string]any) string {
	var at any = results
	for _, key := range inBracket.FindAllStringSubmatch(path, -1) {
		switch v := at.(type) {
		case map[string]any:
			at = v[key[1]]
		case []json.RawMessage:
			n, err := strconv.Atoi(key[1])
			if err != nil || n >= len(v) {
				return ""
			}
			var one map[string]any
			_ = json.Unmarshal(v[n], &one)
			at = one
		default:
			return ""
		}
	}
	return text(at)
}

// text is a value as a text.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// call runs one method.
func (p *Portal) call(method string, params map[string]any) (map[string]any, *fault) {
	if f := p.spend(method); f != nil {
		return nil, f
	}
	p.commands[method]++
	if scope := scopeOf(method); scope != "" && !slices.Contains(p.scopes, scope) {
		return nil, &fault{status: 403, code: "insufficient_scope", text: "The request requires higher privileges than provided by the webhook token"}
	}
	switch method {
	case "profile":
		return map[string]any{"result": map[string]any{"ID": "1", "ADMIN": p.admin, "NAME": "Ирина", "LAST_NAME": "Петрова", "PERSONAL_GENDER": "", "TIME_ZONE": ""}}, nil
	case "scope":
		return map[string]any{"result": p.scopes}, nil
	case "crm.item.list":
		return p.items(params)
	case "crm.item.fields":
		return p.fields(params)
	case "crm.item.productrow.list":
		return p.productRows(params)
	case "crm.stagehistory.list":
		return p.stageHistory(params)
	case "crm.category.list":
		return p.categoryList(params)
	case "crm.status.list":
		return p.statusList(params)
	case "crm.activity.list":
		return p.activityList(params)
	case "crm.currency.list":
		return map[string]any{"result": p.currencies, "total": 0}, nil
	case "user.get", "department.get":
		return p.numbered(method, params)
	case "voximplant.statistic.get":
		return p.statistic(params)
	case "tasks.task.list":
		return p.taskList(params)
	case "tasks.task.add":
		return p.addTask(params)
	}
	return nil, &fault{status: http.StatusNotFound, code: "ERROR_METHOD_NOT_FOUND", text: "Method not found!"}
}

func scopeOf(method string) string {
	switch first, _, _ := strings.Cut(method, "."); first {
	case "crm", "user", "department":
		return first
	case "voximplant":
		return "telephony"
	case "tasks":
		return "task"
	}
	return ""
}

// spend counts the time of a method.
func (p *Portal) spend(method string) *fault {
	if sum, oldest := p.operating(method); sum > allowed {
		return &fault{status: 429, code: "OPERATION_TIME_LIMIT", text: "Method is blocked due to operation time limit", reset: oldest.Add(window)}
	}
	if cost := p.cost[method]; cost > 0 {
		p.spent[method] = append(p.spent[method], spell{p.clock.Now(), cost})
	}
	return nil
}

// only refuses parameters that a method does not have.
func only(params map[string]any, names ...string) *fault {
	for name := range params {
		if !slices.Contains(names, name) {
			return bad("INVALID_ARG_VALUE", "unknown parameter %s", name)
		}
	}
	return nil
}

// record is a record of a table, and its JSON.
type record struct {
	id     int64
	fields map[string]any
	json   json.RawMessage
	sorted map[string]value // fields as they are compared
}

func newRecord(id int64, fields map[string]any) *record {
	r := &record{id: id, fields: fields}
	r.written()
	return r
}

// written has the rest follow the fields.
func (r *record) written() {
	r.json, r.sorted = nil, map[string]value{}
}

// text is the record as JSON.
func (r *record) text() json.RawMessage {
	if r.json == nil {
		r.json, _ = json.Marshal(r.fields)
	}
	return r.json
}

// value is a field as it is compared.
func (r *record) value(field string) value {
	v, ok := r.sorted[field]
	if !ok {
		v = valueOf(text(r.fields[field]))
		r.sorted[field] = v
	}
	return v
}

// table is a list of records in the order of their ids.
type table struct {
	id      string
	records []*record
	hidden  []string // fields that come only when they are named
	extra   []string // fields that come only with all others
}

func (t *table) known(field string) bool {
	if len(t.records) == 0 {
		return true
	}
	_, ok := t.records[0].fields[field]
	return ok
}

// asked is what is asked of a table.
type asked struct {
	filter, order map[string]any
	selected      []string
	start         int
}

// ask reads the usual parameters of a list.
func (t *table) ask(params map[string]any) (asked, *fault) {
	a := asked{}
	a.filter, _ = params["filter"].(map[string]any)
	a.order, _ = params["order"].(map[string]any)
	if start, ok := params["start"]; ok {
		n, err := strconv.Atoi(text(start))
		if err != nil || n < -1 || n > 0 && n%50 != 0 {
			return a, bad("INVALID_ARG_VALUE", "start %v", start)
		}
		a.start = n
	}
	for _, name := range values(params["select"]) {
		if name != "*" && !t.known(name) || slices.Contains(t.extra, name) {
			return a, bad("INVALID_ARG_VALUE", "unknown field %s in select", name)
		}
		a.selected = append(a.selected, name)
	}
	return a, nil
}

// values are the items of a list, as JSON or PHP writes it.
func values(v any) []string {
	var list []string
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			list = append(list, text(item))
		}
	case map[string]any:
		for i := range len(v) {
			list = append(list, text(v[strconv.Itoa(i)]))
		}
	case nil:
	default:
		list = []string{text(v)}
	}
	return list
}

// page finds the records that fit, and gives a page of them.
func (t *table) page(a asked) (page []json.RawMessage, total int, next any, f *fault) {
	var fit []*record
	conditions, f := t.conditions(a.filter)
	if f != nil {
		return nil, 0, nil, f
	}
	for _, r := range t.records {
		if r.fits(conditions) {
			fit = append(fit, r)
		}
	}
	if f := t.sort(fit, a.order); f != nil {
		return nil, 0, nil, f
	}
	from := max(a.start, 0)
	page = []json.RawMessage{}
	for i := from; i < min(from+50, len(fit)); i++ {
		page = append(page, fit[i].selected(a.selected, t.hidden))
	}
	if a.start >= 0 {
		total = len(fit)
		if from+50 < total {
			next = from + 50
		}
	}
	return page, total, next, nil
}

// selected is a record with the fields asked for.
func (r *record) selected(names, hidden []string) json.RawMessage {
	if (len(names) == 0 || slices.Contains(names, "*")) && !slices.ContainsFunc(hidden, func(h string) bool { return !slices.Contains(names, h) }) {
		return r.text()
	}
	some := map[string]any{}
	for name, value := range r.fields {
		all := (len(names) == 0 || slices.Contains(names, "*")) && !slices.Contains(hidden, name)
		if all || slices.Contains(names, name) {
			some[name] = value
		}
	}
	written, _ := json.Marshal(some)
	return written
}

func (t *table) sort(list []*record, order map[string]any) *fault {
	for field, way := range order {
		if !t.known(field) {
			return bad("INVALID_ARG_VALUE", "unknown field %s in order", field)
		}
		slices.SortStableFunc(list, func(a, b *record) int {
			c := a.value(field).compare(b.value(field))
			if strings.EqualFold(text(way), "DESC") {
				return -c
			}
			return c
		})
	}
	return nil
}

// condition is one key of a filter.
type condition struct {
	field, operator string
	values          []value
}

var operators = []string{">=", "<=", "!@", ">", "<", "@", "=", "!"}

// conditions reads a filter. A time without an offset means one thing or another,
// and is refused.
func (t *table) conditions(filter map[string]any) ([]condition, *fault) {
	var list []condition
	for name, value := range filter {
		c := condition{field: name, operator: "="}
		for _, o := range operators {
			if rest, ok := strings.CutPrefix(name, o); ok {
				c.field, c.operator = rest, o
				break
			}
		}
		if !t.known(c.field) {
			return nil, bad("INVALID_ARG_VALUE", "unknown field %s in filter", c.field)
		}
		for _, v := range values(value) {
			c.values = append(c.values, valueOf(v))
			if len(v) >= 10 && v[4] == '-' && v[7] == '-' {
				if _, err := time.Parse(time.RFC3339, v); err != nil {
					return nil, bad("INVALID_ARG_VALUE", "%s: time %q has no offset", name, v)
				}
			}
		}
		list = append(list, c)
	}
	return list, nil
}

func (r *record) fits(conditions []condition) bool {
	for _, c := range conditions {
		have := r.value(c.field)
		var first value
		if len(c.values) > 0 {
			first = c.values[0]
		}
		ok := false
		switch c.operator {
		case "=", "@":
			ok = have.in(c.values)
		case "!", "!@":
			ok = !have.in(c.values)
		case ">":
			ok = first.text == "" || have.compare(first) > 0 // an empty value restricts nothing
		case ">=":
			ok = have.compare(first) >= 0
		case "<":
			ok = have.compare(first) < 0
		case "<=":
			ok = have.compare(first) <= 0
		}
		if !ok {
			return false
		}
	}
	return true
}

// value is a number, a time or a text.
type value struct {
	text   string
	number float64
	is     byte // n, t or 0
}

func valueOf(text string) value {
	v := value{text: text}
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		v.number, v.is = n, 'n'
	} else if at, err := time.Parse(time.RFC3339, text); err == nil {
		v.number, v.is = float64(at.Unix()), 't'
	}
	return v
}

func (v value) compare(w value) int {
	if v.is != 0 && v.is == w.is {
		return cmp.Compare(v.number, w.number)
	}
	return strings.Compare(v.text, w.text)
}

func (v value) in(list []value) bool {
	return slices.ContainsFunc(list, func(w value) bool { return v.compare(w) == 0 })
}
