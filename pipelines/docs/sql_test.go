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
		"select 1":                     `<span class="sql-word">select</span> <span class="sql-number">1</span>`,
		"-- a < b\nx":                  `<span class="sql-comment">-- a &lt; b</span>` + "\nx",
		`'it''s' || 'a\'b'`:            `<span class="sql-text">&#39;it&#39;&#39;s&#39;</span> || <span class="sql-text">&#39;a\&#39;b&#39;</span>`,
		`{{ ref "customers" }}`:        `<a class="sql-table" href="#mart.customers">{{ ref &#34;customers&#34; }}</a>`,
		`{{ source "shop" "orders" }}`: `<a class="sql-table" href="#raw.shop_orders">{{ source &#34;shop&#34; &#34;orders&#34; }}</a>`,
		`{{ .AsOf }}`:                  `<span class="sql-template">{{ .AsOf }}</span>`,
		"`mart`.`customers`":           "<a class=\"sql-table\" href=\"#mart.customers\">`mart`.`customers`</a>",
		"countIf (x)":                  `<span class="sql-call">countIf</span> (x)`,
		"x in (1)":                     `x <span class="sql-word">in</span> (<span class="sql-number">1</span>)`,
		"selected":                     "selected",
		"/* a\nb */ y":                 "<span class=\"sql-comment\">/* a\nb */</span> y",
		"'unclosed":                    "&#39;unclosed",
	} {
		if got := string(highlight(sql, address)); got != want {
			t.Errorf("%s\n got %s\nwant %s", sql, got, want)
		}
	}
}

var markup = regexp.MustCompile(`</?(?:span|a)(?: [^>]*)?>`)

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
