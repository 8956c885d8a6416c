package shopify

import (
	"context"
	"fmt"
	"strings"

	"winback/connectors"
)

// wantedScopes are what an app should be granted.
var wantedScopes = []string{"read_orders", "read_all_orders", "read_customers", "read_products"}

// Check says who the shop is and what the token may see, and shows rows of every
// dataset.
func (s *source) Check(ctx context.Context) ([]connectors.Finding, error) {
	shop, err := s.greet(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return []connectors.Finding{{Text: err.Error()}}, nil
	}
	findings := []connectors.Finding{{OK: true, Text: fmt.Sprintf("the shop is %s, its currency %s and its zone %s", shop.Name, shop.Currency, shop.Zone)}}
	switch lacking := shop.lacks(wantedScopes...); {
	case shop.scopes == nil:
		findings = append(findings, connectors.Finding{OK: true, Warning: true, Text: "the shop does not tell which scopes the app has: whether orders older than 60 days come is to be seen by the oldest"})
	case len(lacking) > 0:
		findings = append(findings, connectors.Finding{OK: true, Warning: true, Text: "the app lacks the scopes " + strings.Join(lacking, ", ") + "; " + scopeAdvice})
	default:
		findings = append(findings, connectors.Finding{OK: true, Text: "the app has the scopes " + strings.Join(wantedScopes, ", ")})
	}
	rows, err := connectors.CheckBySample(ctx, s, nil)
	return append(findings, rows...), err
}
