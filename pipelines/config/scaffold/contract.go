package scaffold

import (
	"fmt"
	"slices"
	"strings"

	"winback/connectors/entity"
)

// contract maps a table that holds an entity of role other.
func (m *mapping) contract() {
	e := contract[slices.IndexFunc(contract, func(e known) bool { return e.entity == m.d.guess.entity })]
	columns := m.d.guess.fields
	if e.entity == "crm.deal_stages" && columns["seq"] == "" {
		m.line(0, "group_by: %s   # the stages of a deal are numbered together", scalar(columns["deal_id"]))
	}
	m.line(0, "entity: %s", e.entity)
	m.line(0, "fields:")
	for _, word := range e.vocabulary() {
		column := columns[word.field]
		switch {
		case column == "":
			m.made(e, word.field)
		case word.kind == enumeration:
			m.line(1, "%s: %s", word.field, m.words(column, word.words))
		default:
			m.line(1, "%s: %s", word.field, m.field(word.field, word.kind, column, ""))
		}
	}
}

// made writes a field that no column holds and that can be told all the same.
func (m *mapping) made(e known, field string) {
	switch {
	case field == "id" && slices.Contains(entity.Lookup(e.entity).KeyNames(), "id"):
		m.line(1, "id: {auto: row_hash}   # no column tells one row from another")
	case e.entity == "crm.stages" && field == "pipeline_id":
		m.line(1, "pipeline_id: {const: default}   # no column names the pipeline")
	case e.entity == "crm.deal_stages" && field == "seq":
		m.line(1, "seq: {auto: line_number}")
	case e.entity == "crm.deals" && field == "status" && m.d.guess.fields["stage_id"] != "":
		m.stateOfDeal(m.d.guess.fields["stage_id"])
	}
}

// stateOfDeal tells from the stage whether a deal was won or lost.
func (m *mapping) stateOfDeal(stage string) {
	words := slices.Compact(slices.Sorted(slices.Values(m.d.values(stage))))
	var rules []string
	for _, state := range []struct{ name, words string }{{"won", wonWords}, {"lost", lostWords}} {
		var of []string
		for _, word := range words {
			if slices.Contains(strings.Fields(state.words), normal(word)) {
				of = append(of, scalar(word))
			}
		}
		if len(of) > 0 {
			rules = append(rules, fmt.Sprintf("{column: %s, in: [%s], value: %s}", scalar(stage), strings.Join(of, ", "), state.name))
		}
	}
	if len(rules) == 0 {
		m.line(1, "status: {const: open}   # please check: no stage is called won or lost; add when: [{column: %s, in: […], value: won}]", oneLine([]string{stage}))
		return
	}
	m.line(1, "status: {default: open, when: [%s]}", strings.Join(rules, ", "))
}

// words maps the words found to those of the contract.
func (m *mapping) words(column string, known map[string]string) string {
	var pairs, strange []string
	for _, word := range slices.Compact(slices.Sorted(slices.Values(m.d.values(column)))) {
		switch to := wordOf(known, word); {
		case to == "" && len(strange) < 10:
			strange = append(strange, strings.ReplaceAll(word, "\n", " "))
		case to != "" && to != strings.ToLower(word):
			pairs = append(pairs, scalar(word)+": "+to)
		}
	}
	text := scalar(column)
	if len(pairs) > 0 {
		text = flow([]string{"column: " + text, "map: {" + strings.Join(pairs, ", ") + "}"}, "")
	}
	if len(strange) > 0 {
		text += "   # words without a meaning yet, to be added to a map: " + oneLine(strange)
	}
	return text
}

// splitMark is what stands between the items of a list, "" if values are single.
func splitMark(values []string) string {
	for _, mark := range []string{";", ",", "|"} {
		if slices.ContainsFunc(values, func(value string) bool { return strings.Contains(value, mark) }) {
			return mark
		}
	}
	return ""
}
