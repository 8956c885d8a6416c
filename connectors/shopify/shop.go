package shopify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"winback/connectors"
)

// shop is what a source knows of its shop before it reads.
type shop struct {
	Name     string `json:"name"`
	Zone     string `json:"ianaTimezone"`
	Currency string `json:"currencyCode"`

	scopes []string // nil if they cannot be known
}

const (
	greetingDocument = `{ shop { name ianaTimezone currencyCode } }`
	scopesDocument   = `{ currentAppInstallation { accessScopes { handle } } }`
)

// greet asks who the shop is and what the token may see, once.
func (s *source) greet(ctx context.Context) (*shop, error) {
	s.greeting.Lock()
	defer s.greeting.Unlock()
	if s.shop != nil {
		return s.shop, nil
	}
	var got struct {
		Shop *shop `json:"shop"`
	}
	if _, err := s.query(ctx, "shop", greetingDocument, nil, &got); err != nil {
		return nil, err
	}
	if got.Shop == nil {
		return nil, fmt.Errorf("ask for shop: the answer has none")
	}
	scopes, err := s.askScopes(ctx)
	if err != nil {
		return nil, err
	}
	got.Shop.scopes = scopes
	s.shop = got.Shop
	return s.shop, nil
}

// askScopes asks what the token may see; nil where it cannot be known.
func (s *source) askScopes(ctx context.Context) ([]string, error) {
	var got struct {
		Installation struct {
			Scopes []struct {
				Handle string `json:"handle"`
			} `json:"accessScopes"`
		} `json:"currentAppInstallation"`
	}
	_, err := s.query(ctx, "access scopes", scopesDocument, nil, &got)
	if ctx.Err() != nil || errors.Is(err, connectors.ErrRefused) || errors.Is(err, connectors.ErrUnreachable) {
		return nil, err
	}
	var scopes []string
	for _, scope := range got.Installation.Scopes {
		scopes = append(scopes, scope.Handle)
	}
	return scopes, nil
}

// lacks says which of the scopes the token is known not to have. To write
// includes to read.
func (p *shop) lacks(wanted ...string) []string {
	if p == nil || p.scopes == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(wanted), func(scope string) bool {
		return slices.Contains(p.scopes, scope) || slices.Contains(p.scopes, strings.Replace(scope, "read_", "write_", 1))
	})
}

const wallText = "without the scope read_all_orders the shop shows the orders of the last 60 days alone: older ones are missing; " +
	"give the app read_all_orders (Settings → Apps and sales channels → Develop apps → Configuration), then run with --full"

// walled says whether the shop is known to hide older orders.
func (s *source) walled() bool {
	s.greeting.Lock()
	defer s.greeting.Unlock()
	return len(s.shop.lacks("read_all_orders")) > 0
}

// tellLimits tells what cannot be read, and that a version has been retired.
func (s *source) tellLimits(req connectors.Request, k *kind) {
	if k.walled && s.walled() {
		s.tell(req, connectors.NoticePartial, wallText)
	}
	s.mu.Lock()
	answers := s.answers
	s.mu.Unlock()
	if answers != "" && answers != s.config.Version {
		s.tell(req, connectors.NoticeDrift, fmt.Sprintf("version %s of the API is no more and the shop answers with %s: set version to it when the records have been looked at", s.config.Version, answers))
	}
}

// tellHidden tells which fields the token may not see.
func (s *source) tellHidden(req connectors.Request, k *kind, hidden []string) {
	if len(hidden) > 0 {
		s.tell(req, connectors.NoticePartial, fmt.Sprintf("%s: the shop hides %s: the app needs access to protected customer data, or a further scope", k.root, strings.Join(hidden, ", ")))
	}
}

// number is the number of an id such as gid://shopify/Order/5012.
func number(id string) string {
	id, _, _ = strings.Cut(id, "?")
	return id[strings.LastIndexByte(id, '/')+1:]
}

// numberOf is the number of the id of a record.
func numberOf(raw json.RawMessage) string {
	var r struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(raw, &r) // told when it is read as a record
	return number(r.ID)
}
