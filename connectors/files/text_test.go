package files

import (
	"strings"
	"testing"
)

// TestFormatOf_JSON: objects one a line are told from a document, also where the first line of either is no whole
// object.
func TestFormatOf_JSON(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"one line":                                  {`{"id": 1}`, formatNDJSON},
		"objects one a line":                        {"{\"id\": 1}\n{\"id\": 2}\n", formatNDJSON},
		"the first line is damaged":                 {"{\"id\": 1, \"na\n{\"id\": 2}\n{\"id\": 3}\n", formatNDJSON},
		"the first of two lines is damaged":         {"{\"id\": 1, \"na\n{\"id\": 2}", formatNDJSON},
		"the second line is longer than the head":   {"{\"id\": 1, \"na\n{\"text\": \"" + strings.Repeat("x", 100), formatNDJSON},
		"an array":                                  {"[\n{\"id\": 1},\n{\"id\": 2}\n]", formatJSON},
		"a document over many lines":                {"{\n \"id\": 1\n}", formatJSON},
		"an answer with one record a line":          {"{\"data\": [\n{\"id\": 1},\n{\"id\": 2}\n]}\n", formatJSON},
		"an answer with the only record on a line":  {"{\"data\": [\n{\"id\": 1}\n]}\n", formatJSON},
		"an answer whose last bracket is not there": {"{\"data\": [\n{\"id\": 1},\n{\"id\": 2},\n", formatJSON},
	} {
		t.Run(name, func(t *testing.T) {
			if got := formatOf(&Dataset{}, "orders.json", []byte(c.text)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestSample_RecordsOfADocument: an answer's list holds the records; a document that has a number of its own is one.
func TestSample_RecordsOfADocument(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"an answer":                      {`{"status": "ok", "page": 1, "result": {"orders": [{"id": 1, "lines": [{"sku": "A"}, {"sku": "B"}]}]}}`, "result.orders"},
		"an answer over many lines":      {"{\"status\": \"ok\", \"orders\": [\n{\"id\": 1},\n{\"id\": 2}\n]}", "orders"},
		"an order with its lines":        {`{"id": 17, "created_at": "2026-01-05", "lines": [{"sku": "A"}, {"sku": "B"}]}`, ""},
		"an order that is called so":     {`{"order_id": 17, "items": [{"sku": "A"}, {"sku": "B"}]}`, ""},
		"an order in an envelope":        {`{"ok": true, "order": {"id": "A-17", "items": [{"sku": "A"}, {"sku": "B"}]}}`, ""},
		"records one after another":      {"{\"id\": 1, \"lines\": [{\"sku\": \"A\"}]}\n{\"id\": 2, \"lines\": [{\"sku\": \"A\"}]}\n", ""},
		"a number of the request itself": {`{"id": "8e1f", "jsonrpc": "2.0", "result": [{"order_id": 1}, {"order_id": 2}]}`, "result"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &folder{t: t, dir: t.TempDir()}
			f.write("a.json", c.text)
			got, err := Sample(f.dir+"/a.json", Place{}, 1<<20)
			if err != nil || got.Records != c.want {
				t.Errorf("got %q, %v, want %q", got.Records, err, c.want)
			}
		})
	}
}

func TestGuessEncoding_WesternAndCyrillic(t *testing.T) {
	for text, want := range map[string]string{
		"customer_id;last_name;city\n1;Määttä;Jyväskylä\n2;Sääksmäki;Pori\n3;Töölönen;Sääminki\n": windows1252,
		"Muñoz, Peña, Núñez, Ibáñez":                windows1252,
		"MÜLLER, GRÖßER":                            windows1252,
		"Café à la crème, naïve":                    windows1252,
		"Заказ;Клиент;Сумма\n1;Анна;5\n":            windows1251,
		"id;Город\n1;Орёл\n2;Щёлково\n":             windows1251,
		"order;client\n1;ООО Ромашка (IBM)\n2;Петр": windows1251,
	} {
		written, err := encodings[want].NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := GuessEncoding([]byte(written)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
