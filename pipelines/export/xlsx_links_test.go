package export

import "testing"

// A click on an address writes a mail, one on a number dials; whatever else stands
// in such a column stays a text, so that nothing of the data becomes a formula.
func TestWorkbookLinksAddressesAndNumbers(t *testing.T) {
	path, _ := write(t, "calls.xlsx", `select * from values('email String, phone String, name String',
		('ann@example.com', '+37120000001', 'ann@example.com'), ('=cmd|x"@example.com', 'ask "Bob"', '+1'))`)
	f := openBook(t, path)
	for at, want := range map[string]string{
		"A2": `HYPERLINK("mailto:ann@example.com","ann@example.com")`, "B2": `HYPERLINK("tel:+37120000001","+37120000001")`, "C2": "",
		"A3": "", "B3": "", "C3": "",
	} {
		if got, err := f.GetCellFormula("rows", at); err != nil || got != want {
			t.Errorf("%s: the formula is %q (%v), want %q", at, got, err, want)
		}
	}
	for at, want := range map[string]string{"A2": "ann@example.com", "A3": `=cmd|x"@example.com`, "B3": `ask "Bob"`} {
		if got, err := f.GetCellValue("rows", at); err != nil || got != want {
			t.Errorf("%s shows %q (%v), want %q", at, got, err, want)
		}
	}
}
