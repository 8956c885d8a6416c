package hubspot

import (
	"cmp"
	"context"
	"fmt"

	"winback/connectors"
)

// Check logs in, names the account and shows the first rows of each dataset.
func (s *source) Check(ctx context.Context) ([]connectors.Finding, error) {
	f, err := s.known(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return []connectors.Finding{{Dataset: "account", Text: err.Error()}}, nil
	}
	findings := []connectors.Finding{{
		Dataset: "account", OK: true,
		Text: fmt.Sprintf("account %s, amounts in %s where deals name no currency, time zone %s", cmp.Or(f.portal, "of the token"), f.currency, f.zone),
	}}
	more, err := connectors.CheckBySample(ctx, s, nil)
	return append(findings, more...), err
}
