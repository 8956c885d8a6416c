package amocrm

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"winback/connectors/record"
)

// customField is a field of the account's own.
type customField struct {
	ID     json.Number `json:"field_id"`
	Code   string      `json:"field_code"`
	Type   string      `json:"field_type"`
	Values []struct {
		Value json.RawMessage `json:"value"`
	} `json:"values"`
}

// customFields reads those of a record; they all stay for payload.
func customFields(r *record.Record) (fields []customField) {
	raw := r.Peek("custom_fields_values")
	if raw != nil && json.Unmarshal(raw, &fields) != nil {
		r.Wrong("custom_fields_values", "is not a list of custom fields")
	}
	return fields
}

// custom finds a configured field: a custom one by id or code, else one of the
// record's own.
func (x *extraction) custom(r *record.Record, name string) json.RawMessage {
	for _, f := range customFields(r) {
		if f.ID.String() == name || f.Code != "" && f.Code == name {
			return f.value(x.account.zone)
		}
	}
	return r.Raw(name)
}

// value is one value as it stands, or several as a list; dates are days of the
// account's zone.
func (f customField) value(zone *time.Location) json.RawMessage {
	values := make([]json.RawMessage, len(f.Values))
	for i, v := range f.Values {
		if values[i] = v.Value; f.Type == "date" || f.Type == "birthday" {
			values[i] = day(v.Value, zone)
		}
	}
	if len(values) == 1 {
		return values[0]
	}
	list, err := json.Marshal(values)
	if err != nil || len(values) == 0 {
		return nil
	}
	return list
}

// day writes the midnight that stands for a date as that date. Anything else stays.
func day(raw json.RawMessage, zone *time.Location) json.RawMessage {
	n, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	if err != nil {
		return raw
	}
	return json.RawMessage(time.Unix(n, 0).In(zone).Format(`"` + time.DateOnly + `"`))
}

// texts are the values of a field with a code, as PHONE; each once.
func texts(fields []customField, code string) (list []string) {
	seen := map[string]bool{}
	for _, f := range fields {
		if f.Code != code {
			continue
		}
		for _, v := range f.Values {
			var text string
			if json.Unmarshal(v.Value, &text) != nil {
				text = string(v.Value)
			}
			if text = strings.TrimSpace(text); text != "" && text != "null" && !seen[text] {
				seen[text] = true
				list = append(list, text)
			}
		}
	}
	return list
}
