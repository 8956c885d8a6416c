package mapping

import "testing"

// TestNumberFormat_Normalise: groups of digits are groups of three, or the text is no number.
func TestNumberFormat_Normalise(t *testing.T) {
	comma := NumberFormat{Thousands: ","}
	german := NumberFormat{Point: ',', Thousands: "."}
	blank := NumberFormat{Point: ',', Thousands: " "}
	for _, c := range []struct {
		format NumberFormat
		text   string
		want   string // "" for no number
	}{
		{comma, "1,234.50", "1234.50"}, {comma, "-1,234,567", "-1234567"}, {comma, "1234.5", "1234.5"}, {comma, "12", "12"},
		{comma, "12,34,567.5", "1234567.5"},
		{comma, "12,50", ""}, {comma, "1,2,3", ""}, {comma, "1.234,50", ""}, {comma, "1,,000", ""}, {comma, ",5", ""}, {comma, "1234,567", ""}, {comma, "1,234,5", ""},
		{german, "1.234,50", "1234.50"}, {german, "1.234", "1234"}, {german, "0,5", "0.5"}, {german, "-12.345.678,9", "-12345678.9"},
		{german, "11.50", ""}, {german, "1,234.50", ""}, {german, "1,5.000", ""},
		{blank, "1 234,5", "1234.5"}, {blank, "1\u00a0234\u202f567", "1234567"}, {blank, "- 1 234", "-1234"}, {blank, "12 3", ""}, {blank, "1.5", ""},
		{NumberFormat{Point: ','}, "12,5", "12.5"}, {NumberFormat{Point: ','}, "12.5", ""},
		{NumberFormat{Thousands: "'"}, "1'234'567.89", "1234567.89"},
	} {
		got := string(c.format.Normalise(nil, []byte(c.text)))
		if c.want == "" && got[len(got)-1] == 'x' {
			continue
		}
		if got != c.want {
			t.Errorf("%q in %+v: %q, want %q", c.text, c.format, got, c.want)
		}
	}
}

func TestClean_Money(t *testing.T) {
	for text, want := range map[string]string{
		"$5.00": "5.00", "1234,50 ₽": "1234,50", "75606.50 EUR": "75606.50", "EUR 12.50": "12.50", "12.50EUR": "12.50", "1 200 руб.": "1 200", "99 kr": "99",
		"(1,000.00)": "-1,000.00", "($5)": "-5", "1,000-": "-1,000", "\u22125": "-5", "-$5.00": "-5.00", "$-5.00": "-5.00", "€ -5": "-5", "5": "5", "": "",
		"(-5)": "(-5)", "5k": "5k", "2 mln": "2 mln", "n/a": "n/a",
	} {
		if got := string(Cleaners["money"](&Arena{}, []byte(text))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
