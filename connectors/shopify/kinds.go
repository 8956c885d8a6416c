package shopify

import (
	"context"
	"encoding/json"
	"time"

	"winback/connectors/entity"
)

// kind is a list of the shop.
type kind struct {
	dataset string
	schemas []*entity.Schema // the list's own first
	root    string           // name of the list
	fields  string           // of a record
	child   string           // list within a record, if any
	within  string           // fields of it
	sort    string           // key to page by
	oldest  string           // key to find the oldest by
	first   int              // records of a page
	events  string           // subject of the events that tell deletions, if any
	grain   time.Duration    // that changes are told by, beyond a second
	walled  bool             // hidden after 60 days without a scope
	make    func(run *run, ctx context.Context, records []json.RawMessage) error
}

const money = `{ shopMoney { amount currencyCode } }`

var kinds = []*kind{
	{
		dataset: "customers", schemas: []*entity.Schema{customerSchema}, root: "customers", sort: "UPDATED_AT", oldest: "UPDATED_AT", first: 100, events: "CUSTOMER",
		// Changed customers are found by the day.
		grain: 24 * time.Hour,
		fields: `id displayName firstName lastName createdAt updatedAt numberOfOrders amountSpent { amount currencyCode } state tags note locale verifiedEmail
	defaultEmailAddress { emailAddress marketingState marketingUpdatedAt } defaultPhoneNumber { phoneNumber marketingState } defaultAddress { city country zip }`,
		make: (*run).customers,
	},
	{
		dataset: "products", schemas: []*entity.Schema{productSchema}, root: "products", sort: "UPDATED_AT", oldest: "UPDATED_AT", first: 50, events: "PRODUCT",
		fields: `id title handle status vendor productType tags createdAt updatedAt publishedAt totalInventory`,
		child:  "variants", within: `id sku price compareAtPrice inventoryQuantity updatedAt`,
		make: (*run).products,
	},
	{
		dataset: "orders", schemas: []*entity.Schema{orderSchema, lineSchema, refundSchema}, root: "orders", sort: "UPDATED_AT", oldest: "UPDATED_AT", first: 50, events: "ORDER", walled: true,
		fields: `id name createdAt processedAt updatedAt cancelledAt closedAt cancelReason test taxesIncluded currencyCode displayFinancialStatus displayFulfillmentStatus
	returnStatus email phone note sourceName customer { id } tags discountCodes paymentGatewayNames
	totalPriceSet ` + money + ` subtotalPriceSet ` + money + ` totalDiscountsSet ` + money + ` totalShippingPriceSet ` + money + ` totalTaxSet ` + money + ` totalRefundedSet ` + money + `
	billingAddress { city country zip phone } refunds { id createdAt processedAt note totalRefundedSet ` + money + ` }`,
		child: "lineItems", within: `id name sku quantity currentQuantity vendor isGiftCard product { id } variant { id } originalUnitPriceSet ` + money + ` discountedTotalSet ` + money,
		make: (*run).orders,
	},
	{
		dataset: "carts", schemas: []*entity.Schema{cartSchema}, root: "abandonedCheckouts", sort: "ID", oldest: "CREATED_AT", first: 50, walled: true,
		fields: `id name createdAt updatedAt completedAt customer { id defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } } discountCodes note taxesIncluded
	subtotalPriceSet ` + money + ` totalPriceSet ` + money + ` totalDiscountSet ` + money + ` totalTaxSet ` + money + ` billingAddress { phone }`,
		child: "lineItems", within: `id title sku quantity variantTitle discountedTotalPriceSet ` + money + ` product { id } variant { id }`,
		make: (*run).carts,
	},
}

func kindOf(dataset string) *kind {
	for _, k := range kinds {
		if k.dataset == dataset {
			return k
		}
	}
	return nil
}

// pageDocument asks for a page of records with their first children.
func (k *kind) pageDocument() string {
	inner := ""
	if k.child != "" {
		inner = " " + k.child + `(first: 20) { pageInfo { hasNextPage endCursor } nodes { ` + k.within + ` } }`
	}
	return `query($n: Int!, $after: String, $q: String!) { ` + k.root + `(first: $n, after: $after, query: $q, sortKey: ` + k.sort + `) { pageInfo { hasNextPage endCursor } nodes { ` +
		k.fields + inner + ` } } }`
}

// childDocument asks for further children of one record.
func (k *kind) childDocument() string {
	return `query($id: ID!, $after: String) { node(id: $id) { ... on ` + k.object() + ` { id ` + k.child + `(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes { ` + k.within + ` } } } } }`
}

// object is the type of a record.
func (k *kind) object() string {
	return map[string]string{"customers": "Customer", "products": "Product", "orders": "Order", "abandonedCheckouts": "AbandonedCheckout"}[k.root]
}

// bulkDocument is the query of a bulk operation: no pages, no order, edges alone.
func (k *kind) bulkDocument(filter, fields, within string) string {
	inner := ""
	if k.child != "" && within != "" {
		inner = " " + k.child + ` { edges { node { ` + within + ` } } }`
	}
	arguments := ""
	if filter != "" {
		arguments = `(query: ` + quoted(filter) + `)`
	}
	return `{ ` + k.root + arguments + ` { edges { node { ` + fields + inner + ` } } } }`
}

func quoted(text string) string {
	encoded, _ := json.Marshal(text) // a string of GraphQL is one of JSON
	return string(encoded)
}
