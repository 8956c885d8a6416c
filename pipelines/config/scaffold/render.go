package scaffold

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Project is what a new configuration begins with.
type Project struct {
	Name     string
	Timezone string // IANA name
	Currency string // ISO 4217 code; "" to be guessed from the data
	Today    time.Time
	// Sources are blocks to stand below "sources:", besides that of the files found.
	Sources string
	// Schema is the file beside it that editors check the configuration by, if any.
	Schema string
}

//go:embed winback.yaml.tmpl
var skeleton string

//go:embed sources.yaml.tmpl
var exampleSources string

// EnvExample is the content of .env.example.
//
//go:embed env.example
var EnvExample string

// ExampleOrders is a small table of orders such as the configuration for an empty folder expects.
//
//go:embed example-orders.csv
var ExampleOrders string

// staleAfter is how long ago the last order may be before the data count as a finished past.
const staleAfter = 60 * 24 * time.Hour

// Configuration writes winback.yaml for what was found.
func (f *Found) Configuration(p Project) string {
	currency, guessed := p.Currency, ""
	if currency == "" {
		currency, guessed = f.currency()
	}
	schema := ""
	if p.Schema != "" {
		schema = "# yaml-language-server: $schema=" + p.Schema + "\n"
	}
	return schema + strings.NewReplacer(
		"@project@", scalar(p.Name),
		"@timezone@", remarked("timezone: "+scalar(p.Timezone), "the business day begins and ends by this clock"),
		"@currency@", remarked("currency: "+currency, guessed),
		"@region@", remarked("# region: DE", "country of phone numbers written without one, where the currency does not tell it"),
		"@as_of@", f.asOf(p.Today), "@sources@", f.sources(p.Sources),
	).Replace(skeleton)
}

// currency takes the only one named in the data, else a guess with a remark.
func (f *Found) currency() (code, remark string) {
	var codes []string
	for _, d := range f.datasets {
		if column := d.guess.fields["currency"]; column != "" {
			codes = append(codes, d.values(column)...)
		}
	}
	slices.Sort(codes)
	if codes = slices.Compact(codes); len(codes) == 1 && len(codes[0]) == 3 && strings.Trim(codes[0], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return codes[0], ""
	}
	for _, d := range f.datasets {
		if strings.ContainsAny(strings.ToLower(strings.Join(d.tables[0].columns, "")), "абвгдежзийклмнопрстуфхцчшщъыьэюя") {
			return "RUB", "a guess, please check"
		}
	}
	return "EUR", "a guess, please check"
}

// asOf sets the day for data that ended long ago, where yesterday would find every customer lost.
func (f *Found) asOf(today time.Time) string {
	if f.Last.IsZero() || today.Sub(f.Last) < staleAfter {
		return remarked("# as_of: 2024-12-31", "the day the numbers describe; yesterday if not given")
	}
	return remarked("as_of: "+f.Last.Format(time.DateOnly), "the last day in your files; remove it once new data keep coming")
}

// remarked puts a comment after a line, below the other ones.
func remarked(line, remark string) string {
	if remark == "" {
		return line
	}
	return fmt.Sprintf("%-28s # %s", line, remark)
}

func (f *Found) sources(more string) string {
	if len(f.datasets) == 0 && more != "" {
		return f.remarks() + "sources:\n" + more
	}
	if len(f.datasets) == 0 {
		return f.remarks() + exampleSources
	}
	var out strings.Builder
	fmt.Fprintf(&out, "sources:\n  %s:\n    connector: files\n    datasets:\n", f.source())
	for _, d := range f.datasets {
		fmt.Fprintf(&out, "      # %s\n", d.summary())
		for _, doubt := range d.allDoubts() {
			fmt.Fprintf(&out, "      # please check: %s\n", doubt)
		}
		if rest := d.unused(); len(rest) > 0 {
			fmt.Fprintf(&out, "      # without a field, kept in the column payload: %s\n", oneLine(rest))
		}
		fmt.Fprintf(&out, "      %s:\n%s", d.name, d.yaml())
	}
	out.WriteString(more)
	out.WriteString(f.remarks())
	return out.String()
}

// SourceName is what the source of the files found is called; "" if there are none.
func (f *Found) SourceName() string {
	if len(f.datasets) == 0 {
		return ""
	}
	return f.source()
}

// what names the rows of a dataset.
func (d *dataset) what() string {
	return map[role]string{
		orders: "orders, one row each", invoices: "orders, one row a line", lines: "lines of orders",
		customers: "customers", products: "products", other: strings.ReplaceAll(d.guess.entity, ".", " "),
	}[d.role]
}

// source names the source: after the shop, or after what there is most of.
func (f *Found) source() string {
	counts, most := map[string]int{}, "shop"
	for _, d := range f.datasets {
		domain, _, _ := strings.Cut(d.entity(), ".")
		if counts[domain]++; counts["shop"] == 0 && counts[domain] > counts[most] {
			most = domain
		}
	}
	if counts["shop"] > 0 {
		return "shop"
	}
	return most
}

// summary says in a line what the files are.
func (d *dataset) summary() string {
	more := ""
	if count := len(d.tables); count > 1 {
		more = fmt.Sprintf(" and %d more", count-1)
	}
	level, why := d.guess.confidence()
	return fmt.Sprintf("%s%s: %s (confidence %s: %s)", oneLine([]string{d.tables[0].shortLabel()}), more, d.what(), level, strings.Join(why, ", "))
}

func (d *dataset) allDoubts() []string {
	doubts := append(slices.Clone(d.guess.doubts), d.doubtsOfWriting()...)
	slices.Sort(doubts)
	return doubts
}

// remarks tells in comments about files that were not understood.
func (f *Found) remarks() string {
	var out strings.Builder
	if len(f.datasets) > 0 && !slices.ContainsFunc(f.datasets, func(d *dataset) bool { return d.role == orders || d.role == invoices }) {
		out.WriteString("# no orders were found among your files; churn is counted from orders, so add them as a dataset\n")
	}
	for _, file := range f.Unrecognised {
		fmt.Fprintf(&out, "# not understood: %s with the columns %s\n", oneLine([]string{file.Path}), oneLine(file.Columns))
		for _, reason := range file.Lacks {
			fmt.Fprintf(&out, "#   %s\n", oneLine([]string{reason}))
		}
	}
	for _, why := range f.Unreadable {
		fmt.Fprintf(&out, "# %s\n", oneLine([]string{why}))
	}
	return out.String()
}

// oneLine makes texts from somebody's files fit for a comment: without breaks, control characters and great length.
func oneLine(texts []string) string {
	line := strings.Join(strings.Fields(strings.Join(texts, ", ")), " ")
	line = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, line)
	if runes := []rune(line); len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return line
}
