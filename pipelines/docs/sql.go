package docs

import (
	"html"
	"html/template"
	"regexp"
	"strings"
)

// sqlToken finds the parts of SQL that are shown in a way of their own, by the
// name of the group. What is between them is shown as it is.
var sqlToken = regexp.MustCompile(`(?P<comment>--[^\n]*|/\*(?s:.*?)\*/)` +
	`|(?P<template>\{\{.*?\}\})` +
	"|(?P<table>`[^`\n]*`\\.`[^`\n]*`)" +
	`|(?P<text>'(?:[^'\\]|\\.|'')*')` +
	"|(?P<name>`[^`\n]*`)" +
	`|(?P<word>[A-Za-z_]\w*)`)

// keywords are the words of SQL; others are names.
var keywords = func() map[string]bool {
	words := map[string]bool{}
	for _, word := range strings.Fields(`select from where group by order having limit offset with as and or not in is null case when then else end
		join inner left right full cross outer anti semi any all asof on using union distinct between like ilike interval over partition rows range
		unbounded preceding following current row array final prewhere settings desc asc nulls first last true false exists recursive qualify window
		day week month quarter year hour minute second global except intersect rollup cube totals fill step to format insert into values`) {
		words[word] = true
	}
	return words
}()

var (
	refCall    = regexp.MustCompile(`^\{\{-?\s*ref\s+"([^"]+)"\s*-?\}\}$`)
	sourceCall = regexp.MustCompile(`^\{\{-?\s*source\s+"([^"]+)"\s+"([^"]+)"\s*-?\}\}$`)
)

// highlight returns SQL as HTML: keywords, texts and comments apart, and tables
// as links to their pages. address gives the place of a table's page by its name,
// "customers" or "raw.shop_orders", or nothing.
func highlight(sql string, address func(name string) string) template.HTML {
	var out strings.Builder
	last := 0
	for _, at := range sqlToken.FindAllStringSubmatchIndex(sql, -1) {
		out.WriteString(inText.Replace(sql[last:at[0]]))
		last = at[1]
		for group, kind := range sqlToken.SubexpNames() {
			if kind != "" && at[2*group] >= 0 {
				writeToken(&out, kind, sql[at[0]:at[1]], address)
			}
		}
	}
	out.WriteString(inText.Replace(sql[last:]))
	return template.HTML(together.Replace(out.String())) //nolint:gosec // every part was escaped
}

// inText escapes what stands between tags, where quotes are themselves.
var inText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// together joins keywords that follow one another.
var together = strings.NewReplacer("</b> <b>", " ")

// elements are what the parts of SQL are shown as. They are short: there are
// tens of thousands of them.
var elements = map[string]string{"comment": "i", "word": "b", "text": "u", "template": "em", "table": "em"}

// writeToken writes one part of SQL.
func writeToken(out *strings.Builder, kind, token string, address func(string) string) {
	element := elements[kind]
	if kind == "word" && !keywords[strings.ToLower(token)] {
		element = ""
	}
	text := inText.Replace(token)
	if element == "em" {
		if target := address(tableOf(token)); target != "" {
			out.WriteString(`<a href="#` + html.EscapeString(target) + `">` + text + `</a>`)
			return
		}
	}
	if element != "" {
		text = "<" + element + ">" + text + "</" + element + ">"
	}
	out.WriteString(text)
}

// tableOf returns the table that a ref, a source or a quoted name means.
func tableOf(token string) string {
	if match := refCall.FindStringSubmatch(token); match != nil {
		return match[1]
	}
	if match := sourceCall.FindStringSubmatch(token); match != nil {
		return "raw." + match[1] + "_" + match[2]
	}
	return strings.ReplaceAll(token, "`", "")
}
