package helpdesk

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/restapi"
)

// What makes a source complete: where its history begins, a check, ranges, and
// deletions.

func (s *source) oldest(ctx context.Context) (at time.Time, ok bool, err error) {
	p, _, err := restapi.Get[page](ctx, s.client, restapi.Request{Path: "tickets", Query: url.Values{"sort": {"updated_at"}, "limit": {"1"}}})
	if err != nil || len(p.Tickets) == 0 {
		return at, false, err
	}
	var t struct {
		UpdatedAt time.Time `json:"updated_at"`
	}
	err = json.Unmarshal(p.Tickets[0], &t)
	return t.UpdatedAt, err == nil, err
}

// Check reads the first rows as an extraction would.
func (s *source) Check(ctx context.Context) ([]connectors.Finding, error) {
	return connectors.CheckBySample(ctx, s, nil)
}

// Backfills says that tickets can be asked for by time.
func (s *source) Backfills(string) bool { return true }

// Sweeps says how often deleted tickets are looked for.
func (s *source) Sweeps(string) ([]*entity.Schema, time.Duration) {
	return []*entity.Schema{complaints}, s.config.Sweep
}

// Sweep lists the ids of all tickets.
func (s *source) Sweep(ctx context.Context, _ string, _ *entity.Schema, has func(key ...string)) error {
	return s.pages(ctx, url.Values{"fields": {"id"}}, func(p page, _ bool) error {
		for _, raw := range p.Tickets {
			var t struct {
				ID json.Number `json:"id"`
			}
			if err := json.Unmarshal(raw, &t); err != nil || t.ID == "" {
				return fmt.Errorf("list the ids of tickets: %s has none", raw)
			}
			has(t.ID.String())
		}
		return nil
	})
}
