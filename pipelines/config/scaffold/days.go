package scaffold

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// days tells how a column writes days and times.
type days struct {
	layouts []string // to be tried in this order; none where the column holds no days
	open    bool     // days and months could be the other way round
}

// several tells whether the column writes its days in several ways.
func (d days) several() bool { return len(d.layouts) > 1 }

// option is the key of a mapping that says so, "" where nothing need be said.
func (d days) option() string {
	switch {
	case len(d.layouts) == 0, len(d.layouts) == 1 && d.layouts[0] == "iso":
		return ""
	case len(d.layouts) == 1:
		return "layout: " + scalar(d.layouts[0])
	}
	return "layout: " + listOf(d.layouts)
}

// read tells whether a value is a day in one of the layouts.
func (d days) read() func(value string) bool {
	var readers []func(string) bool
	for _, layout := range d.layouts {
		day := dayReader(layout)
		readers = append(readers, func(value string) bool { _, ok := day(value); return ok })
	}
	return func(value string) bool {
		return slices.ContainsFunc(readers, func(reads func(string) bool) bool { return reads(value) })
	}
}

// daysOf finds out how a column writes days: in one layout, or in several that read some values each and nearly all together.
func daysOf(values []string) days {
	layout, certain := layoutOf(values)
	one := days{open: layout != "" && !certain}
	if layout != "" {
		one.layouts = []string{layout}
		if all(values, one.read()) {
			return one
		}
	}
	if many := inSeveral(values); many.several() && most(values, many.read()) {
		return many
	}
	return one
}

// inSeveral finds the layouts of a column whose values are written in several ways.
func inSeveral(values []string) days {
	groups := likeEachOther(values)
	var many days
	orders := map[string]bool{}
	layouts := make([][]string, len(groups))
	mixed := false // one group has both orders: then no mark tells them apart
	for i, group := range groups {
		layout, certain := layoutOf(group)
		layouts[i] = bothOrders(group, layout)
		many.open = many.open || layout != "" && !certain
		mixed = mixed || len(layouts[i]) > 1
		orders[layout] = true
	}
	for i, group := range groups {
		if orders["dmy"] && orders["mdy"] && !mixed && isOrder(layouts[i][0]) {
			layouts[i] = spelledOut(group, layouts[i][0])
		}
		for _, layout := range layouts[i] {
			one := days{layouts: []string{layout}}
			if layout != "" && !slices.Contains(many.layouts, layout) && slices.ContainsFunc(group, one.read()) {
				many.layouts = append(many.layouts, layout)
			}
		}
	}
	return many
}

func isOrder(layout string) bool { return layout == "dmy" || layout == "mdy" }

// mostShapes is how many shapes of texts are looked at: a column of days has fewer.
const mostShapes = 12

// likeEachOther parts values by the mark between their numbers and by what else stands in them; nil where they are too
// different for a column of days.
func likeEachOther(values []string) [][]string {
	var shapes []string
	groups := map[string][]string{}
	for _, value := range values {
		shape := wayOf(value)
		if groups[shape] == nil {
			if shapes = append(shapes, shape); len(shapes) > mostShapes {
				return nil
			}
		}
		groups[shape] = append(groups[shape], value)
	}
	var list [][]string
	for _, shape := range shapes {
		list = append(list, groups[shape])
	}
	return list
}

// wayOf is the shape of a text; days of numbers with the year last are told apart by their marks and the clock alone.
func wayOf(value string) string {
	parts := yearLast.FindStringSubmatch(value)
	switch {
	case parts == nil:
		return shapeOf(value)
	case twelveHours.MatchString(value):
		return shapeOf(value)
	}
	return "the year last, between " + parts[2]
}

// shapeOf is a text with one sign for each number, 4 for those of four digits, and for each word.
func shapeOf(value string) string {
	var out strings.Builder
	digits := 0
	last := ' '
	end := func() {
		if last == '0' {
			out.WriteString(map[bool]string{true: "4", false: "0"}[digits == 4])
		}
	}
	for _, r := range value {
		kind := r
		switch {
		case unicode.IsDigit(r):
			kind = '0'
		case unicode.IsLetter(r):
			kind = 'a'
		}
		if kind == '0' && last == '0' {
			digits++
			continue
		}
		end()
		if digits = 1; kind != '0' && (kind != 'a' || last != 'a') {
			out.WriteRune(kind)
		}
		last = kind
	}
	end()
	return out.String()
}

// nameShapes are shapes of days whose month is a word, or whose numbers lack leading zeros, and the layout up to the time.
var nameShapes = []struct {
	shape  *regexp.Regexp
	layout string
}{
	{regexp.MustCompile(`^0([ ./-])a\.?([ ./-])4(.*)$`), "%d$1%b$2%Y"},
	{regexp.MustCompile(`^0([ ./-])a\.?([ ./-])0(.*)$`), "%d$1%b$2%y"},
	{regexp.MustCompile(`^a\.? 0(,? )(4)(.*)$`), "%b %d$1%Y"},
	{regexp.MustCompile(`^a, 0( )a\.?( )4(.*)$`), "%a, %d$1%b$2%Y"},
	{regexp.MustCompile(`^4(-)0(-)0(.*)$`), "%Y$1%m$2%d"},
}

// times are the shapes of what stands behind a day.
var times = map[string]string{
	"": "", " 0:0": " %H:%M", " 0:0:0": " %H:%M:%S", " 0:0 a": " %I:%M %p", " 0:0:0 a": " %I:%M:%S %p", ", 0:0": ", %H:%M", ", 0:0:0": ", %H:%M:%S",
}

// namedLayout finds the layout of days whose month is a word, or that lack leading zeros; "" where it reads too few.
func namedLayout(values []string) string {
	if len(values) == 0 {
		return ""
	}
	shape := shapeOf(values[0])
	for _, way := range nameShapes {
		parts := way.shape.FindStringSubmatch(shape)
		if parts == nil {
			continue
		}
		time, known := times[parts[3]]
		if !known {
			continue
		}
		layout := way.shape.ReplaceAllString(shape, way.layout) + time
		if reads := (days{layouts: []string{layout}}).read(); most(values, reads) {
			return layout
		}
	}
	return ""
}

// bothOrders are the layouts of days that layoutOf says are written in one of two orders: both where some values fit only
// the other one.
func bothOrders(values []string, layout string) []string {
	other := map[string]string{"dmy": "mdy", "mdy": "dmy"}[layout]
	if other == "" || all(values, days{layouts: []string{layout}}.read()) || !slices.ContainsFunc(values, days{layouts: []string{other}}.read()) {
		return []string{layout}
	}
	return []string{layout, other}
}

var numberShape = regexp.MustCompile(`^0([./-])0([./-])(4|0)(.*)$`)

// spelledOut are the layouts of days of numbers with their marks, where other marks mean the other order.
func spelledOut(values []string, order string) []string {
	var layouts []string
	for _, value := range values {
		parts := numberShape.FindStringSubmatch(shapeOf(value))
		if parts == nil {
			continue
		}
		first, second := "%d", "%m"
		if order == "mdy" {
			first, second = second, first
		}
		layout := first + parts[1] + second + parts[2] + map[string]string{"4": "%Y", "0": "%y"}[parts[3]] + times[parts[4]]
		if _, known := times[parts[4]]; known && !slices.Contains(layouts, layout) {
			layouts = append(layouts, layout)
		}
	}
	return layouts
}
