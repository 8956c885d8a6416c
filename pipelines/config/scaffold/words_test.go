package scaffold

import "testing"

func TestWithoutUnit(t *testing.T) {
	for header, want := range map[string]string{
		"Сумма, руб.":           "Сумма",
		"Сумма (руб.)":          "Сумма",
		"Сумма, руб. (без НДС)": "Сумма",
		"Сумма заказа, ₽":       "Сумма заказа",
		"Total (EUR)":           "Total",
		"Total [incl. VAT]":     "Total",
		"total_eur":             "total",
		"Order total $":         "Order total",
		"Price/pcs":             "Price",
		"Net":                   "Net",
		"Customer (old)":        "Customer (old)",
		"Руб.":                  "Руб.",
		"Date of order":         "Date of order",
		"":                      "",
	} {
		if got := withoutUnit(header); got != want {
			t.Errorf("withoutUnit(%q) = %q, want %q", header, got, want)
		}
	}
}
