package hubspottest

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
	"time"

	"winback/connectors/connectortest"
)

// ServeHTTP answers as the API does.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.URL.Path == "/oauth/v3/token" {
		f.token(w, r)
		return
	}
	searching := strings.HasSuffix(r.URL.Path, "/search")
	if !f.take(w, searching) {
		return
	}
	switch token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); {
	case token == privateToken, token != "" && token == f.access:
	case strings.HasPrefix(token, "access-"):
		problem(w, 401, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired 5 second(s) ago.", nil)
		return
	default:
		problem(w, 401, "INVALID_AUTHENTICATION", "Authentication credentials not found. This API supports OAuth 2.0 authentication.", nil)
		return
	}
	f.route(w, r)
}

// take counts a request, and refuses one too many.
func (f *Fake) take(w http.ResponseWriter, searching bool) bool {
	now := f.clock.Now()
	if f.Daily == 0 {
		tooMany(w, "DAILY")
		return false
	}
	f.Daily = max(f.Daily-1, -1)
	if searching {
		return within(w, &f.searches, now, time.Second, 5, "SECONDLY")
	}
	ok := within(w, &f.requests, now, 10*time.Second, f.Most, "TEN_SECONDLY_ROLLING")
	if ok {
		w.Header().Set("X-HubSpot-RateLimit-Interval-Milliseconds", "10000")
		w.Header().Set("X-HubSpot-RateLimit-Max", strconv.Itoa(f.Most))
		w.Header().Set("X-HubSpot-RateLimit-Remaining", strconv.Itoa(f.Most-len(f.requests)))
	}
	return ok
}

func within(w http.ResponseWriter, list *[]time.Time, now time.Time, span time.Duration, most int, policy string) bool {
	*list = slices.DeleteFunc(*list, func(at time.Time) bool { return now.Sub(at) >= span })
	if len(*list) >= most {
		tooMany(w, policy)
		return false
	}
	*list = append(*list, now)
	return true
}

func tooMany(w http.ResponseWriter, policy string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusTooManyRequests)
	fmt.Fprintf(w, `{"status":"error","message":"You have reached your %s limit.","errorType":"RATE_LIMIT","correlationId":"c1d2","policyName":"%s","requestId":"r1"}`, strings.ToLower(policy), policy)
}

func problem(w http.ResponseWriter, status int, category, message string, errors []object) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{"status": "error", "message": message, "correlationId": "c1d3", "category": category, "errors": errors})
}

func invalid(w http.ResponseWriter, format string, args ...any) {
	problem(w, 400, "VALIDATION_ERROR", fmt.Sprintf(format, args...), nil)
}

func send(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (f *Fake) token(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("grant_type") != "refresh_token" || r.FormValue("client_secret") != clientSecret || r.FormValue("refresh_token") != refreshToken {
		problem(w, 400, "VALIDATION_ERROR", "missing or invalid refresh token", nil)
		return
	}
	f.grants++
	f.access = fmt.Sprintf("access-%d-0123456789", f.grants)
	send(w, 200, object{"token_type": "bearer", "access_token": f.access, "refresh_token": refreshToken, "expires_in": 1800})
}

func (f *Fake) route(w http.ResponseWriter, r *http.Request) {
	path := strings.Trim(r.URL.Path, "/")
	parts := strings.Split(path, "/")
	post := r.Method == http.MethodPost
	switch {
	case path == "account-info/v3/details":
		send(w, 200, object{"portalId": 4711, "timeZone": "Europe/Berlin", "companyCurrency": "EUR"})
	case path == "crm/v3/pipelines/deals":
		pipelines(w)
	case path == "crm/v3/owners":
		owners(w, r.URL.Query())
	case path == "calling/v1/dispositions":
		send(w, 200, []object{{"id": "f240bbac-87c9-4f6e-bf70-924b57d47db7", "label": "Connected"}})
	case strings.HasPrefix(path, "crm/v3/properties/") && known[parts[3]] != nil:
		catalogue(w, parts[3])
	case strings.HasPrefix(path, "crm/v3/objects/") && f.closed(w, parts[3]):
	case strings.HasPrefix(path, "crm/v3/objects/") && known[parts[3]] != nil && len(parts) == 4 && !post:
		f.list(w, parts[3], r.URL.Query())
	case strings.HasPrefix(path, "crm/v3/objects/") && strings.HasSuffix(path, "/search") && post:
		f.search(w, parts[3], r)
	case strings.HasPrefix(path, "crm/v3/objects/") && strings.HasSuffix(path, "/batch/read") && post:
		f.batch(w, parts[3], r)
	case strings.HasPrefix(path, "crm/v4/associations/") && len(parts) == 7 && post:
		f.linked(w, parts[3], parts[4], r)
	default:
		problem(w, 404, "OBJECT_NOT_FOUND", "no such resource", nil)
	}
}

func (f *Fake) closed(w http.ResponseWriter, kind string) bool {
	if !slices.Contains(f.Closed, kind) {
		return false
	}
	problem(w, 403, "MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call.", []object{
		{"message": "One or more of the following scopes are required.", "context": object{"requiredGranularScopes": []string{"crm.objects." + kind + ".read"}}},
	})
	return true
}

func pipelines(w http.ResponseWriter) {
	var list []object
	for i, s := range append(slices.Clone(stages), "closedwon", "closedlost") {
		probability := []string{"0.2", "0.4", "0.6", "1.0", "0.0"}[i]
		list = append(list, object{
			"id": s, "label": s, "displayOrder": i, "metadata": object{"isClosed": strconv.FormatBool(i > 2), "probability": probability}, "archived": false,
			"createdAt": "1970-01-01T00:00:00Z", "updatedAt": "1970-01-01T00:00:00Z", "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
		})
	}
	send(w, 200, object{"results": []object{{"id": "default", "label": "Sales", "displayOrder": 0, "archived": false, "createdAt": "1970-01-01T00:00:00Z", "updatedAt": "2025-05-05T05:05:05.000Z", "stages": list}}})
}

func owners(w http.ResponseWriter, q url.Values) {
	if n, _ := strconv.Atoi(q.Get("limit")); n > 500 || connectortest.Allowed(q, "limit", "after", "archived") != nil {
		invalid(w, "limit")
		return
	}
	if q.Get("archived") == "true" {
		send(w, 200, object{"results": []object{{"id": "79", "email": "gone@example.com", "type": "PERSON", "firstName": "Gone", "lastName": "", "userId": nil, "archived": true, "createdAt": "2024-01-01T00:00:00.000Z", "updatedAt": "2025-06-01T00:00:00.000Z"}}})
		return
	}
	teams := []object{{"id": "11", "name": "Retail", "primary": true}}
	send(w, 200, object{"results": []object{
		{"id": "77", "email": "p.lee@example.com", "type": "PERSON", "firstName": "Pat", "lastName": "Lee", "userId": 501, "createdAt": "2024-01-01T00:00:00.000Z", "updatedAt": "2025-06-01T00:00:00.000Z", "archived": false, "teams": teams},
		{"id": "78", "email": "k@example.com", "type": "PERSON", "firstName": "Kim", "lastName": "", "userId": 502, "createdAt": "2024-01-01T00:00:00.000Z", "updatedAt": "2025-06-01T00:00:00.000Z", "archived": false},
	}})
}

func catalogue(w http.ResponseWriter, kind string) {
	var list []object
	for _, name := range known[kind] {
		values := []object{}
		for _, value := range slices.Sorted(maps.Keys(options[name])) {
			values = append(values, object{"label": options[name][value], "value": value, "displayOrder": 1, "hidden": false})
		}
		list = append(list, object{"name": name, "label": name, "type": "string", "options": values})
	}
	send(w, 200, object{"results": list})
}

// asked is what is wanted of records.
type asked struct {
	properties, history, links []string
}

func (a asked) check(kind string) error {
	for _, name := range slices.Concat(a.properties, a.history) {
		if !slices.Contains(known[kind], name) {
			return fmt.Errorf("%s have no property %s", kind, name)
		}
	}
	return nil
}

// sent is a record as it is sent.
func (f *Fake) sent(kind string, r *record, a asked) object {
	props := object{"hs_object_id": strconv.FormatInt(r.id, 10), modifiedOf(kind): iso(r.modified)}
	for _, name := range a.properties {
		props[name] = r.props[name]
	}
	o := object{
		"id": strconv.FormatInt(r.id, 10), "properties": props, "createdAt": iso(r.created), "updatedAt": iso(r.modified), "archived": !r.archived.IsZero(),
	}
	if !r.archived.IsZero() {
		o["archivedAt"] = iso(r.archived)
	}
	if len(a.history) > 0 {
		r.told = true
		histories := object{}
		for _, name := range a.history {
			list := []object{}
			for _, v := range r.history[name] {
				list = append(list, object{"value": v.value, "timestamp": iso(v.at), "sourceType": "CRM_UI", "sourceId": "userId:501", "updatedByUserId": 501})
			}
			histories[name] = list
		}
		o["propertiesWithHistory"] = histories
	}
	if all := associations(r, a.links); len(all) > 0 {
		o["associations"] = all
	}
	return o
}

// shown is how many links a list shows of one record.
const shown = 2

func associations(r *record, kinds []string) object {
	all := object{}
	for _, to := range kinds {
		var list []object
		for _, id := range r.links[to] {
			list = append(list, object{"id": strconv.FormatInt(id, 10), "type": "to_" + to})
		}
		switch {
		case len(list) > shown:
			all[to] = object{"results": list[:shown], "paging": object{"next": object{"after": "x"}}}
		case len(list) > 0:
			all[to] = object{"results": list}
		}
	}
	return all
}

func names(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

func (f *Fake) list(w http.ResponseWriter, kind string, q url.Values) {
	if err := connectortest.Allowed(q, "limit", "after", "properties", "propertiesWithHistory", "associations", "archived"); err != nil {
		invalid(w, "%v", err)
		return
	}
	a := asked{names(q.Get("properties")), names(q.Get("propertiesWithHistory")), names(q.Get("associations"))}
	limit, _ := strconv.Atoi(cmp.Or(q.Get("limit"), "10"))
	most := 100
	if len(a.history) > 0 {
		most = 50
	}
	if err := a.check(kind); err != nil || limit < 1 || limit > most {
		invalid(w, "limit %d: %v", limit, err)
		return
	}
	after, _ := strconv.ParseInt(q.Get("after"), 10, 64)
	list := []object{}
	for _, id := range slices.Sorted(maps.Keys(f.objects[kind])) {
		r := f.objects[kind][id]
		if id < after || r.gone || r.archived.IsZero() == (q.Get("archived") == "true") {
			continue
		}
		if len(list) == limit {
			send(w, 200, object{"results": list, "paging": object{"next": object{"after": strconv.FormatInt(id, 10), "link": "https://api.hubapi.com/next"}}})
			return
		}
		list = append(list, f.sent(kind, r, a))
	}
	send(w, 200, object{"results": list})
}

type searchBody struct {
	FilterGroups []struct {
		Filters []struct {
			PropertyName, Operator, Value, HighValue string
		}
	}
	Sorts []struct {
		PropertyName, Direction string
	}
	Properties []string
	Limit      int
	After      string
}

// indexLag is how long a change takes to be found.
const indexLag = 30 * time.Second

func (f *Fake) search(w http.ResponseWriter, kind string, r *http.Request) {
	var b searchBody
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&b)
	after, _ := strconv.Atoi(b.After)
	switch {
	case err != nil || known[kind] == nil || asked.check(asked{properties: b.Properties}, kind) != nil:
		invalid(w, "the search cannot be read: %v", err)
		return
	case b.Limit > 200 || len(b.Sorts) > 1 || len(b.FilterGroups) > 5 || after >= 10_000:
		invalid(w, "too much is asked for")
		return
	}
	var found []*record
	for _, one := range f.objects[kind] {
		if one.here() && f.clock.Now().Sub(one.modified) >= indexLag && b.fits(kind, one) {
			found = append(found, one)
		}
	}
	slices.SortFunc(found, func(x, y *record) int {
		if len(b.Sorts) == 1 && b.Sorts[0].PropertyName == modifiedOf(kind) && !x.modified.Equal(y.modified) {
			return x.modified.Compare(y.modified)
		}
		return cmp.Compare(x.id, y.id)
	})
	list := []object{}
	for _, one := range found[min(after, len(found)):min(after+b.Limit, len(found))] {
		list = append(list, f.sent(kind, one, asked{properties: b.Properties}))
	}
	answer := object{"total": len(found), "results": list}
	if end := after + len(list); end < len(found) {
		answer["paging"] = object{"next": object{"after": strconv.Itoa(end)}}
	}
	send(w, 200, answer)
}

// fits says whether a record meets the filters; one by a property that has no
// value finds nothing.
func (b searchBody) fits(kind string, r *record) bool {
	for _, filter := range b.FilterGroups[0].Filters {
		var value int64
		switch filter.PropertyName {
		case modifiedOf(kind):
			value = r.modified.UnixMilli()
		case "hs_object_id":
			value = r.id
		default:
			return false
		}
		low, _ := strconv.ParseInt(filter.Value, 10, 64)
		high, _ := strconv.ParseInt(filter.HighValue, 10, 64)
		if !(filter.Operator == "BETWEEN" && value >= low && value <= high || filter.Operator == "GT" && value > low || filter.Operator == "EQ" && value == low) {
			return false
		}
	}
	return true
}

type batchBody struct {
	Inputs []struct {
		ID, After string
	}
	Properties, PropertiesWithHistory []string
}

func (f *Fake) batch(w http.ResponseWriter, kind string, r *http.Request) {
	var b batchBody
	err := json.NewDecoder(r.Body).Decode(&b)
	a := asked{properties: b.Properties, history: b.PropertiesWithHistory}
	switch {
	case err != nil || a.check(kind) != nil:
		invalid(w, "the batch cannot be read: %v %v", err, a.check(kind))
		return
	case len(a.history) > 0 && len(b.Inputs) > 50:
		invalid(w, "The maximum number of inputs supported in a batch request for property histories is 50.")
		return
	case len(b.Inputs) > 100:
		invalid(w, "The maximum number of inputs supported in a batch request is 100.")
		return
	}
	list, errors := []object{}, []object{}
	for _, in := range b.Inputs {
		id, _ := strconv.ParseInt(in.ID, 10, 64)
		if one := f.objects[kind][id]; one != nil && one.here() {
			list = append(list, f.sent(kind, one, a))
			continue
		}
		errors = append(errors, object{"status": "error", "category": "OBJECT_NOT_FOUND", "message": "Could not get some " + kind + " objects, they may be deleted or not exist."})
	}
	answer, status := object{"status": "COMPLETE", "results": list}, 200
	if len(errors) > 0 {
		answer["numErrors"], answer["errors"], status = len(errors), errors, 207
	}
	send(w, status, answer)
}

func (f *Fake) linked(w http.ResponseWriter, from, to string, r *http.Request) {
	var b batchBody
	if err := json.NewDecoder(r.Body).Decode(&b); err != nil || len(b.Inputs) > 100 {
		invalid(w, "too many inputs")
		return
	}
	list := []object{}
	for _, in := range b.Inputs {
		id, _ := strconv.ParseInt(in.ID, 10, 64)
		one := f.objects[from][id]
		if one == nil || len(one.links[to]) == 0 {
			continue
		}
		var links []object
		for _, id := range one.links[to] {
			links = append(links, object{"toObjectId": id, "associationTypes": []object{{"category": "HUBSPOT_DEFINED", "typeId": 3, "label": nil}}})
		}
		list = append(list, object{"from": object{"id": in.ID}, "to": links})
	}
	send(w, 200, object{"status": "COMPLETE", "results": list})
}
