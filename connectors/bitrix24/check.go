package bitrix24

import (
	"context"
	"fmt"
	"strings"

	"winback/connectors"
)

// Check logs in, says as whom and with which permissions, counts, and reads the
// first rows of every dataset.
func (s *source) Check(ctx context.Context) ([]connectors.Finding, error) {
	who, err := s.owner(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return []connectors.Finding{{Dataset: "account", Text: err.Error()}}, nil
	}
	findings := []connectors.Finding{s.account(who)}
	found, err := connectors.CheckBySample(ctx, s, s.counted)
	return append(findings, found...), err
}

// account says as whom the source is read.
func (s *source) account(who *owner) connectors.Finding {
	f := connectors.Finding{Dataset: "account", OK: true, Text: "read as " + who.title()}
	if who.Admin {
		f.Text += ", an administrator"
	} else {
		f.Text += ", who is no administrator: what they may not read is left out without a word"
		f.Warning = !s.config.SeesAll
	}
	if who.scopes != nil {
		f.Text += "; permissions: " + strings.Join(who.scopes, ", ")
	}
	var missing []string
	for _, scope := range []string{"crm", "user", "department", "telephony"} {
		if !who.may(scope) && (scope != "telephony" || s.config.Calls) {
			missing = append(missing, scope)
		}
	}
	if len(missing) > 0 {
		f.Text += "; missing: " + strings.Join(missing, ", ")
		f.Warning = true
	}
	return f
}

// counted says how many records a dataset has.
func (s *source) counted(ctx context.Context, name string) (string, error) {
	d, err := s.dataset(name)
	if err != nil || d.lists == nil {
		return "", err
	}
	if who, err := s.owner(ctx); err != nil || who.cannot(d) != "" {
		return "", err
	}
	lists := d.lists(s.config.Begin(s.env.Location))
	heads, err := s.heads(ctx, lists)
	if err != nil {
		return "", err
	}
	var parts []string
	for i, h := range heads {
		parts = append(parts, fmt.Sprintf("%d %s", h.total, lists[i].name))
	}
	return strings.Join(parts, ", "), nil
}
