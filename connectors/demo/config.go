package demo

import (
	"bytes"
	_ "embed"
	"fmt"
	"text/template"
	"time"
)

//go:embed winback.yaml.tmpl
var configText string

var configTemplate = template.Must(template.New("winback.yaml").Parse(configText))

// Config writes the winback.yaml of a demo company, to stand in Options.Dir.
func Config(o Options) ([]byte, error) {
	type limit struct {
		Name string
		Limits
	}
	values := struct {
		Customers, Months       int
		Seed                    uint64
		Timezone, Currency, End string
		Default                 Limits
		Segments                []limit
	}{
		Customers: o.Customers, Months: o.Months, Seed: o.Seed,
		Timezone: Timezone, Currency: Currency, End: o.End.Format(time.DateOnly),
		Default: limits()[AllSegments],
	}
	for _, s := range segments {
		if own := (Limits{s.sleepingAfter, s.lostAfter}); own != values.Default {
			values.Segments = append(values.Segments, limit{s.name, own})
		}
	}
	var text bytes.Buffer
	if err := configTemplate.Execute(&text, values); err != nil {
		return nil, fmt.Errorf("write the demo's configuration: %w", err)
	}
	return text.Bytes(), nil
}
