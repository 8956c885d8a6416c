package bitrix24

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"winback/connectors/entity"
	"winback/connectors/record"
	"winback/connectors/spec"
)

// lookups are the portal's directories, each asked for once, when it is needed.
type lookups struct {
	fields      map[int]map[string]customField // by entityTypeId and name
	directories map[string]map[string]status   // by ENTITY_ID and STATUS_ID
	users       map[string]user
}

// customField is a field of the account's own.
type customField struct {
	Type       string                  `json:"type"`
	StatusType string                  `json:"statusType"`
	Settings   object[json.RawMessage] `json:"settings"`
	Items      []struct {
		ID    word   `json:"ID"`
		Value string `json:"VALUE"`
	} `json:"items"`
}

// customFields are the fields of a type of the CRM under their original names.
func (s *source) customFields(ctx context.Context, typeID int) (map[string]customField, error) {
	if known, ok := s.lookups.fields[typeID]; ok {
		return known, nil
	}
	replies, err := s.each(ctx, []command{{"crm.item.fields", params{"entityTypeId": typeID, "useOriginalUfNames": "Y"}}})
	if err != nil {
		return nil, err
	}
	if replies[0].err != nil {
		return nil, replies[0].err
	}
	var result struct {
		Fields object[customField] `json:"fields"`
	}
	if err := json.Unmarshal(replies[0].result, &result); err != nil {
		return nil, fmt.Errorf("read the answer of crm.item.fields: %w", err)
	}
	for name, f := range result.Fields {
		if f.Type == "crm_status" && f.StatusType == "" {
			_ = json.Unmarshal(f.Settings["ENTITY_TYPE"], &f.StatusType) // without it codes stand for themselves
			result.Fields[name] = f
		}
	}
	if s.lookups.fields == nil {
		s.lookups.fields = map[int]map[string]customField{}
	}
	s.lookups.fields[typeID] = result.Fields
	return result.Fields, nil
}

// meaning is the text that a value of a custom field stands for: of a list, the
// items; of a directory, the entries. Other values stand for themselves.
func (s *source) meaning(f customField, raw json.RawMessage) json.RawMessage {
	if f.Type != "enumeration" && f.Type != "crm_status" || raw == nil {
		return raw
	}
	var codes []word
	if json.Unmarshal(raw, &codes) == nil {
		texts := make([]string, len(codes))
		for i, code := range codes {
			texts[i] = s.text(f, string(code))
		}
		list, _ := json.Marshal(texts)
		return list
	}
	var code word
	if json.Unmarshal(raw, &code) != nil {
		return raw
	}
	text, _ := json.Marshal(s.text(f, string(code)))
	return text
}

// text is what one code stands for; an unknown one is kept.
func (s *source) text(f customField, code string) string {
	for _, item := range f.Items {
		if string(item.ID) == code {
			return item.Value
		}
	}
	if entry, ok := s.lookups.directories[f.StatusType][code]; ok {
		return entry.Name
	}
	if code == "0" && f.Type == "enumeration" {
		return "" // nothing was chosen
	}
	return code
}

// custom finds a configured field in the record being read.
func (r *reading) custom(one *record.Record, name string) json.RawMessage {
	return r.meaning(r.lookups.fields[r.kind.typeID][name], one.Raw(name))
}

// ready reads the directories that fields of the configuration need, and refuses
// fields that no list of a dataset has.
func (s *source) ready(ctx context.Context, c changing) error {
	names := s.customNames(append(of(c.entity), c.also...))
	if c.name == dealsSet && s.config.LostReason != stageReason {
		names = append(names, s.config.LostReason)
	}
	missing := slices.Clone(names)
	var all []string
	for _, k := range c.kinds {
		if len(names) == 0 || k.typeID == 0 {
			continue
		}
		fields, err := s.customFields(ctx, k.typeID)
		if err != nil {
			return err
		}
		for name, f := range fields {
			missing = slices.DeleteFunc(missing, func(m string) bool { return m == name })
			if strings.HasPrefix(name, "UF_") {
				all = append(all, name)
			}
			if f.StatusType != "" && slices.Contains(names, name) {
				if _, err := s.directory(ctx, f.StatusType); err != nil {
					return err
				}
			}
		}
	}
	if len(missing) > 0 {
		slices.Sort(all)
		return fmt.Errorf("%s: the portal has no field %s%s", c.name, missing[0], spec.Hint(missing[0], all))
	}
	return nil
}

// customNames are the fields of the account's own that the configuration names.
func (s *source) customNames(entities []*entity.Schema) []string {
	var names []string
	for _, e := range entities {
		for _, name := range s.config.Fields.Names(e) {
			if strings.HasPrefix(name, "UF_") && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// status is an entry of a directory: a stage, a source, a type.
type status struct {
	Code      string
	Name      string
	Sort      string
	Semantics string // "S" success, "F" failure, "" in work
}

// directories asks for directories, all that are not known at once.
func (s *source) directory(ctx context.Context, names ...string) (map[string]status, error) {
	var commands []command
	var asked []string
	for _, name := range names {
		if _, known := s.lookups.directories[name]; known || slices.Contains(asked, name) {
			continue
		}
		asked = append(asked, name)
		commands = append(commands, command{"crm.status.list", params{"filter": params{"ENTITY_ID": name}, "order": params{"SORT": "ASC"}}})
	}
	replies, err := s.each(ctx, commands)
	if err != nil {
		return nil, err
	}
	for i, name := range asked {
		if replies[i].err != nil {
			return nil, replies[i].err
		}
		if err := s.learn(name, replies[i].result); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	return s.lookups.directories[names[0]], nil
}

func (s *source) learn(name string, result json.RawMessage) error {
	var entries []struct {
		Code      string `json:"STATUS_ID"`
		Name      string `json:"NAME"`
		Sort      word   `json:"SORT"`
		Semantics string `json:"SEMANTICS"`
	}
	if err := json.Unmarshal(result, &entries); err != nil {
		return fmt.Errorf("read the answer of crm.status.list: %w", err)
	}
	if s.lookups.directories == nil {
		s.lookups.directories = map[string]map[string]status{}
	}
	directory := map[string]status{}
	for _, e := range entries {
		directory[e.Code] = status{Code: e.Code, Name: e.Name, Sort: string(e.Sort), Semantics: e.Semantics}
	}
	s.lookups.directories[name] = directory
	return nil
}

// named is the name of a code of a directory that was asked for; an unknown code
// stands for itself.
func (s *source) named(directory, code string) string {
	if entry, ok := s.lookups.directories[directory][code]; ok && entry.Name != "" {
		return entry.Name
	}
	return code
}

// currency writes the code of a currency as the standard does.
func currency(code, fallback string) string {
	switch code {
	case "":
		return fallback
	case "RUR":
		return "RUB"
	}
	return strings.ToUpper(code)
}
