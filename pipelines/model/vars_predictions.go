package model

// Predictions holds what the customer lifetime value adds up. Models read it as
// {{ .Predictions.Months }} and {{ .Predictions.MonthlyRate }}.
type Predictions struct {
	// Months of orders to come, each worth less by Discount percent for every month
	// until then.
	Months   int     `yaml:"months"`
	Discount float64 `yaml:"discount"`
}

func defaultPredictions() Predictions { return Predictions{Months: 12, Discount: 1} }

// templatePredictions has the discount as a rate: 0.01 for 1 %.
type templatePredictions struct {
	Months      int
	MonthlyRate string
}

func (p Predictions) forTemplate() templatePredictions {
	return templatePredictions{p.Months, plainNumber(p.Discount / 100)}
}
