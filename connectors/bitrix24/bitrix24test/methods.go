package bitrix24test

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// listed is the answer of a list.
func listed(key string, page []json.RawMessage, total int, next any) map[string]any {
	got := map[string]any{"total": total, "result": page}
	if key != "" {
		got["result"] = map[string]any{key: page}
	}
	if next != nil {
		got["next"] = next
	}
	return got
}

func (t *table) list(key string, params map[string]any) (map[string]any, *fault) {
	a, f := t.ask(params)
	if f != nil {
		return nil, f
	}
	page, total, next, f := t.page(a)
	if f != nil {
		return nil, f
	}
	return listed(key, page, total, next), nil
}

// typed is the table of a type of the CRM.
func (p *Portal) typed(params map[string]any) (*table, int, *fault) {
	id, err := strconv.Atoi(text(params["entityTypeId"]))
	if t, ok := p.types[id]; ok && err == nil {
		return t, id, nil
	}
	return nil, 0, bad("NOT_FOUND", "no type %v", params["entityTypeId"])
}

func (p *Portal) items(params map[string]any) (map[string]any, *fault) {
	if f := only(params, "entityTypeId", "select", "filter", "order", "start", "useOriginalUfNames"); f != nil {
		return nil, f
	}
	t, _, f := p.typed(params)
	if f != nil {
		return nil, f
	}
	if text(params["useOriginalUfNames"]) != "Y" {
		return nil, bad("INVALID_ARG_VALUE", "this portal knows fields by their original names alone")
	}
	return t.list("items", params)
}

// fields describes the fields of a type.
func (p *Portal) fields(params map[string]any) (map[string]any, *fault) {
	if f := only(params, "entityTypeId", "useOriginalUfNames"); f != nil {
		return nil, f
	}
	t, id, f := p.typed(params)
	if f != nil {
		return nil, f
	}
	fields := map[string]any{}
	if len(t.records) > 0 {
		for name := range t.records[0].fields {
			fields[name] = map[string]any{"type": "string", "isRequired": false, "isDynamic": false, "title": name, "upperName": name}
		}
	}
	for name, described := range p.custom[id] {
		fields[name] = described
	}
	return map[string]any{"result": map[string]any{"fields": fields}}, nil
}

func (p *Portal) productRows(params map[string]any) (map[string]any, *fault) {
	if f := only(params, "filter", "order", "start"); f != nil {
		return nil, f
	}
	filter, _ := params["filter"].(map[string]any)
	if text(filter["=ownerType"]) != "D" || len(values(filter["=ownerId"])) == 0 {
		return nil, bad("INVALID_ARG_VALUE", "filter wants =ownerType and =ownerId")
	}
	return p.lines.list("productRows", params)
}

func (p *Portal) stageHistory(params map[string]any) (map[string]any, *fault) {
	if f := only(params, "entityTypeId", "select", "filter", "order", "start"); f != nil {
		return nil, f
	}
	if text(params["entityTypeId"]) != "2" {
		return nil, bad("ENTITY_TYPE_NOT_SUPPORTED", "only deals here")
	}
	return p.history.list("items", params)
}

func (p *Portal) activityList(params map[string]any) (map[string]any, *fault) {
	if f := only(params, "select", "filter", "order", "start"); f != nil {
		return nil, f
	}
	return p.activities.list("", params)
}

// statistic has parameters in capitals, and no way to switch counting off.
func (p *Portal) statistic(params map[string]any) (map[string]any, *fault) {
	if f := only(params, "FILTER", "SORT", "ORDER", "start"); f != nil {
		return nil, f
	}
	plain := map[string]any{"filter": params["FILTER"]}
	if sort := text(params["SORT"]); sort != "" {
		if sort == "CALL_TYPE" {
			return nil, bad("INVALID_ARG_VALUE", "cannot sort by CALL_TYPE")
		}
		plain["order"] = map[string]any{sort: text(params["ORDER"])}
	}
	if start, ok := params["start"]; ok {
		if text(start) == "-1" {
			return nil, bad("INVALID_ARG_VALUE", "start -1 is not documented for this method")
		}
		plain["start"] = start
	}
	return p.calls.list("", plain)
}

func (p *Portal) categoryList(params map[string]any) (map[string]any, *fault) {
	if f := only(params, "entityTypeId"); f != nil {
		return nil, f
	}
	if text(params["entityTypeId"]) != "2" {
		return map[string]any{"result": map[string]any{"categories": []any{}}, "total": 0}, nil
	}
	return map[string]any{"result": map[string]any{"categories": p.pipelines}, "total": len(p.pipelines)}, nil
}

func (p *Portal) statusList(params map[string]any) (map[string]any, *fault) {
	if f := only(params, "filter", "order"); f != nil {
		return nil, f
	}
	filter, _ := params["filter"].(map[string]any)
	id := text(filter["ENTITY_ID"])
	if id == "" || len(filter) != 1 {
		return nil, bad("INVALID_ARG_VALUE", "this portal wants ENTITY_ID alone in filter")
	}
	list := p.directories[id]
	if list == nil {
		list = []map[string]any{}
	}
	return map[string]any{"result": list, "total": len(list)}, nil
}

// numbered are employees and departments, paged by number.
func (p *Portal) numbered(method string, params map[string]any) (map[string]any, *fault) {
	names, t := []string{"sort", "order", "start", "ADMIN_MODE", "FILTER"}, p.users
	if method == "department.get" {
		names, t = []string{"sort", "order", "start"}, p.departments
	}
	if f := only(params, names...); f != nil {
		return nil, f
	}
	plain := map[string]any{"start": params["start"]}
	if params["start"] == nil {
		delete(plain, "start")
	}
	if sort := text(params["sort"]); sort != "" {
		plain["order"] = map[string]any{sort: fmt.Sprint(params["order"])}
	}
	return t.list("", plain)
}
