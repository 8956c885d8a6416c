package docs

import (
	"html"
	"regexp"
	"strings"
	"testing"
)

func TestHighlight(t *testing.T) {
	address := func(name string) string {
		return map[string]string{"customers": "mart.customers", "raw.shop_orders": "raw.shop_orders", "mart.customers": "mart.customers"}[name]
	}
	for sql, want := range map[string]string{
		"select 1":                     `<b>select</b> 1`,
		"-- a < b\nx":                  `<i>-- a &lt; b</i>` + "\nx",
		`'it''s' || 'a\'b'`:            `<u>'it''s'</u> || <u>'a\'b'</u>`,
		`{{ ref "customers" }}`:        `<a href="#mart.customers">{{ ref "customers" }}</a>`,
		`{{ source "shop" "orders" }}`: `<a href="#raw.shop_orders">{{ source "shop" "orders" }}</a>`,
		`{{ .AsOf }}`:                  `<em>{{ .AsOf }}</em>`,
		"`mart`.`customers`":           "<a href=\"#mart.customers\">`mart`.`customers`</a>",
		"countIf (x)":                  `countIf (x)`,
		"left join x":                  `<b>left join</b> x`,
		"x in (1)":                     `x <b>in</b> (1)`,
		"selected":                     "selected",
		"/* a\nb */ y":                 "<i>/* a\nb */</i> y",
		"'unclosed":                    "'unclosed",
	} {
		if got := string(highlight(sql, address)); got != want {
			t.Errorf("%s\n got %s\nwant %s", sql, got, want)
		}
	}
}

var markup = regexp.MustCompile(`</?(?:[abiu]|em)(?: [^>]*)?>`)

// FuzzHighlight: whatever the SQL, what is shown is its text.
func FuzzHighlight(f *testing.F) {
	for _, sql := range []string{"select 1", "'a", "`a`.`b`", "{{ ref \"x\" }}", "--", "/*", "<b>&amp;</b>", "a(b(", "\x00\xff"} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		shown := string(highlight(sql, func(name string) string { return name }))
		if got := html.UnescapeString(markup.ReplaceAllString(shown, "")); got != sql && !strings.ContainsAny(sql, "\x00\r") {
			t.Errorf("%q becomes %q", sql, got)
		}
	})
}
