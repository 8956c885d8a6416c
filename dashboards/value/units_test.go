package value

import "testing"

// TestNumber is what Grafana 13.2 writes.
func TestNumber(t *testing.T) {
	for _, c := range []struct {
		v        float64
		unit     string
		decimals int
		want     string
	}{
		{1234567.891, "none", -1, "1234568"}, {12.345, "none", -1, "12.3"}, {1.1, "none", -1, "1.10"}, {0.5, "none", -1, "0.500"},
		{1000, "short", -1, "1 K"}, {1234567, "short", -1, "1.23 Mil"}, {1234567, "sishort", -1, "1.23 M"}, {999, "short", -1, "999"},
		{12.345, "percent", -1, "12.3%"}, {0.12345, "percentunit", -1, "12.3%"}, {19.44, "percent", 1, "19.4%"},
		{1234.5, "currencyRUB", -1, "₽1.23K"}, {1234567, "currencyRUB", -1, "₽1.23M"}, {-1234.5, "currencyRUB", -1, "-₽1.23K"}, {1234.5, "currencyUSD", -1, "$1.23K"},
		{1e9, "currencyEUR", -1, "€1B"}, {1234.5, "currencyTRY", -1, "1.23K₺"}, {1234.5, "currency:₽ ", -1, "₽ 1.23K"}, {1234.5, "currency:KZT ", -1, "KZT 1.23K"},
		{1234567.891, "currency:financial:₽:suffix", 2, "1,234,567.89₽"}, {1234567.891, "locale", -1, "1,234,567.891"}, {1500, "locale", 0, "1,500"},
		{0.5, "s", -1, "500 ms"}, {90, "s", -1, "1.50 mins"}, {3600, "s", -1, "1 hour"}, {90000, "s", -1, "1.04 days"}, {700000, "s", -1, "1.16 weeks"}, {4e7, "s", -1, "1.27 years"},
		{1500, "ms", -1, "1.50 s"}, {90, "m", -1, "1.50 hours"}, {30, "h", -1, "1.25 days"}, {3, "d", -1, "3 days"}, {10, "d", -1, "1.43 weeks"}, {400, "d", -1, "1.10 years"},
		{90061, "dtdurations", -1, "1 day"}, {90061, "dtdurations", 1, "1 day, 1 hour"}, {1536, "bytes", -1, "1.50 KiB"}, {1500, "decbytes", -1, "1.50 kB"},
		{1235, "suffix:руб", -1, "1235 руб"}, {1235, "prefix:№", -1, "№1235"}, {1500, "count:шт", -1, "1.50K шт"},
		{0, "currencyEUR", -1, "€0"}, {-0.0001, "percent", 1, "0.0%"}, {1e21, "none", -1, "1000000000000000000000"},
	} {
		if got := Number(c.v, c.unit, c.decimals).String(); got != c.want {
			t.Errorf("%v in %q with %d decimals: got %q, want %q", c.v, c.unit, c.decimals, got, c.want)
		}
	}
}

// TestInk keeps texts upon colours readable: a contrast of 4.5 at least.
func TestInk(t *testing.T) {
	contrast := func(a, b string) float64 {
		l := func(c string) float64 {
			r, g, b, _ := hex(c)
			return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b) + 0.05
		}
		return max(l(a), l(b)) / min(l(a), l(b))
	}
	for name := range scales {
		for i := range 11 {
			if p := Scale(name, float64(i)/10); contrast(p.Color, p.Ink) < 4.5 {
				t.Errorf("%s at %d: %s on %s has a contrast of %.1f", name, i, p.Ink, p.Color, contrast(p.Color, p.Ink))
			}
		}
	}
}
