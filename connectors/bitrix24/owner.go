package bitrix24

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// owner is who the webhook or the token belongs to, and what it may be used for.
type owner struct {
	ID     word     `json:"ID"`
	Admin  bool     `json:"ADMIN"`
	Name   string   `json:"NAME"`
	Last   string   `json:"LAST_NAME"`
	scopes []string // nil where the portal does not tell
}

// owner asks who the source is read as, once.
func (s *source) owner(ctx context.Context) (*owner, error) {
	s.mu.Lock()
	known := s.known
	s.mu.Unlock()
	if known != nil {
		return known, nil
	}
	replies, err := s.each(ctx, []command{{"profile", nil}, {"scope", nil}})
	if err != nil {
		return nil, err
	}
	if replies[0].err != nil {
		return nil, replies[0].err
	}
	who := &owner{}
	if err := json.Unmarshal(replies[0].result, who); err != nil {
		return nil, fmt.Errorf("read the answer of profile: %w", err)
	}
	if replies[1].err == nil {
		_ = json.Unmarshal(replies[1].result, &who.scopes) // in another form it tells nothing
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = who
	return who, nil
}

func (o *owner) title() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s", o.Name, o.Last)) + fmt.Sprintf(" (user %s)", o.ID)
}

// may says whether a permission was granted.
func (o *owner) may(scope string) bool {
	if o.scopes == nil || scope == "" {
		return true
	}
	return slices.Contains(o.scopes, scope) || scope == "user" && (slices.Contains(o.scopes, "user_brief") || slices.Contains(o.scopes, "user_basic"))
}

// cannot says why a dataset cannot be read at all, "" if it can.
func (o *owner) cannot(d dataset) string {
	if o.may(d.scope) {
		return ""
	}
	text := fmt.Sprintf("%s is not read: the permission %s is missing; tick it on the webhook, or have the application ask for it", d.name, d.scope)
	if d.name == callsSet {
		text += ", or say calls: false"
	}
	return text
}

// blind says that parts of a dataset may be hidden, "" if they are not.
func (s *source) blind(who *owner, d dataset) string {
	if who.Admin || s.config.SeesAll || d.scope != "crm" && d.scope != "telephony" {
		return ""
	}
	return fmt.Sprintf("%s may be incomplete: %s, whom the source is read as, is no administrator, and Bitrix24 leaves out what they may not read without a word; "+
		"make the webhook as an administrator, or say sees_all: true if their role reads everything", d.name, who.title())
}
