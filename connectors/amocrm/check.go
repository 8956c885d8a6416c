package amocrm

import (
	"context"
	"fmt"

	"winback/connectors"
)

// Check logs in, names the account and shows the first rows of each dataset.
func (s *source) Check(ctx context.Context) ([]connectors.Finding, error) {
	account, err := s.known(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return []connectors.Finding{{Dataset: "account", Text: err.Error()}}, nil
	}
	findings := []connectors.Finding{{
		Dataset: "account", OK: true,
		Text: fmt.Sprintf("account %s (%d), amounts in %s, time zone %s", account.Name, account.ID, account.Currency, account.zone),
	}}
	if !account.filters {
		findings = append(findings, connectors.Finding{
			Dataset: "account", OK: true, Warning: true,
			Text: "filters are switched off on this account: every run reads all records",
		})
	}
	more, err := connectors.CheckBySample(ctx, s, nil)
	return append(findings, more...), err
}
