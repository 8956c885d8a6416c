package amocrmtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"winback/connectors/connectortest"
)

// ServeHTTP answers as the API does.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.URL.Path == "/oauth2/access_token" {
		f.token(w, r)
		return
	}
	if !f.limit.Take(1) {
		tooMany(w, r)
		return
	}
	if f.Blocks > 0 {
		f.Blocks--
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, "<html><body>403 Forbidden</body></html>")
		return
	}
	if token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); token != longToken && (token != f.access || token == "") {
		problem(w, 401, "Unauthorized", "Не верный логин или пароль, авторизация не пройдена")
		return
	}
	f.used = ""
	if r.Method == http.MethodPost && r.URL.Path == "/api/v4/tasks" {
		f.addTasks(w, r)
		return
	}
	if r.Method != http.MethodGet {
		problem(w, 405, "Method Not Allowed", "")
		return
	}
	f.answer(w, strings.TrimPrefix(r.URL.Path, "/api/v4/"), r.URL.Query())
}

func problem(w http.ResponseWriter, status int, title, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{"title": title, "type": fmt.Sprintf("https://httpstatus.es/%d", status), "status": status, "detail": detail})
}

func invalid(w http.ResponseWriter, path, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(object{
		"validation-errors": []object{{"request_id": "0", "errors": []object{{"code": "NotSupportedChoice", "path": path, "detail": detail}}}},
		"title":             "Bad Request", "type": "https://httpstatus.es/400", "status": 400, "detail": "Request validation failed",
	})
}

// token renews access; a refresh token is good for one use.
func (f *Fake) token(w http.ResponseWriter, r *http.Request) {
	var ask map[string]string
	_ = json.NewDecoder(r.Body).Decode(&ask)
	if ask["grant_type"] != "refresh_token" || ask["client_secret"] != clientSecret || ask["refresh_token"] == "" || ask["refresh_token"] != f.refresh && ask["refresh_token"] != f.used || ask["redirect_uri"] == "" {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"hint":"Token has been revoked","title":"Не авторизован","type":"https://developers.amocrm.ru/v3/errors/OAuthProblemJson","status":401,"detail":"В запросе не указан корректный токен"}`)
		return
	}
	f.grant()
	_ = json.NewEncoder(w).Encode(object{"token_type": "Bearer", "expires_in": 86400, "access_token": f.access, "refresh_token": f.refresh})
}

func (f *Fake) answer(w http.ResponseWriter, path string, q url.Values) {
	switch path {
	case "account":
		f.account(w, q)
	case "leads/pipelines":
		f.pipelines(w, q)
	case "users":
		if f.NoAdmin {
			problem(w, 403, "Forbidden", "Доступ запрещён")
			return
		}
		directory(w, q, "users", f.users)
	case "leads/loss_reasons":
		directory(w, q, "loss_reasons", f.reasons)
	case "leads":
		f.list(w, q, "leads", f.leads, "updated_at", "id")
	case "contacts":
		f.list(w, q, "contacts", f.contacts, "updated_at", "id")
	case "companies":
		f.list(w, q, "companies", f.companies, "updated_at", "id")
	case "tasks":
		f.taskList(w, q)
	case "leads/notes", "contacts/notes", "companies/notes":
		f.noteList(w, q, strings.TrimSuffix(path, "/notes"))
	case "events":
		f.events(w, q)
	default:
		problem(w, 404, "Not Found", "Страница не найдена")
	}
}

func send(w http.ResponseWriter, v object) {
	w.Header().Set("Content-Type", "application/hal+json")
	_ = json.NewEncoder(w).Encode(v)
}

func (f *Fake) account(w http.ResponseWriter, q url.Values) {
	if err := connectortest.Allowed(q, "with"); err != nil {
		invalid(w, "with", err.Error())
		return
	}
	send(w, object{
		"id": 28805383, "name": "Acme", "subdomain": "acme", "currency": "RUB", "is_api_filter_enabled": !f.FiltersOff,
		"_embedded": object{"datetime_settings": object{"timezone": "Europe/Moscow"}},
	})
}

func (f *Fake) pipelines(w http.ResponseWriter, q url.Values) {
	if len(q) > 0 {
		invalid(w, "", "the list has no parameters")
		return
	}
	var list []object
	for _, id := range slices.Sorted(maps.Keys(stages)) {
		var statuses []object
		for i, s := range append(slices.Clone(stages[id]), won, lost) {
			kind := 0
			if i == 0 {
				kind = 1
			}
			statuses = append(statuses, object{"id": s, "name": fmt.Sprintf("Этап %d", s), "sort": 10 * (i + 1), "is_editable": true, "pipeline_id": id, "color": "#99ccff", "type": kind, "account_id": 28805383})
		}
		list = append(list, object{
			"id": id, "name": "Продажи", "sort": 1, "is_main": id == 1300, "is_unsorted_on": true, "is_archive": false, "account_id": 28805383,
			"_embedded": object{"statuses": statuses},
		})
	}
	send(w, object{"_total_items": len(list), "_links": object{}, "_embedded": object{"pipelines": list}})
}

func directory(w http.ResponseWriter, q url.Values, name string, list []object) {
	if err := connectortest.Allowed(q, "page", "limit", "with"); err != nil {
		invalid(w, "", err.Error())
		return
	}
	send(w, object{"_total_items": len(list), "_page": 1, "_page_count": 1, "_links": object{}, "_embedded": object{name: list}})
}

// asked is a query of a list.
type asked struct {
	page, limit int
	order       string
}

func pageOf(w http.ResponseWriter, q url.Values, most int) (a asked, ok bool) {
	a.page, _ = strconv.Atoi(cmp.Or(q.Get("page"), "1"))
	a.limit, _ = strconv.Atoi(cmp.Or(q.Get("limit"), "50"))
	for name, values := range q {
		if field, found := strings.CutPrefix(name, "order["); found {
			a.order = strings.TrimSuffix(field, "]")
			if values[0] != "asc" {
				invalid(w, name, "only asc is known here")
				return a, false
			}
		}
	}
	if a.page < 1 || a.limit < 1 || a.limit > most {
		invalid(w, "limit", fmt.Sprintf("This value should be %d or less.", most))
		return a, false
	}
	return a, true
}

func (f *Fake) noteList(w http.ResponseWriter, q url.Values, of string) {
	kinds := q["filter[note_type][]"]
	list := map[int64]*record{}
	for id, r := range f.notes[of] {
		if kind, _ := r.object["note_type"].(string); len(kinds) == 0 || slices.Contains(kinds, kind) {
			list[id] = r
		}
	}
	delete(q, "filter[note_type][]")
	f.list(w, q, "notes", list, "updated_at", "id")
}

func (f *Fake) list(w http.ResponseWriter, q url.Values, name string, all map[int64]*record, orders ...string) {
	known := []string{"page", "limit", "with", "order[*"}
	if !f.FiltersOff {
		known = append(known, "filter[updated_at][from]", "filter[updated_at][to]")
	}
	if err := connectortest.Allowed(q, append(known, "filter[id][]")...); err != nil {
		invalid(w, "filter", err.Error())
		return
	}
	a, ok := pageOf(w, q, 250)
	switch {
	case !ok:
		return
	case a.order != "" && !slices.Contains(orders, a.order):
		invalid(w, "order", "The value you selected is not a valid choice.")
		return
	case f.TooLarge > 0 && a.limit > f.TooLarge && name != "events":
		w.WriteHeader(http.StatusGatewayTimeout)
		return
	}
	records := matching(all, q)
	slices.SortFunc(records, func(x, y *record) int {
		if a.order == "updated_at" && x.updated != y.updated {
			return cmp.Compare(x.updated, y.updated)
		}
		return cmp.Compare(x.id, y.id)
	})
	var list []object
	for _, r := range records {
		list = append(list, r.sent())
	}
	paged(w, a, name, list)
}

func matching(all map[int64]*record, q url.Values) (records []*record) {
	bin := slices.Contains(strings.Split(q.Get("with"), ","), "only_deleted")
	from, to := bound(q, "updated_at", "from", 0), bound(q, "updated_at", "to", 1<<60)
	ids := q["filter[id][]"]
	for _, r := range all {
		if r.gone || r.binned != bin || r.updated < from || r.updated > to {
			continue
		}
		if len(ids) == 0 || slices.Contains(ids, strconv.FormatInt(r.id, 10)) {
			records = append(records, r)
		}
	}
	return records
}

func bound(q url.Values, field, end string, otherwise int64) int64 {
	if n, err := strconv.ParseInt(q.Get("filter["+field+"]["+end+"]"), 10, 64); err == nil {
		return n
	}
	return otherwise
}

// sent is a record as lists show it; the recycle bin shows little.
func (r *record) sent() object {
	if r.binned {
		return object{"id": r.id, "updated_at": r.updated, "is_deleted": true}
	}
	r.object["_links"] = object{"self": object{"href": fmt.Sprintf("https://acme.example/%d", r.id)}}
	return r.object
}

// paged sends one page. There is no next page to learn of but by asking: a full
// page always names one.
func paged(w http.ResponseWriter, a asked, name string, list []object) {
	begin := min((a.page-1)*a.limit, len(list))
	shown := list[begin:min(begin+a.limit, len(list))]
	if len(shown) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	links := object{"self": object{"href": "https://acme.example/self"}}
	if len(shown) == a.limit {
		links["next"] = object{"href": fmt.Sprintf("https://acme.example/next?page=%d", a.page+1)}
	}
	send(w, object{"_page": a.page, "_links": links, "_embedded": object{name: shown}})
}

var eventTypes = []string{
	"lead_status_changed", "lead_added", "lead_deleted", "lead_restored", "contact_added", "contact_deleted", "contact_restored",
	"company_added", "company_deleted", "company_restored", "entity_responsible_changed",
}

// events come newest first.
func (f *Fake) events(w http.ResponseWriter, q url.Values) {
	err := connectortest.Allowed(q, "page", "limit", "filter[type]", "filter[entity]", "filter[entity_id][]", "filter[created_at][from]", "filter[created_at][to]")
	types, ids := strings.Split(q.Get("filter[type]"), ","), q["filter[entity_id][]"]
	for _, t := range types {
		if !slices.Contains(eventTypes, t) {
			err = fmt.Errorf("%s is no type of event", t)
		}
	}
	if len(ids) > 10 || len(ids) > 0 && q.Get("filter[entity]") == "" {
		err = fmt.Errorf("up to ten ids of one entity can be asked for")
	}
	if err != nil {
		invalid(w, "filter", err.Error())
		return
	}
	a, ok := pageOf(w, q, 100)
	if !ok {
		return
	}
	from, to := bound(q, "created_at", "from", 0), bound(q, "created_at", "to", 1<<60)
	var found []happening
	for _, e := range f.candidates(q.Get("filter[entity]"), ids) {
		if slices.Contains(types, e.kind) && e.at >= from && e.at <= to && (q.Get("filter[entity]") == "" || e.entity == q.Get("filter[entity]")) {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(x, y happening) int {
		return cmp.Or(cmp.Compare(y.at, x.at), strings.Compare(y.object["id"].(string), x.object["id"].(string)))
	})
	var list []object
	for _, e := range found {
		list = append(list, e.object)
	}
	paged(w, a, "events", list)
}

// candidates are the events of some records, or all there are.
func (f *Fake) candidates(entity string, ids []string) (events []happening) {
	if len(ids) == 0 {
		return f.eventsOf
	}
	for _, id := range ids {
		events = append(events, f.eventsBy[entity+"/"+id]...)
		if n, _ := strconv.ParseInt(id, 10, 64); entity == "lead" && f.leads[n] != nil {
			f.leads[n].told = true
		}
	}
	return events
}
