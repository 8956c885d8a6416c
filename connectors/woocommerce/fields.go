package woocommerce

import (
	"encoding/json"
	"strings"

	"winback/connectors/record"
)

// metaPrefix marks fields of meta_data in the configuration: meta:_delivery_date.
const metaPrefix = "meta:"

// custom finds a configured field: one of the record, or with meta: one of its
// meta_data, where plug-ins keep theirs.
func custom(r *record.Record, name string) json.RawMessage {
	key, isMeta := strings.CutPrefix(name, metaPrefix)
	if !isMeta {
		return r.Raw(name)
	}
	var list []struct {
		Key   string          `json:"key"`
		Value json.RawMessage `json:"value"`
	}
	raw := r.Raw("meta_data")
	r.Keep("meta_data")
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	for _, m := range list {
		if m.Key == key && string(m.Value) != "null" && string(m.Value) != `""` {
			return m.Value
		}
	}
	return nil
}
