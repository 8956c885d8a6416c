package shopify_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"winback/connectors/connectortest"
	"winback/connectors/shopify"
)

// bag is a MoneyBag.
func bag(amount string) string {
	return `{"shopMoney":{"amount":"` + amount + `","currencyCode":"EUR"}}`
}

// serve answers each list with fixed records, and refunds with theirs.
func serve(t *testing.T, lists map[string]string) *connectortest.Memory {
	t.Helper()
	clock := connectortest.NewClock(connectortest.Began)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Query string `json:"query"`
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		w.Header().Set("Content-Type", "application/json")
		data := `{}`
		switch {
		case strings.Contains(body.Query, "currentAppInstallation"):
			data = `{"currentAppInstallation":{"accessScopes":[{"handle":"read_all_orders"}]}}`
		case strings.HasPrefix(body.Query, "{ shop "):
			data = `{"shop":{"name":"Lamps","ianaTimezone":"Europe/Berlin","currencyCode":"EUR"}}`
		case strings.Contains(body.Query, "nodes(ids:"):
			data = `{"nodes":[` + lists["refunds"] + `]}`
		default:
			for name, records := range lists {
				if strings.Contains(body.Query, " "+name+"(") {
					data = fmt.Sprintf(`{%q:{"pageInfo":{"hasNextPage":false,"endCursor":null},"nodes":[%s]}}`, name, records)
				}
			}
		}
		fmt.Fprintf(w, `{"data":%s,"extensions":{"cost":{"requestedQueryCost":12,"actualQueryCost":5,"throttleStatus":{"maximumAvailable":2000.0,"currentlyAvailable":1995,"restoreRate":100.0}}}}`, data)
	}))
	t.Cleanup(server.Close)
	source, err := connectortest.Open(shopify.Connector(), "connector: shopify\nshop: "+server.URL+"\naccess_token: shpat_1234\nbulk: never\n", connectortest.Project{Dir: t.TempDir(), Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return connectortest.NewReader(source).MustRun(t)
}

// order is an order of four lamps at 30 with the word for its tax, from which 6 are
// taken by a code; one lamp and half of the delivery were paid back.
func order(taxInside, subtotal, total, tax, further string) string {
	return `{"id":"gid://shopify/Order/5012345678901","name":"#1001","createdAt":"2026-03-09T18:00:00Z","processedAt":"2026-03-09T18:00:00Z","updatedAt":"2026-03-10T09:15:00Z",
	"cancelledAt":null,"closedAt":null,"cancelReason":null,"test":false,"taxesIncluded":` + taxInside + `,"currencyCode":"EUR","displayFinancialStatus":"PARTIALLY_REFUNDED","displayFulfillmentStatus":"FULFILLED",
	"email":"a.kim@example.com","phone":null,"sourceName":"web","customer":{"id":"gid://shopify/Customer/7001"},"discountCodes":["HELLO","MORE"],
	"totalPriceSet":` + bag(total) + `,"subtotalPriceSet":` + bag(subtotal) + `,"totalDiscountsSet":` + bag("6.0") + `,"totalShippingPriceSet":` + bag("6.0") + `,"totalTaxSet":` + bag(tax) + `,"totalRefundedSet":` + bag("31.5") + `,
	"billingAddress":{"city":"Berlin","country":"Germany","zip":"10115","phone":"+49301234567"},
	"refunds":[{"id":"gid://shopify/Refund/9001","createdAt":"2026-03-10T09:15:00Z","processedAt":null,"note":"defect","totalRefundedSet":` + bag("31.5") + `}],
	"lineItems":{"pageInfo":{"hasNextPage":false,"endCursor":null},"nodes":[
	{"id":"gid://shopify/LineItem/11001","name":"Lamp - red","sku":"LMP-1","quantity":4,"currentQuantity":3,"isGiftCard":false,"product":{"id":"gid://shopify/Product/501"},"variant":{"id":"gid://shopify/ProductVariant/601"},"originalUnitPriceSet":` + bag("30.0") + `}` + further + `]}}`
}

const giftCard = `,{"id":"gid://shopify/LineItem/11002","name":"Gift card","sku":null,"quantity":1,"currentQuantity":1,"isGiftCard":true,"product":null,"variant":null,"originalUnitPriceSet":{"shopMoney":{"amount":"50.0","currencyCode":"EUR"}}}`

func refundOf(subtotal, tax string) string {
	return `{"id":"gid://shopify/Refund/9001","refundLineItems":{"pageInfo":{"hasNextPage":false,"endCursor":null},"nodes":[{"subtotalSet":` + bag(subtotal) + `,"totalTaxSet":` + bag(tax) + `}]}}`
}

func has(t *testing.T, got *connectortest.Memory, name, key string, parts ...string) {
	t.Helper()
	row := " " + got.Row(name, key) + " "
	for _, part := range parts {
		if !strings.Contains(row, " "+part+" ") {
			t.Errorf("%s %s: no %s in %s", name, key, part, row)
		}
	}
}

func TestMapping_AnOrderOfPricesWithoutTax(t *testing.T) {
	t.Parallel()
	got := serve(t, map[string]string{"orders": order("false", "114.0", "144.0", "24.0", ""), "refunds": refundOf("28.5", "0.0")})
	has(t, got, "shop.orders", "5012345678901", "number=#1001", "status=shipped", "items_total=120", "discount=6", "shipping=6", "tax=24", "refunded=28.5", "net_revenue=85.5",
		"coupon=HELLO", "channel=web", "currency=EUR", "customer_id=7001", "phone=+49301234567", "line_count=1", "ordered_at=2026-03-09T18:00:00Z")
	has(t, got, "shop.order_lines", "5012345678901/1", "price=30", "quantity=4", "discount=0", "product_id=601", "sku=LMP-1")
	has(t, got, "shop.refunds", "9001", "amount=28.5", "order_id=5012345678901", "reason=defect", "at=2026-03-10T09:15:00Z")
}

func TestMapping_TaxIsTakenOutOfPricesThatHaveIt(t *testing.T) {
	t.Parallel()
	got := serve(t, map[string]string{"orders": order("true", "114.0", "120.0", "20.0", ""), "refunds": refundOf("30.0", "5.0")})
	// 20 of 120 is tax: five sixths are left of every amount.
	has(t, got, "shop.orders", "5012345678901", "items_total=100", "discount=5", "shipping=5", "tax=20", "refunded=25", "net_revenue=70")
	has(t, got, "shop.order_lines", "5012345678901/1", "price=25")
}

func TestMapping_GiftCardsAreNoGoods(t *testing.T) {
	t.Parallel()
	got := serve(t, map[string]string{"orders": order("false", "164.0", "194.0", "24.0", giftCard), "refunds": refundOf("28.5", "0.0")})
	has(t, got, "shop.orders", "5012345678901", "items_total=120", "discount=6", "line_count=1", "net_revenue=85.5")
	if keys := got.Keys("shop.order_lines"); len(keys) != 1 {
		t.Errorf("got lines %v", keys)
	}
}

func TestMapping_StatesOfOrders(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		`"PENDING" "UNFULFILLED" null null`: "placed", `"AUTHORIZED" "ON_HOLD" null null`: "placed", `"PAID" "UNFULFILLED" null null`: "paid", `"PAID" "FULFILLED" null null`: "shipped",
		`"REFUNDED" "FULFILLED" null null`: "completed", `"PAID" "FULFILLED" null "2026-03-09T18:00:00Z"`: "completed", `"VOIDED" "UNFULFILLED" null null`: "cancelled",
		`"PAID" "UNFULFILLED" "2026-03-09T18:00:00Z" null`: "cancelled", `"EXPIRED" "UNFULFILLED" null null`: "cancelled",
	} {
		w := strings.Fields(words)
		text := strings.NewReplacer(`"PARTIALLY_REFUNDED"`, w[0], `"FULFILLED"`, w[1], `"cancelledAt":null`, `"cancelledAt":`+w[2], `"closedAt":null`, `"closedAt":`+w[3]).Replace(order("false", "114.0", "144.0", "24.0", ""))
		has(t, serve(t, map[string]string{"orders": text, "refunds": refundOf("28.5", "0.0")}), "shop.orders", "5012345678901", "status="+want)
	}
}

func TestMapping_CustomersCheckoutsAndProducts(t *testing.T) {
	t.Parallel()
	got := serve(t, map[string]string{
		"customers": `{"id":"gid://shopify/Customer/7001","displayName":"Anna Kim","firstName":"Anna","lastName":"Kim","createdAt":"2026-03-01T13:11:14Z","updatedAt":"2026-03-10T09:15:00Z","defaultEmailAddress":{"emailAddress":"a.kim@example.com","marketingState":"SUBSCRIBED"},"defaultPhoneNumber":null,"defaultAddress":null}`,
		"abandonedCheckouts": `{"id":"gid://shopify/AbandonedCheckout/33001","name":"#33001","abandonedCheckoutUrl":"https://lamps.example.com/s3cret","createdAt":"2026-03-10T08:00:00Z","updatedAt":"2026-03-10T08:05:00Z","completedAt":null,
		"customer":{"id":"gid://shopify/Customer/7001","defaultEmailAddress":{"emailAddress":"a.kim@example.com"}},"subtotalPriceSet":null,"totalPriceSet":` + bag("75.0") + `,"lineItems":{"nodes":[{"id":"gid://shopify/X/1","title":"Shade","sku":"SHD","quantity":1,"product":{"id":"gid://shopify/Product/502"}}]}}`,
		"products": `{"id":"gid://shopify/Product/502","title":"Shade","status":"ARCHIVED","vendor":"Lux","productType":"Lamps","createdAt":"2026-03-01T13:11:14Z","updatedAt":"2026-03-10T09:15:00Z","variants":{"pageInfo":{"hasNextPage":false},"nodes":[{"id":"gid://shopify/ProductVariant/602","sku":"SHD","price":"75.00","updatedAt":"2026-03-10T09:16:00Z"}]}}`,
	})
	has(t, got, "shop.customers", "7001", "email=a.kim@example.com", "first_name=Anna", "accepts_marketing=true", "registered_at=2026-03-01T13:11:14Z")
	has(t, got, "shop.carts", "33001", "customer_id=7001", "email=a.kim@example.com", "value=75", "currency=EUR", "updated_at=2026-03-10T08:05:00Z")
	has(t, got, "shop.products", "502", "name=Shade", "brand=Lux", "category=Lamps", "is_active=false")
	has(t, got, "shop.products", "602", "sku=SHD", "price=75", "currency=EUR", "name=Shade")
	if strings.Contains(got.Everything(), "s3cret") {
		t.Error("the address of a checkout is kept")
	}
}
