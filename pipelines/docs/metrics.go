package docs

import (
	"fmt"
	"io/fs"

	"github.com/goccy/go-yaml"
)

// Metric is an entry of the SQL project's metrics.yml.
type Metric struct {
	ID string `yaml:"id"`
	// Name and Words are for everybody, Formula for analysts.
	Name    string `yaml:"name"`
	Words   string `yaml:"words"`
	Formula string `yaml:"formula"`
	Unit    string `yaml:"unit"`
	// Direction says whether more is better: up, down or none.
	Direction string `yaml:"direction"`
	Grain     string `yaml:"grain"`
	// Table and Column own the metric; N, Lower and Upper are columns of the table.
	Table  string `yaml:"table"`
	Column string `yaml:"column"`
	N      string `yaml:"n"`
	Lower  string `yaml:"lower"`
	Upper  string `yaml:"upper"`
	// KPI says that kpi_monthly shows it month by month.
	KPI bool `yaml:"kpi"`
}

// Metrics reads the metrics of a SQL project.
func Metrics(fsys fs.FS) ([]Metric, error) {
	text, err := fs.ReadFile(fsys, "metrics.yml")
	if err != nil {
		return nil, fmt.Errorf("read the metrics: %w", err)
	}
	var file struct {
		Metrics []Metric `yaml:"metrics"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("read sql/metrics.yml: %w", err)
	}
	return file.Metrics, nil
}
