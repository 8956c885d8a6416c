package entity

import (
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"
)

func TestParseDecimal(t *testing.T) {
	for _, c := range []struct {
		text string
		want string
		err  error
	}{
		{"0", "0", nil},
		{"12.5", "12.5", nil},
		{"-12.50", "-12.5", nil},
		{"+3", "3", nil},
		{".5", "0.5", nil},
		{"5.", "5", nil},
		{"0.00005", "0.0001", nil},
		{"-0.00005", "-0.0001", nil},
		{"0.00004999", "0", nil},
		{"1.99995", "2", nil},
		{"-53594.36", "-53594.36", nil},
		{"99999999999999.9999", "99999999999999.9999", nil},
		{"1e3", "1000", nil},
		{"1.25E-2", "0.0125", nil},
		{"-2.5e+1", "-25", nil},
		{"1e-99", "0", nil},
		{"100000000000000", "", ErrDecimalRange},
		{"99999999999999.99995", "", ErrDecimalRange},
		{"1e99", "", ErrDecimalRange},
		{"", "", ErrDecimalSyntax},
		{"-", "", ErrDecimalSyntax},
		{".", "", ErrDecimalSyntax},
		{"1,5", "", ErrDecimalSyntax},
		{"1.2.3", "", ErrDecimalSyntax},
		{"12 ", "", ErrDecimalSyntax},
		{"NaN", "", ErrDecimalSyntax},
		{"e5", "", ErrDecimalSyntax},
		{"1e", "", ErrDecimalSyntax},
	} {
		t.Run(c.text, func(t *testing.T) {
			got, err := ParseDecimal(c.text)
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err == nil && got.String() != c.want {
				t.Fatalf("got %s, want %s", got, c.want)
			}
		})
	}
}

// Exact arithmetic is the reference: rounding half away from zero at the fourth
// digit, and no float on the way.
func FuzzParseDecimal(f *testing.F) {
	for _, seed := range []string{"1.00005", "-7.123456789", "000.1", "1e2", "9999999999999999", "+0.0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseDecimal(text)
		if err != nil {
			return
		}
		exact, ok := new(big.Rat).SetString(text)
		if e := strings.IndexAny(text, "eE"); !ok && e > 0 && got == 0 {
			// The reference knows no power of ten below the millionth; nothing is left of it either way.
			exact, ok = new(big.Rat).SetString(text[:e] + "e-1000")
		}
		if !ok {
			t.Fatalf("%q was read as %s and is no number", text, got)
		}
		difference := new(big.Rat).Sub(exact, big.NewRat(int64(got), 10_000))
		if difference.Abs(difference).Cmp(big.NewRat(1, 20_000)) > 0 {
			t.Fatalf("%q was read as %s", text, got)
		}
	})
}

func TestDecimal_Mul(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"6", "2.55", "15.3"},
		{"-1", "16.95", "-16.95"},
		{"0.0001", "0.5", "0.0001"},
		{"-0.0001", "0.5", "-0.0001"},
		{"80995", "2.08", "168469.6"},
		{"1234567.8901", "1000", "1234567890.1"},
		{"0", "99999999999999", "0"},
	} {
		a, _ := ParseDecimal(c.a)
		b, _ := ParseDecimal(c.b)
		got, err := a.Mul(b)
		if err != nil || got.String() != c.want {
			t.Errorf("%s × %s = %s (%v), want %s", c.a, c.b, got, err, c.want)
		}
	}
	large, _ := ParseDecimal("99999999999999")
	if _, err := large.Mul(large); !errors.Is(err, ErrDecimalRange) {
		t.Errorf("overflow gives %v", err)
	}
}

func TestDateAndTime(t *testing.T) {
	zone := time.FixedZone("", 3*3600)
	at := time.Date(2011, 12, 10, 1, 30, 0, 123456789, zone)
	if got := DateOf(at).String(); got != "2011-12-10" {
		t.Errorf("date %s", got)
	}
	if got := TimeOf(at).String(); got != "2011-12-09T22:30:00.123456Z" {
		t.Errorf("time %s", got)
	}
	if got := DateOf(time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC)); got != -1 {
		t.Errorf("day before the epoch is %d", got)
	}
}
