package files

import (
	"slices"
	"strings"

	"winback/connectors/entity"
	"winback/connectors/mapping"
	"winback/connectors/spec"
)

// field compiles one field. foldable says that it is of a row per document.
func (k *compiler) field(to entity.Field, f Field, foldable bool) field {
	out := field{
		to: to, at: to.Index, name: to.Name, kind: to.Kind, scale: to.Scale,
		required: f.Required || to.Required && !to.Meta && to.Kind != entity.TextList && to.Kind != entity.TextMap,
		texts:    mapping.NewTexts(append(slices.Clone(k.dataset.Nulls), f.Nulls...), f.Clean, f.Map, f.Split),
		lenient:  f.Mode == modeLenient,
	}
	if out.lenient && (to.Key || out.required) {
		k.errs.Addf(f.Node.Get("mode"), "lenient would leave %s empty, which cannot be without: records with a bad value are put aside", to.Name)
	}
	if f.unreadable {
		return out // further errors would be guesses
	}
	k.source(&out, f)
	k.fitsKind(&out, f.Node.Get("split"), f.Split != "", entity.TextList)
	k.times(&out, f)
	out.numbers = mapping.CompileNumbers(&out.to, f.Node, f.DecimalComma, f.Thousands, f.Factor, k.errs)
	if to.Kind == entity.Dec && slices.Contains(f.Clean, "digits") {
		k.errs.Addf(f.Node.Get("clean"), "digits drops the decimal point and the sign of %s too: use money for currencies, decimal_comma and thousands for how it is written", to.Name)
	}
	k.fitsKind(&out, f.Node.Get("clock"), f.Clock, entity.Int)
	out.clock = f.Clock
	k.fold(&out, f, foldable)
	if f.Default != "" {
		out.fallback = k.constant(&out, f.Default, f.Node.Get("default"))
	}
	if f.Const != "" {
		out.constant = k.constant(&out, f.Const, f.Node.Get("const"))
	}
	for _, r := range f.When {
		out.rules = append(out.rules, rule{when: k.condition(r.Condition, f.Column), value: k.constant(&out, r.Value, r.Node.Get("value"))})
	}
	out.direct = (out.source == fromColumn || out.source == fromConst) && len(out.rules) == 0 && out.texts.Plain() && !out.fallback.set
	return out
}

// modeLenient is the mode of fields whose bad values are left out.
const modeLenient = "lenient"

// source finds out where the value comes from; one place only.
func (k *compiler) source(out *field, f Field) {
	var given []string
	note := func(key string, is bool) {
		if is {
			given = append(given, key)
		}
	}
	note("column", len(f.Column) > 0)
	note("const", f.Const != "")
	note("product", len(f.Product) > 0)
	note("join", len(f.Join) > 0)
	note("columns", f.Columns.Len() > 0)
	note("auto", f.Auto != "")
	switch {
	case len(given) > 1:
		k.errs.Addf(f.Node, "has both %s and %s: a value comes from one place", given[0], given[1])
		return
	case len(given) == 0 && len(f.When) == 0 && f.Default == "":
		k.errs.Addf(f.Node, "does not say where the value comes from: give column, const, product, join, columns or auto")
		return
	case len(given) == 0:
		return
	}
	switch given[0] {
	case "column":
		out.source, out.slot = fromColumn, k.slot(f.Column, f.Optional)
	case "const":
		out.source = fromConst
	case "product":
		out.source = fromProduct
		for _, name := range f.Product {
			out.slots = append(out.slots, k.slot([]string{name}, f.Optional))
		}
	case "join":
		out.source = fromJoin
		for _, name := range f.Join {
			out.slots = append(out.slots, k.slot([]string{name}, f.Optional))
		}
	case "columns":
		out.source = fromColumns
		for key, name := range f.Columns.All() {
			out.keys = append(out.keys, key)
			out.slots = append(out.slots, k.slot([]string{name}, f.Optional))
		}
	case "auto":
		k.auto(out, f)
	}
	k.fitsKind(out, f.Node.Get("product"), len(f.Product) > 0, entity.Dec)
	k.fitsKind(out, f.Node.Get("columns"), f.Columns.Len() > 0, entity.TextMap)
	if out.kind == entity.TextMap && out.source != fromColumns {
		k.errs.Addf(f.Node, "is a map: give columns, as in columns: {crm: CrmID}")
	}
}

func (k *compiler) auto(out *field, f Field) {
	at := f.Node.Get("auto")
	switch f.Auto {
	case "line_number":
		out.source = fromLineNumber
		k.fitsKind(out, at, true, entity.Int)
	case "line_count":
		out.source = fromLineCount
		k.fitsKind(out, at, true, entity.Int)
	case "file_name":
		out.source = fromFileName
		k.fitsKind(out, at, true, entity.Text)
	case "file_line":
		out.source = fromFileLine
		k.fitsKind(out, at, true, entity.Text)
	case "row_hash":
		out.source = fromRowHash
		k.fitsKind(out, at, true, entity.Text)
	}
	counts := k.dataset.GroupBy != nil || k.scope > 0 || f.Auto == "line_count" && k.linesOf() != ""
	if strings.HasPrefix(f.Auto, "line_") && !counts {
		k.errs.Addf(at, "lines are numbered within a document: give group_by, or each for arrays in records")
	}
}

// fitsKind reports an option that is given for a field of another kind.
func (k *compiler) fitsKind(out *field, at spec.Node, given bool, kinds ...entity.Kind) {
	mapping.FitsKind(&out.to, at, given, k.errs, kinds...)
}

func (k *compiler) times(out *field, f Field) {
	isTime := out.kind == entity.Timestamp || out.kind == entity.Day
	k.fitsKind(out, f.Node.Get("layout"), len(f.Layout) > 0, entity.Timestamp, entity.Day)
	k.fitsKind(out, f.Node.Get("timezone"), f.Timezone != "", entity.Timestamp, entity.Day)
	if !isTime {
		return
	}
	out.zone = k.zone(f)
	out.layouts, out.written = mapping.CompileLayouts(f.Layout, f.Node.Get("layout"), k.errs)
	out.iso = len(f.Layout) == 0 || f.Layout[0] == "iso"
}

func (k *compiler) fold(out *field, f Field, foldable bool) {
	out.fold = foldNames[f.Fold]
	at := f.Node.Get("fold")
	if f.Fold != "" && !foldable {
		k.errs.Addf(at, "is for rows per document: group_by makes documents, and line_number a row per record")
		return
	}
	switch out.fold {
	case foldSum:
		k.fitsKind(out, at, true, entity.Dec, entity.Int)
	case foldCount:
		k.fitsKind(out, at, true, entity.Int)
	case foldMin, foldMax:
		k.fitsKind(out, at, true, entity.Dec, entity.Int, entity.Timestamp, entity.Day, entity.Text, entity.Enum, entity.Bool)
	}
}

// constant converts a text of the configuration as a value of the field.
func (k *compiler) constant(out *field, text string, at spec.Node) value {
	var v value
	if wrong := k.samples.convert(out, []byte(text), &v); wrong != nil {
		k.errs.Addf(at, "%q does not fit %s: %s", text, out.name, wrong.reason)
	}
	v.text = slices.Clone(v.text)
	return v
}
