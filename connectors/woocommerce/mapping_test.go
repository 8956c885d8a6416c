package woocommerce_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"winback/connectors/connectortest"
	"winback/connectors/woocommerce/woocommercetest"
)

// serve answers lists with fixed records, by path.
func serve(t *testing.T, lists map[string]string) *connectortest.Memory {
	t.Helper()
	clock := connectortest.NewClock(connectortest.Began)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		path := strings.TrimPrefix(r.URL.Path, "/wp-json/wc/v3/")
		if status := r.URL.Query().Get("status"); status != "" && status != "any" || lists[path] == "" {
			_, _ = w.Write([]byte("[]"))
			return
		}
		_, _ = w.Write([]byte(lists[path]))
	})
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	shop := woocommercetest.New(clock, woocommercetest.Options{Months: 1, Orders: 1, Customers: 1, Products: 5})
	return reader(t, "connector: woocommerce\nurl: "+server.URL+"\nconsumer_key: ${WOO_KEY}\nconsumer_secret: ${WOO_SECRET}\n", shop, clock).MustRun(t)
}

// lamp is an order as the documents show it: goods of 2,000 less a coupon of 100,
// delivery for 300.
const lamp = `{"id":727,"parent_id":0,"number":"727","order_key":"wc_order_58d2d042d1d","created_via":"checkout","version":"9.6.0","status":"processing","currency":"RUB",
"date_created":"2026-02-10T12:15:00","date_created_gmt":"2026-02-10T09:15:00","date_modified":"2026-02-10T12:20:00","date_modified_gmt":"2026-02-10T09:20:00",
"discount_total":"100.00","discount_tax":"0.00","shipping_total":"300.00","shipping_tax":"0.00","cart_tax":"0.00","total":"2200.00","total_tax":"0.00","prices_include_tax":true,
"customer_id":26,"customer_ip_address":"203.0.113.9","customer_user_agent":"Mozilla/5.0","customer_note":"",
"billing":{"first_name":"Anna","last_name":"Kim","company":"","address_1":"Lenina 1","address_2":"","city":"Kazan","state":"","postcode":"420000","country":"RU","email":"a.kim@example.com","phone":"+79160000001"},
"shipping":{"phone":""},"payment_method":"cod","payment_method_title":"Cash","transaction_id":"","date_paid":null,"date_paid_gmt":null,"date_completed":null,"date_completed_gmt":null,"cart_hash":"9f",
"meta_data":[{"id":13106,"key":"_wc_order_attribution_utm_source","value":"yandex"}],
"line_items":[{"id":315,"name":"Lamp &amp; shade","product_id":93,"variation_id":0,"quantity":2,"tax_class":"","subtotal":"2000.00","subtotal_tax":"0.00","total":"1900.00","total_tax":"0.00","taxes":[],"meta_data":[],"sku":"LMP-1","price":950,"image":{"id":"","src":""},"parent_name":null}],
"tax_lines":[],"shipping_lines":[{"id":317,"method_title":"Courier","total":"300.00","total_tax":"0.00"}],"fee_lines":[],"coupon_lines":[{"id":318,"code":"hello","discount":"100.00"}],"refunds":[],
"payment_url":"https://shop.example.com/checkout/order-pay/727/","is_editable":false,"needs_payment":false,"needs_processing":true}`

// cable is an order of a guest that was paid back whole, without its lines named.
const cable = `{"id":730,"parent_id":0,"number":"730","order_key":"wc_order_1","created_via":"admin","version":"9.6.0","status":"refunded","currency":"RUB",
"date_created":"2026-02-01T10:00:00","date_created_gmt":"2026-02-01T07:00:00","date_modified":"2026-02-10T15:00:00","date_modified_gmt":"2026-02-10T12:00:00",
"discount_total":"0.00","discount_tax":"0.00","shipping_total":"50.00","shipping_tax":"10.00","cart_tax":"100.00","total":"660.00","total_tax":"110.00","prices_include_tax":true,"customer_id":0,
"billing":{"email":"guest@example.com","phone":""},"shipping":{},"date_paid_gmt":"2026-02-01T07:05:00","date_completed_gmt":null,"meta_data":[],
"line_items":[{"id":300,"name":"Cable","product_id":0,"variation_id":0,"quantity":3,"subtotal":"500.00","subtotal_tax":"100.00","total":"500.00","total_tax":"100.00","sku":null,"price":166.666667}],
"tax_lines":[],"shipping_lines":[],"fee_lines":[],"coupon_lines":[],"refunds":[{"id":726,"reason":"defect","total":"-660.00"}]}`

const cableRefund = `{"id":726,"parent_id":730,"date_created":"2026-02-10T15:00:00","date_created_gmt":"2026-02-10T12:00:00","amount":"660.00","reason":"defect","refunded_by":1,"refunded_payment":false,"meta_data":[],
"line_items":[],"shipping_lines":[],"tax_lines":[],"fee_lines":[]}`

func TestMapping_OrdersComeToWhatTheirGoodsAreWorth(t *testing.T) {
	t.Parallel()
	got := serve(t, map[string]string{"orders": "[" + lamp + "," + cable + "]", "refunds": "[" + cableRefund + "]"})
	for key, want := range map[string][]string{
		"shop.orders 727": {"items_total=2000", "discount=100", "shipping=300", "tax=0", "refunded=0", "net_revenue=1900", "status=placed", "coupon=hello", "channel=web", "customer_id=26", "cart_id=727",
			"line_count=1", "ordered_at=2026-02-10T09:15:00Z", "source_updated_at=2026-02-10T09:20:00Z", "email=a.kim@example.com", `"total":"2200.00"`},
		// All of 660 was paid back, of which 500 is for goods: nothing is left.
		"shop.orders 730":        {"items_total=500", "tax=110", "shipping=50", "refunded=500", "net_revenue=0", "status=completed", "channel=admin", "email=guest@example.com"},
		"shop.order_lines 727/1": {"price=1000", "quantity=2", "discount=0", "name=Lamp & shade", "product_id=93", "sku=LMP-1", `"total":"1900.00"`},
		"shop.order_lines 730/1": {"price=166.6667", "quantity=3", "discount=0.0001"},
		"shop.refunds 726":       {"amount=500", "order_id=730", "reason=defect", "at=2026-02-10T12:00:00Z", `"amount":"660.00"`},
		"shop.carts 727":         {"order_id=727", "value=1900", "created_at=2026-02-10T09:15:00Z", `"sku":"LMP-1"`},
	} {
		name, id, _ := strings.Cut(key, " ")
		row := got.Row(name, id)
		for _, part := range want {
			if !strings.Contains(row, part) {
				t.Errorf("%s: no %s in %s", key, part, row)
			}
		}
	}
	if row := got.Row("shop.orders", "730"); strings.Contains(row, "customer_id") || got.Row("shop.carts", "730") != "" {
		t.Errorf("got %s, %s", row, got.Row("shop.carts", "730"))
	}
	for _, secret := range []string{"wc_order_58d", "order-pay", "\"9f\""} {
		if strings.Contains(got.Everything(), secret) {
			t.Errorf("%s is kept", secret)
		}
	}
}

func TestMapping_StatesSayWhatIsAnOrder(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]string{
		"pending": "deleted=true", "failed": "deleted=true", "on-hold": "status=placed", "completed": "status=completed", "cancelled": "status=cancelled", "packed": "status=packed",
	} {
		order := strings.Replace(lamp, `"status":"processing"`, `"status":"`+state+`"`, 1)
		got := serve(t, map[string]string{"orders": "[" + order + "]"})
		if row := got.Row("shop.orders", "727"); !strings.Contains(row, want) {
			t.Errorf("%s: want %s, got %s", state, want, row)
		}
		cart := got.Row("shop.carts", "727")
		if abandoned := !strings.Contains(cart, "order_id="); cart == "" || abandoned != (want == "deleted=true") {
			t.Errorf("%s: got the cart %s", state, cart)
		}
	}
}
