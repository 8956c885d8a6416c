package pipelines

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"winback/connectors/spec"
	"winback/pipelines/model"
)

// selection is what --only asks for.
type selection struct {
	sources []string // to extract; nil for all
	models  []string // selectors; nil for all
	extract bool
}

// SelectionError says that a selector names nothing.
type SelectionError struct{ Selector, Hint string }

func (e *SelectionError) Error() string {
	return fmt.Sprintf("--only %s: there is nothing of that name%s", e.Selector, e.Hint)
}

// parseSelection splits selectors into sources and models and checks both.
func (p *Project) parseSelection(only []string) (selection, error) {
	s := selection{extract: len(only) == 0}
	for _, selector := range only {
		name, isSource := strings.CutPrefix(selector, "source:")
		if !isSource || strings.Contains(name, ".") { // source:shop.orders selects models by the entity they read
			s.models = append(s.models, selector)
			continue
		}
		if _, ok := p.Source(name); !ok {
			return s, &SelectionError{Selector: selector, Hint: spec.Hint(name, p.SourceNames())}
		}
		s.sources, s.extract = append(s.sources, name), true
	}
	if len(s.models) > 0 {
		if _, err := p.Models.Select(s.models); err != nil {
			return s, fmt.Errorf("--only: %w%s", err, p.meantSource(err))
		}
	}
	return s, nil
}

func (s selection) wants(source string) bool {
	return s.extract && (s.sources == nil || slices.Contains(s.sources, source))
}

// meantSource is the hint for a selector that would be a source if it were called one.
func (p *Project) meantSource(err error) string {
	unknown := (*model.UnknownSelectorError)(nil)
	if !errors.As(err, &unknown) {
		return ""
	}
	if _, ok := p.Source(unknown.Selector); !ok {
		return ""
	}
	return fmt.Sprintf("; the source is source:%s", unknown.Selector)
}
