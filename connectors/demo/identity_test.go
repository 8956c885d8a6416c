package demo

import (
	"strings"
	"testing"
)

// checkRecordsCanBeFound: records can be put together by what they share, and by nothing else: an account
// named by the CRM, an e-mail address in small letters, the digits of a phone.
// Values that more than twenty records have, and addresses like info@, say nothing.
func checkRecordsCanBeFound(t *testing.T, c *company) {
	found := newSets()
	for _, account := range c.accounts {
		found.add("account "+account["user_id"], account["email"], account["phone"])
	}
	for _, record := range c.crm {
		name := "crm " + record["ID"]
		found.add(name, strings.Split(record["E-mail"], ",")...)
		found.add(name, strings.Split(record["Телефоны"], ",")...)
		if id := record["ID в магазине"]; id != "" {
			found.join(name, "account "+id)
		}
	}
	for _, order := range c.orders {
		if order["customer_id"] == "" {
			found.add("guest "+strings.ToLower(order["email"]), order["email"], order["phone"])
		} else {
			found.add("account "+order["customer_id"], order["email"], order["phone"])
		}
	}
	found.joinByValues()

	first, byRoot := map[*seen]string{}, map[string]*seen{}
	check := func(name string, customer *seen) {
		root := found.root(name)
		if other, ok := first[customer]; ok && found.root(other) != root {
			t.Errorf("%s and %s are one customer, but share nothing", other, name)
		}
		if other := byRoot[root]; other != nil && other != customer {
			t.Errorf("%s is taken for another customer", name)
		}
		first[customer], byRoot[root] = name, customer
	}
	for id, customer := range c.ofAccount {
		check("account "+id, customer)
	}
	for id, customer := range c.ofCRM {
		check("crm "+id, customer)
	}
	for _, order := range c.orders {
		if order["customer_id"] == "" && order["status"] != "cancelled" {
			check("guest "+strings.ToLower(order["email"]), c.of(t, order))
		}
	}
	checkSpellings(t, c, found)
}

// checkSpellings makes sure that there is something to put together.
func checkSpellings(t *testing.T, c *company, found *sets) {
	if n := len(found.byValue["phone 37167000100"]); n != c.truth.Totals.SwitchboardHolders || n <= 20 {
		t.Errorf("%d records share the switchboard, truth %d; more than 20 are needed to tell", n, c.truth.Totals.SwitchboardHolders)
	}
	capitals, shapes, cyrillic := 0, map[string]int{}, 0
	for _, account := range c.accounts {
		if account["email"] != strings.ToLower(account["email"]) {
			capitals++
		}
		if phone := account["phone"]; phone != "" {
			shapes[strings.Trim(phone, "0123456789")+strings.Map(onlyMarks, phone)]++
		}
		if account["last_name"][0] > 127 {
			cyrillic++
		}
	}
	if capitals < 20 || len(shapes) < phoneStyles {
		t.Errorf("%d addresses with capitals, %d spellings of phones", capitals, len(shapes))
	}
	if share := cyrillic * 100 / len(c.accounts); share < 40 || share > 70 {
		t.Errorf("%d %% of the names are Russian", share)
	}
	if n := c.truth.Totals; n.SecondAccounts < 50 || n.GuestsOnly < 100 || n.Silent < 200 {
		t.Errorf("%+v", n)
	}
}

func onlyMarks(r rune) rune {
	if r >= '0' && r <= '9' {
		return -1
	}
	return r
}

// sets joins names that belong together.
type sets struct {
	parent  map[string]string
	byValue map[string]map[string]bool
}

func newSets() *sets {
	return &sets{parent: map[string]string{}, byValue: map[string]map[string]bool{}}
}

func (s *sets) root(name string) string {
	for s.parent[name] != "" {
		name = s.parent[name]
	}
	return name
}

func (s *sets) join(a, b string) {
	if a, b = s.root(a), s.root(b); a != b {
		s.parent[a] = b
	}
}

// add notes values that a name has.
func (s *sets) add(name string, values ...string) {
	for _, value := range values {
		value = strings.ToLower(strings.TrimSpace(value))
		switch {
		case strings.HasPrefix(value, "info@"):
			continue
		case strings.Contains(value, "@"):
			value = "email " + value
		default:
			value = strings.TrimPrefix(strings.Map(onlyDigits, value), "00")
			if len(value) < 7 {
				continue
			}
			value = "phone " + value
		}
		if s.byValue[value] == nil {
			s.byValue[value] = map[string]bool{}
		}
		s.byValue[value][name] = true
	}
}

func onlyDigits(r rune) rune {
	if r < '0' || r > '9' {
		return -1
	}
	return r
}

func (s *sets) joinByValues() {
	for _, names := range s.byValue {
		if len(names) > 20 {
			continue
		}
		any := ""
		for name := range names {
			if any != "" {
				s.join(any, name)
			}
			any = name
		}
	}
}
