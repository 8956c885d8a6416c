package quote_test

import (
	"testing"
	"time"

	"winback/pipelines/quote"
)

func TestLiteral(t *testing.T) {
	for value, want := range map[string]string{
		"":                     `''`,
		"GBP":                  `'GBP'`,
		"O'Brien":              `'O\'Brien'`,
		`C:\new`:               `'C:\\new'`,
		`\'; drop table x; --`: `'\\\'; drop table x; --'`,
		"Москва":               `'Москва'`,
	} {
		if got := quote.Literal(value); got != want {
			t.Errorf("Literal(%q) = %s, want %s", value, got, want)
		}
	}
}

func TestDate(t *testing.T) {
	if got := quote.Date(time.Date(2011, 12, 9, 23, 59, 0, 0, time.UTC)); got != `toDate('2011-12-09')` {
		t.Errorf("Date = %s", got)
	}
}

func TestName(t *testing.T) {
	for name, want := range map[string]string{
		"month":       "month",
		"order":       "`order`",
		"line no":     "`line no`",
		"a`b":         "`a\\`b`",
		"1st":         "`1st`",
		"churn_12m_p": "churn_12m_p",
	} {
		if got := quote.Name(name); got != want {
			t.Errorf("Name(%q) = %s, want %s", name, got, want)
		}
	}
	if got := quote.Table("mart", "group"); got != "mart.`group`" {
		t.Errorf("Table = %s", got)
	}
}
