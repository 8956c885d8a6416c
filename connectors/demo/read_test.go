package demo

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"
)

// unpacked returns a file's text.
func unpacked(t *testing.T, files map[string]string, name string) string {
	t.Helper()
	content, ok := files[name]
	if !ok {
		t.Fatalf("there is no %s", name)
	}
	if !strings.HasSuffix(name, ".gz") {
		return content
	}
	reader, err := gzip.NewReader(strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(text)
}

// readTable reads a file as a reader of the real system's exports would: torn
// lines, repeated lines and rows without an id are left out.
func readTable(t *testing.T, files map[string]string, name string, delimiter rune) []map[string]string {
	t.Helper()
	text := strings.TrimPrefix(unpacked(t, files, name), "\ufeff")
	reader := csv.NewReader(bytes.NewReader([]byte(text)))
	reader.Comma, reader.FieldsPerRecord = delimiter, -1
	records, err := reader.ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	header, seen := records[0], map[string]bool{}
	var rows []map[string]string
	for _, record := range records[1:] {
		whole := strings.Join(record, "\x00")
		if len(record) != len(header) || record[0] == "" || seen[whole] {
			continue
		}
		seen[whole] = true
		row := map[string]string{}
		for i, column := range header {
			row[column] = record[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// shopOrder is an order as WooCommerce gives it.
type shopOrder struct {
	ID          json.Number
	Status      string
	DateCreated string `json:"date_created"`
	Subtotal    string
	Discount    string `json:"discount_total"`
	Shipping    string `json:"shipping_total"`
	CustomerID  int    `json:"customer_id"`
	Billing     struct{ Email, Phone string }
	Channel     string                   `json:"created_via"`
	Meta        []struct{ Value string } `json:"meta_data"`
	Coupons     []struct{ Code string }  `json:"coupon_lines"`
	Lines       []struct {
		ProductID json.Number `json:"product_id"`
		SKU       string
		Quantity  any
		Price     json.Number
		Meta      []struct{ Value string } `json:"meta_data"`
	} `json:"line_items"`
}

// readOrders reads the orders of all months in their order and their lines as
// rows of tables; what is no order, and orders that come again, are left out.
func readOrders(t *testing.T, files map[string]string, truth Truth) (orders, lines []map[string]string) {
	t.Helper()
	seen := map[string]bool{}
	for _, f := range truth.Files {
		if !strings.HasPrefix(f.Name, "data/orders_") {
			continue
		}
		var month []shopOrder
		if err := json.Unmarshal([]byte(unpacked(t, files, f.Name)), &month); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		for _, o := range month {
			if o.ID == "" || seen[o.ID.String()] {
				continue
			}
			seen[o.ID.String()] = true
			order, its := o.rows()
			orders, lines = append(orders, order), append(lines, its...)
		}
	}
	return orders, lines
}

func (o *shopOrder) rows() (order map[string]string, lines []map[string]string) {
	order = map[string]string{
		"order_id": o.ID.String(), "customer_id": "", "email": o.Billing.Email, "phone": o.Billing.Phone,
		"created": strings.Replace(o.DateCreated, "T", " ", 1), "status": o.Status, "items_total": o.Subtotal, "discount": o.Discount,
		"shipping": o.Shipping, "coupon": "", "channel": o.Channel, "promised": o.Meta[0].Value, "delivered": o.Meta[1].Value, "cart": o.Meta[2].Value,
	}
	if o.CustomerID != 0 {
		order["customer_id"] = fmtInt(o.CustomerID)
	}
	if len(o.Coupons) > 0 {
		order["coupon"] = o.Coupons[0].Code
	}
	for i, l := range o.Lines {
		lines = append(lines, map[string]string{
			"order_id": o.ID.String(), "line": fmtInt(i + 1), "product_id": l.ProductID.String(), "sku": l.SKU, "quantity": fmt.Sprint(l.Quantity),
			"price": l.Price.String(), "discount": l.Meta[0].Value, "cost": l.Meta[1].Value,
		})
	}
	return order, lines
}

func day(t *testing.T, text string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, text[:10])
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func amount(t *testing.T, text string) *big.Rat {
	t.Helper()
	n, ok := new(big.Rat).SetString(strings.Replace(text, ",", ".", 1))
	if !ok {
		t.Fatalf("%q is no amount", text)
	}
	return n
}
