package model_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"winback/pipelines/engine/enginetest"
	"winback/pipelines/model"
)

// intervalProject has one model with one column for each expression.
func intervalProject(expressions []string) fstest.MapFS {
	var columns, yml []string
	for i, e := range expressions {
		columns = append(columns, fmt.Sprintf("    %s as c%d", e, i))
		yml = append(yml, fmt.Sprintf("  - {name: c%d, type: Nullable(Float64), description: a bound}", i))
	}
	return fstest.MapFS{
		"marts/bounds.sql": {Data: []byte("-- bounds: bounds.\n-- grain: one row\n-- materialized: view\nselect\n" + strings.Join(columns, ",\n"))},
		"marts/bounds.yml": {Data: []byte("description: bounds\ncolumns:\n" + strings.Join(yml, "\n") + "\n")},
	}
}

// Wilson and Newcombe against Newcombe (1998), tables of methods 3 and 10; the
// mail campaign of Hillstrom; Student's quantile against tables.
func TestTemplate_Intervals(t *testing.T) {
	cases := []struct {
		expression, want string
	}{
		{`{{ wilson_lower "81" "263" }}`, "25.528852"},
		{`{{ wilson_upper "81" "263" }}`, "36.620958"},
		{`{{ wilson_lower "15" "148" }}`, "6.23864"},
		{`{{ wilson_upper "15" "148" }}`, "16.048724"},
		{`{{ wilson_lower "0" "20" }}`, "0"},
		{`{{ wilson_upper "0" "20" }}`, "16.112516"},
		{`{{ wilson_upper "4" "4" }}`, "100"},
		{`{{ wilson_lower "10 + 2" "50 + 50" }}`, "6.999406"},
		{`{{ wilson_upper "toNullable(12)" "toUInt64(100)" }}`, "19.812099"},
		{`{{ wilson_lower "0" "0" }}`, "NULL"},
		{`{{ wilson_lower "5" "4" }}`, "NULL"},
		{`{{ wilson_upper "5" "toNullable(cast(null as Nullable(UInt64)))" }}`, "NULL"},
		{`{{ newcombe_lower "56" "70" "48" "80" }}`, "5.243147"},
		{`{{ newcombe_upper "56" "70" "48" "80" }}`, "33.387265"},
		{`{{ newcombe_lower "9" "10" "3" "10" }}`, "17.052272"},
		{`{{ newcombe_upper "9" "10" "3" "10" }}`, "80.901797"},
		{`{{ newcombe_lower "10" "10" "0" "20" }}`, "67.908604"},
		{`{{ newcombe_upper "10" "10" "0" "20" }}`, "100"},
		{`{{ newcombe_lower "267" "21307" "122" "21306" }}`, "0.501434"},
		{`{{ newcombe_upper "267" "21307" "122" "21306" }}`, "0.864072"},
		{`{{ newcombe_upper "1" "10" "0" "0" }}`, "NULL"},
		{`{{ sample_ratio_p "50" "50" "0.5" }}`, "1"},
		{`round({{ sample_ratio_p "60" "40" "0.5" }}, 6)`, "0.0455"},
		{`{{ sample_ratio_p "0" "0" "0.5" }}`, "NULL"},
		// 20.8 and 23.0 with variances 13.1 and 13.2 in two groups of fifteen: 27.9 degrees of freedom.
		{`round({{ welch_lower "toDecimal64(23, 2)" "13.2" "15" "20.8" "13.1" "15" }}, 3)`, "-0.512"},
		{`round({{ welch_upper "toDecimal64(23, 2)" "13.2" "15" "20.8" "13.1" "15" }}, 3)`, "4.912"},
		{`{{ welch_upper "1" "2" "1" "1" "2" "5" }}`, "NULL"},
		{`{{ welch_upper "0" "0" "9" "0" "0" "9" }}`, "NULL"},
	}
	conn := enginetest.Start(t).Conn(t)
	var expressions []string
	for _, c := range cases {
		expressions = append(expressions, c.expression)
	}
	sql, err := load(t, intervalProject(expressions)).Compile("bounds", model.DefaultVars())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := conn.QueryRow(t.Context(), "select arrayMap(x -> coalesce(toString(x), 'NULL'), array(* )) from ("+sql+")").Scan(&got); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		if got[i] != c.want {
			t.Errorf("%s is %s, want %s", c.expression, got[i], c.want)
		}
	}
}

func TestTemplate_Intervals_Mistakes(t *testing.T) {
	for expression, want := range map[string]string{
		`{{ wilson_lower "k" }}`:          `marts/bounds.sql:5: wilson_lower takes k, n: {{ wilson_lower "lost" "customers_at_start" }}`,
		`{{ wilson_lower 3 "n" }}`:        `marts/bounds.sql:5: wilson_lower takes SQL expressions in quotes, not 3: {{ wilson_lower "lost" "customers_at_start" }}`,
		`{{ newcombe_upper "k" "n" "" }}`: `marts/bounds.sql:5: newcombe_upper takes SQL expressions in quotes, not "": {{ newcombe_upper "returned" "treated" "control_returned" "control" }}`,
	} {
		_, err := model.Load(intervalProject([]string{expression}))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", expression, err, want)
		}
	}
}
