package scaffold

import (
	"strings"
	"testing"
	"time"
)

func TestLayoutOf(t *testing.T) {
	for _, tc := range []struct {
		values  []string
		layout  string
		certain bool
		day     string // of the first value
	}{
		{[]string{"2011-12-09"}, "iso", true, "2011-12-09"},
		{[]string{"2011-12-09T08:26:00Z", "2011-12-10 09:00"}, "iso", true, "2011-12-09"},
		{[]string{"2011-2-9", "2011-12-19"}, "%Y-%m-%d", true, "2011-02-09"},
		{[]string{"23-Jan-26", "1-Feb-26"}, "%d-%b-%y", true, "2026-01-23"},
		{[]string{"Jan 5, 2026 10:15", "Feb. 5, 2026 9:00"}, "%b %d, %Y %H:%M", true, "2026-01-05"},
		{[]string{"5 января 2026"}, "%d %b %Y", true, "2026-01-05"},
		{[]string{"Mon, 05 Jan 2026 10:15:00"}, "%a, %d %b %Y %H:%M:%S", true, "2026-01-05"},
		{[]string{"20260105101500"}, "%Y%m%d%H%M%S", true, "2026-01-05"},
		{[]string{"09.12.2011", "1.2.2011 8:26"}, "dmy", true, "2011-12-09"},
		{[]string{"09/12/2011", "31/12/2011"}, "dmy", true, "2011-12-09"},
		{[]string{"09/12/2011", "12/31/2011"}, "mdy", true, "2011-09-12"},
		{[]string{"09/12/2011"}, "dmy", false, "2011-12-09"},
		{[]string{"12/31/2011 5:30 PM"}, "%m/%d/%Y %I:%M %p", true, "2011-12-31"},
		{[]string{"31-12-11, 05:30:10 am"}, "%d-%m-%y, %I:%M:%S %p", true, "2011-12-31"},
		{[]string{"2011/12/09"}, "%Y/%m/%d", true, "2011-12-09"},
		{[]string{"2011.12.9 10:00"}, "%Y.%m.%d %H:%M", true, "2011-12-09"},
		{[]string{"20111209"}, "%Y%m%d", true, "2011-12-09"},
		{[]string{"1323388800"}, "unix", true, "2011-12-09"},
		{[]string{"1323388800123"}, "unix_ms", true, "2011-12-09"},
		{[]string{"soon", "2011-12-09"}, "", false, ""},
		{[]string{"42"}, "", false, ""},
	} {
		t.Run(tc.values[0], func(t *testing.T) {
			layout, certain := layoutOf(tc.values)
			if layout != tc.layout || certain != tc.certain {
				t.Errorf("got %q, %v, want %q, %v", layout, certain, tc.layout, tc.certain)
			}
			if tc.day == "" {
				return
			}
			if day, ok := dayOf(tc.values[0], layout); !ok || day.Format(time.DateOnly) != tc.day {
				t.Errorf("day = %v, %v, want %s", day, ok, tc.day)
			}
		})
	}
}

func TestDaysOf_SeveralLayouts(t *testing.T) {
	for _, tc := range []struct {
		name   string
		values []string
		want   string
		open   bool
	}{
		{"one layout", []string{"2026-01-05", "2026-01-06"}, "iso", false},
		{"three, told apart by how they look", []string{"2026-01-05", "15.01.2026", "23-Jan-26"}, "iso dmy %d-%b-%y", false},
		{"some too few for a layout of their own to be most", []string{"2026-01-05", "2026-01-06", "15.01.2026 10:15"}, "iso dmy", false},
		{"the order of days and months tells by the mark", []string{"05.01.2026", "05/20/2026", "04/05/2026 10:15"}, "%d.%m.%Y %m/%d/%Y %m/%d/%Y %H:%M", false},
		{"both orders with one mark", []string{"15/01/2026", "05/20/2026"}, "dmy mdy", false},
		{"one leaves the order open", []string{"2026-01-05", "04/05/2026"}, "iso dmy", true},
		{"words among days", []string{"2026-01-05", "soon", "15.01.2026"}, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := daysOf(tc.values)
			if strings.Join(got.layouts, " ") != tc.want || got.open != tc.open {
				t.Errorf("got %v, open %v", got.layouts, got.open)
			}
		})
	}
}

func TestNumbersOf(t *testing.T) {
	for _, tc := range []struct {
		values []string
		want   numbers
		ok     bool
	}{
		{[]string{"1", "-2.50"}, numbers{}, true},
		{[]string{"12,5"}, numbers{comma: true}, true},
		{[]string{"1 234,50", "5,00"}, numbers{comma: true, thousands: " "}, true},
		{[]string{"1,234.50"}, numbers{thousands: ","}, true},
		{[]string{"1.234,50"}, numbers{comma: true, thousands: "."}, true},
		{[]string{"1,234", "0,5"}, numbers{comma: true}, true},
		{[]string{"12,500", "300"}, numbers{thousands: ","}, true},
		{[]string{"12,500", "1,5"}, numbers{comma: true}, true},
		{[]string{"1.234"}, numbers{}, true},
		{[]string{"1.234.567", "89"}, numbers{comma: true, thousands: "."}, true},
		{[]string{"$5"}, numbers{}, false},
		{[]string{"5%"}, numbers{}, false},
	} {
		t.Run(tc.values[0], func(t *testing.T) {
			if got, ok := numbersOf(tc.values); got != tc.want || ok != tc.ok {
				t.Errorf("got %+v, %v, want %+v, %v", got, ok, tc.want, tc.ok)
			}
		})
	}
}

func TestNormal(t *testing.T) {
	for header, want := range map[string]string{
		"Customer ID": "customerid", "customer_id": "customerid", "№ заказа": "номерзаказа", "Order #": "ordernumber", "Отчёт": "отчет",
	} {
		if got := normal(header); got != want {
			t.Errorf("normal(%q) = %q, want %q", header, got, want)
		}
	}
}
