package amocrm

import (
	"context"
	"net/url"
	"sync"
	"time"

	"winback/connectors/restapi"
)

// account is what the whole source goes by.
type account struct {
	ID       int64
	Name     string
	Currency string
	zone     *time.Location
	// filters says that lists can be asked for by time of change; on old and cheap
	// accounts they cannot.
	filters bool
	// ahead is how far the server's clock is before ours.
	ahead time.Duration
}

type accountOnce struct {
	mu    sync.Mutex
	known *account
}

// known asks for the account, once.
func (s *source) known(ctx context.Context) (account, error) {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	if s.account.known != nil {
		return *s.account.known, nil
	}
	type answer struct {
		ID       int64  `json:"id"`
		Name     string `json:"name"`
		Currency string `json:"currency"`
		Filters  *bool  `json:"is_api_filter_enabled"`
		Embedded struct {
			Dates struct {
				Zone string `json:"timezone"`
			} `json:"datetime_settings"`
		} `json:"_embedded"`
	}
	got, from, err := restapi.Get[answer](ctx, s.client, restapi.Request{
		What: "the account", Path: "account", Query: url.Values{"with": {"is_api_filter_enabled,datetime_settings"}},
	})
	if err != nil {
		return account{}, err
	}
	a := account{ID: got.ID, Name: got.Name, Currency: got.Currency, zone: s.env.Location, filters: got.Filters == nil || *got.Filters}
	if a.Currency == "" {
		a.Currency = s.env.Currency
	}
	if zone, err := time.LoadLocation(got.Embedded.Dates.Zone); err == nil && got.Embedded.Dates.Zone != "" {
		a.zone = zone
	}
	if a.zone == nil {
		a.zone = time.UTC
	}
	a.ahead = from.At.Sub(s.client.Clock().Now())
	s.account.known = &a
	return a, nil
}

// now is the server's clock, in whole seconds.
func (x *extraction) now() time.Time {
	return x.client.Clock().Now().Add(x.account.ahead).Truncate(time.Second)
}
