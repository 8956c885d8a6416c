package config

import (
	"slices"

	"winback/connectors/spec"
)

// Models says which SQL models a project has, besides or instead of the product's.
type Models struct {
	Dir  spec.Path  `yaml:"dir" doc:"folder with models, seeds and checks of your own, laid out as the product's: seeds, staging, intermediate, marts, checks; a file of the same name takes the place of the product's, as winback models copy makes one" example:"sql"`
	Only []Selector `yaml:"only" doc:"the models this project has, as in winback run --only, with all that they are built from; all of them if not given" example:"[mart.*]" advanced:"true"`

	// Node is this part of the file, for errors found when the models are read.
	Node spec.Node `yaml:"-"`
}

// Selector names models or a source, as in winback run --only.
type Selector string

// UnmarshalSpec takes source:shop within brackets for the text that it is meant
// as, though the reader of YAML sees a map of one key there.
func (s *Selector) UnmarshalSpec(n spec.Node, errs *spec.Errors) {
	text := n.Text()
	if keys := n.Keys(); n.Kind() == spec.Mapping && len(keys) == 1 {
		text = keys[0] + ":" + n.Get(keys[0]).Text()
	} else if n.Kind() != spec.Scalar {
		errs.Addf(n, "wants a selection, such as source:shop, churn_monthly or +customers")
	}
	*s = Selector(text)
}

// texts are the selectors as the commands have them.
func texts(list []Selector) []string {
	return slices.Collect(func(yield func(string) bool) {
		for _, s := range list {
			if !yield(string(s)) {
				return
			}
		}
	})
}

// Selectors are those of models.only.
func (m *Models) Selectors() []string { return texts(m.Only) }

// Selectors are those of the job's only.
func (j *Job) Selectors() []string { return texts(j.Only) }
