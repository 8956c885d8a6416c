package dashboards_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What Grafana 11.6 to 13 and its ClickHouse plugin know. Whatever stands in a file beside it is
// dropped on load without a word, so a slip would be seen by nobody but the reader.
var (
	topKeys    = words("annotations description editable fiscalYearStartMonth graphTooltip id links liveNow panels preload refresh schemaVersion tags templating time timepicker timezone title uid version weekStart")
	panelKeys  = words("datasource description fieldConfig gridPos hideTimeOverride id interval links maxDataPoints options targets timeFrom timeShift title transformations transparent type")
	targetKeys = words("datasource editorType format hide rawSql refId")
	fieldKeys  = words("color custom decimals displayName fieldMinMax filterable links mappings max min noValue thresholds unit")
	annotated  = words("builtIn datasource enable filter hide iconColor mappings name target type")

	variableKeys = map[string][]string{
		"datasource": words("current hide includeAll label multi name options query refresh regex type"),
		"custom":     words("current hide includeAll label multi name options query type"),
		"query":      words("allValue current datasource definition hide includeAll label multi name options query refresh regex sort type"),
	}
	shared     = words("legend tooltip")
	axes       = words("axisBorderShow axisCenteredZero axisColorMode axisGridShow axisLabel axisPlacement axisSoftMax axisSoftMin axisWidth gradientMode hideFrom lineWidth scaleDistribution thresholdsStyle fillOpacity")
	curveKeys  = append(words("barAlignment barMaxWidth barWidthFactor drawStyle fillBelowTo insertNulls lineInterpolation lineStyle pointSize showPoints spanNulls stacking transform"), axes...)
	optionKeys = map[string][]string{
		"stat":           words("colorMode graphMode justifyMode orientation percentChangeColorMode reduceOptions showPercentChange text textMode wideLayout"),
		"timeseries":     append(words("timezone orientation"), shared...),
		"trend":          append(words("xField"), shared...),
		"xychart":        append(words("mapping series"), shared...),
		"table":          words("cellHeight footer frameIndex showHeader sortBy"),
		"barchart":       append(words("barRadius barWidth colorByField fullHighlight groupWidth orientation showValue stacking text xField xTickLabelMaxLength xTickLabelRotation xTickLabelSpacing"), shared...),
		"status-history": append(words("colWidth perPage rowHeight showValue"), shared...),
		"text":           words("code content mode"),
	}
	customKeys = map[string][]string{
		"stat": nil, "text": nil, "timeseries": curveKeys, "trend": curveKeys, "barchart": axes,
		"xychart":        append(words("lineStyle pointShape pointSize pointStrokeWidth show"), axes...),
		"table":          words("align cellOptions filterable hidden inspect minWidth width"),
		"status-history": words("fillOpacity hideFrom lineWidth"),
	}
	cells        = words("auto color-text color-background gauge sparkline data-links image json-view")
	matchers     = words("byName byRegexp byType byNames byFrameRefID byValue numeric time firstTimeField")
	colorModes   = regexp.MustCompile(`^(thresholds|palette-classic|palette-classic-by-name|fixed|shades|continuous-(GrYlRd|RdYlGr|BlYlRd|YlRd|BlPu|YlBl|blues|reds|greens|purples))$`)
	colorNames   = regexp.MustCompile(`^(text|transparent|#[0-9a-f]{6}|rgba?\(.*\)|(super-light-|light-|semi-dark-|dark-)?(red|orange|yellow|green|blue|purple))$`)
	macros       = words("timeFilter timeFilter_ms dateFilter dateTimeFilter dt fromTime toTime fromTime_ms toTime_ms timeFrom timeTo timeInterval timeInterval_ms timeGroup interval_s interval interval_ms conditionalAll")
	macro        = regexp.MustCompile(`\$__([A-Za-z_]+)`)
	variableUse  = regexp.MustCompile(`\$\{([^}]*)\}`)
	urlReference = regexp.MustCompile(`^(__url_time_range|__all_variables|[a-z_]+:queryparam|__value\.(raw|text)(:percentencode)?|__data\.fields(\.\w+|\["[^"]+"\]):percentencode)$`)
	transforms   = map[string][]string{
		"groupingToMatrix":  words("columnField emptyValue rowField valueField"),
		"partitionByValues": words("fields keepFields naming"),
	}
)

func words(text string) []string { return strings.Fields(text) }

// TestFiles_Format reads the files as strictly as nothing in Grafana does.
func TestFiles_Format(t *testing.T) {
	for name, text := range files(t) {
		var d object
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		f := &formatCheck{Dashboard: name, T: t}
		f.known("the dashboard", d, topKeys)
		for _, v := range d.at("templating").list("list") {
			f.variable(v)
		}
		for _, a := range d.at("annotations").list("list") {
			f.known("an annotation", a, annotated)
			if a["builtIn"] == nil {
				f.target(fmt.Sprint("annotation ", a["name"]), a.at("target"))
			}
		}
		for _, p := range d.list("panels") {
			f.panel(p)
		}
	}
}

// object is a piece of a file, before anything was left out of it.
type object map[string]any

func (o object) at(key string) object {
	inner, _ := o[key].(map[string]any)
	return inner
}

func (o object) list(key string) (all []object) {
	items, _ := o[key].([]any)
	for _, item := range items {
		if inner, ok := item.(map[string]any); ok {
			all = append(all, inner)
		}
	}
	return all
}

func (o object) text(key string) string {
	text, _ := o[key].(string)
	return text
}

type formatCheck struct {
	*testing.T
	Dashboard string
}

func (f *formatCheck) say(where, format string, values ...any) {
	f.Helper()
	f.Errorf("%s: %s: %s", f.Dashboard, where, fmt.Sprintf(format, values...))
}

func (f *formatCheck) known(where string, o object, keys []string) {
	f.Helper()
	for _, key := range slices.Sorted(maps.Keys(o)) {
		if !slices.Contains(keys, key) {
			f.say(where, "nothing in Grafana reads %q", key)
		}
	}
}

func (f *formatCheck) variable(v object) {
	where := "variable " + v.text("name")
	keys, ok := variableKeys[v.text("type")]
	if !ok {
		f.say(where, "no kind of variable is called %q", v.text("type"))
		return
	}
	f.known(where, v, keys)
	if v.text("type") == "query" {
		f.target(where, v.at("query"))
		if v.text("definition") != v.at("query").text("rawSql") {
			f.say(where, "the list of variables shows another query than is asked")
		}
		if v["refresh"] != 1.0 && v["refresh"] != 2.0 {
			f.say(where, "its values are never asked for anew")
		}
	}
	if v["includeAll"] == true && v["allValue"] != nil {
		f.say(where, "allValue goes into queries raw, without quotes")
	}
}

// target is a question, as panels, annotations and variables ask it.
func (f *formatCheck) target(where string, q object) {
	f.known(where, q, targetKeys)
	sql := q.text("rawSql")
	if q.text("editorType") != "sql" || q.text("refId") == "" || sql == "" {
		f.say(where, "wants editorType sql, a refId and rawSql")
	}
	if format, ok := q["format"]; ok && format != 0.0 && format != 1.0 {
		f.say(where, "format %v is neither a table nor a time series", format)
	}
	for _, m := range macro.FindAllStringSubmatch(sql, -1) {
		if !slices.Contains(macros, m[1]) {
			f.say(where, "the plugin has no macro $__%s", m[1])
		}
	}
	for _, use := range variableUse.FindAllStringSubmatch(sql, -1) {
		if !strings.HasSuffix(use[1], ":sqlstring") {
			f.say(where, "${%s} comes into the query without quotes", use[1])
		}
	}
}

func (f *formatCheck) panel(p object) {
	where := fmt.Sprintf("panel %v %s", p["id"], p.text("title"))
	kind := p.text("type")
	options, ok := optionKeys[kind]
	if !ok {
		f.say(where, "no panel of the core is called %q", kind)
		return
	}
	f.known(where, p, panelKeys)
	set := maps.Clone(p.at("options"))
	delete(set, "drawing") // the report's; Grafana keeps it
	f.known(where, set, options)
	var sql string
	for _, q := range p.list("targets") {
		f.target(where, q)
		sql += q.text("rawSql")
		if q["format"] == nil {
			f.say(where, "a query without a format is taken for a time series")
		}
	}
	f.links(where, p.list("links"))
	f.field(where, kind, p.at("fieldConfig").at("defaults"))
	for _, o := range p.at("fieldConfig").list("overrides") {
		f.override(where, kind, sql, o)
	}
	for _, c := range p.list("transformations") {
		f.known(where+", "+c.text("id"), c.at("options"), transforms[c.text("id")])
	}
}

func (f *formatCheck) override(where, kind, sql string, o object) {
	by, name := o.at("matcher").text("id"), o.at("matcher").text("options")
	if !slices.Contains(matchers, by) {
		f.say(where, "no matcher is called %q", by)
	}
	if column := regexp.MustCompile(`"` + regexp.QuoteMeta(name) + `"|\b` + regexp.QuoteMeta(name) + `\b`); by == "byName" && !column.MatchString(sql) {
		f.say(where, "the settings of %q are of no column", name)
	}
	if by == "byRegexp" && (len(name) < 3 || name[0] != '/') {
		f.say(where, "a regular expression stands between slashes, not so %q", name)
	}
	field, custom := map[string]any{}, map[string]any{}
	for _, property := range o.list("properties") {
		if id, own := strings.CutPrefix(property.text("id"), "custom."); own {
			custom[id] = property["value"]
		} else {
			field[id] = property["value"]
		}
	}
	if len(custom) > 0 {
		field["custom"] = custom
	}
	f.field(where+", "+name, kind, field)
}

// field checks what is set of fields.
func (f *formatCheck) field(where, kind string, field object) {
	f.known(where, field, fieldKeys)
	f.known(where+", custom", field.at("custom"), customKeys[kind])
	if cell := field.at("custom").at("cellOptions").text("type"); cell != "" && !slices.Contains(cells, cell) {
		f.say(where, "no cell is called %q", cell)
	}
	if mode := field.at("color").text("mode"); mode != "" && !colorModes.MatchString(mode) {
		f.say(where, "no colour mode is called %q", mode)
	}
	colors := []string{field.at("color").text("fixedColor")}
	for i, step := range field.at("thresholds").list("steps") {
		colors = append(colors, step.text("color"))
		if _, number := step["value"].(float64); number == (i == 0) {
			f.say(where, "the first step of thresholds has no value, the others have one")
		}
	}
	for _, m := range field.list("mappings") {
		if !slices.Contains(words("value range regex special"), m.text("type")) {
			f.say(where, "no mapping is called %q", m.text("type"))
		}
		for _, result := range m.at("options") {
			if r, ok := result.(map[string]any); ok {
				colors = append(colors, object(r).text("color"))
			}
		}
	}
	for _, color := range colors {
		if color != "" && !colorNames.MatchString(color) {
			f.say(where, "no colour is called %q", color)
		}
	}
	f.links(where, field.list("links"))
}

func (f *formatCheck) links(where string, links []object) {
	for _, l := range links {
		f.known(where+", a link", l, words("oneClick targetBlank title url"))
		for _, use := range variableUse.FindAllStringSubmatch(l.text("url"), -1) {
			if !urlReference.MatchString(use[1]) && !strings.HasPrefix(l.text("url"), "tel:") {
				f.say(where, "${%s} comes into the link as it is, spaces and all", use[1])
			}
		}
	}
}
