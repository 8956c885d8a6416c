package config

import "winback/connectors/spec"

// Models says which SQL models a project has, besides or instead of the product's.
type Models struct {
	Dir  spec.Path `yaml:"dir" doc:"folder with models, seeds and checks of your own, laid out as the product's: seeds, staging, intermediate, marts, checks; a file of the same name takes the place of the product's, as winback models copy makes one" example:"sql"`
	Only []string  `yaml:"only" doc:"the models this project has, as in winback run --only, with all that they are built from; all of them if not given" example:"[mart.*]" advanced:"true"`

	// Node is this part of the file, for errors found when the models are read.
	Node spec.Node `yaml:"-"`
}
