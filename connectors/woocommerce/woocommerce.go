package woocommerce

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
	"winback/connectors/restapi"
)

// Name is the connector's name in winback.yaml.
const Name = "woocommerce"

// Schemas of what is read.
var (
	orderSchema    = entity.Of[entity.Order]()
	lineSchema     = entity.Of[entity.OrderLine]()
	refundSchema   = entity.Of[entity.Refund]()
	cartSchema     = entity.Of[entity.Cart]()
	productSchema  = entity.Of[entity.Product]()
	customerSchema = entity.Of[entity.ShopCustomer]()
)

// Connector describes shops of WooCommerce.
func Connector() *connectors.Connector {
	const trash = "the trash at once, what is deleted for good by comparing keys"
	return &connectors.Connector{
		Name:    Name,
		Summary: "WooCommerce shops: orders, lines, refunds, carts, products, customers",
		Reads: []connectors.Reads{
			{Entity: customerSchema, From: "GET /customers?role=all", Changes: "new ones and those whose orders changed; all of them every 7 days", Deletions: "by comparing keys"},
			{Entity: productSchema, From: "GET /products, /products/{id}/variations", Changes: "by date_modified; all of them every 7 days", Deletions: trash},
			{Entity: orderSchema, From: "GET /orders", Changes: "by date_modified", Deletions: trash},
			{Entity: lineSchema, From: "line_items and fee_lines of orders", Changes: "with the order", Deletions: "with the order"},
			{Entity: refundSchema, From: "GET /refunds (since 9.0), else /orders/{id}/refunds", Changes: "with the order", Deletions: "by comparing keys"},
			{Entity: cartSchema, From: "orders made at the checkout, and drafts of it", Changes: "by date_modified", Deletions: trash},
		},
		Needs: []string{
			"A key with the permission Read of a user who is administrator or shop manager: WooCommerce → Settings → Advanced → REST API → Add key.",
			"WooCommerce 5.8 or newer; an older one does not tell what has changed and is read whole every time.",
			"No security plug-in or firewall that answers with a page for people instead.",
		},
		Limits: []string{
			"WooCommerce has none of its own. One request is sent at a time, two for refunds and variations; Retry-After is obeyed; after a failure of the server a smaller page is asked for (100, 50, 25, 10).",
			"Slower: requests_per_second.",
		},
		Example: `connector: woocommerce
url: https://shop.example.com
consumer_key: ${WOO_KEY}
consumer_secret: ${WOO_SECRET}
# since: 2023-01-01      # begin of the history; default: all there is
# statuses: {packed: paid}
`,
		NewConfig: func() any { return new(Config) },
		Open:      open,
	}
}

func open(config any, env connectors.Env) (connectors.Source, error) {
	c := config.(*Config)
	zone := env.Location
	if c.Timezone != "" {
		zone, _ = time.LoadLocation(c.Timezone) // validated
	}
	clock := env.Clock
	if clock == nil {
		clock = connectors.SystemClock{}
	}
	client, err := restapi.New(restapi.Options{
		Config: c.HTTP, Base: c.base(), Auth: c.auth(clock), Judge: judge, Clock: clock,
	})
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", env.Name, err)
	}
	return &source{config: c, zone: zone, currency: env.Currency, client: client}, nil
}

// source reads one shop.
type source struct {
	config   *Config
	zone     *time.Location
	currency string // the project's
	client   *restapi.Client

	meeting sync.Mutex
	ahead   time.Duration // of the shop's clock before ours
	met     bool          // the clock is known

	swept *orderKeys // by the sweep of the orders' dataset; nil between two of them

	mu        sync.Mutex
	oneByOne  bool // the shop has no list of all refunds
	noisy     bool // it prints warnings
	toldNoise bool
}

// Names of datasets.
const (
	ordersDataset    = "orders"
	productsDataset  = "products"
	customersDataset = "customers"
)

// Datasets lists what is extracted.
func (s *source) Datasets() []connectors.Dataset {
	return []connectors.Dataset{
		connectors.NewestWins(customersDataset, customerSchema),
		connectors.NewestWins(productsDataset, productSchema),
		connectors.NewestWins(ordersDataset, orderSchema, lineSchema, refundSchema, cartSchema),
	}
}

// Extract reads what is new in a dataset.
func (s *source) Extract(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
	switch req.Dataset {
	case ordersDataset:
		return s.extractOrders(ctx, req, sink)
	case productsDataset:
		return s.extractProducts(ctx, req, sink)
	case customersDataset:
		return s.extractCustomers(ctx, req, sink)
	}
	return connectors.Extracted{}, fmt.Errorf("there is no dataset %s", req.Dataset)
}

// Backfills says which datasets are read by time of change.
func (s *source) Backfills(dataset string) bool { return dataset != customersDataset }

// rows begins the rows of an extraction.
func (s *source) rows(req connectors.Request, sink connectors.Sink, e *entity.Schema, known, told []string) *record.Rows {
	return record.NewRows(req, sink, record.Options{
		Entity: e, Location: time.UTC, Payload: s.config.Payload, Fields: s.config.Fields, OnDrift: s.config.OnDrift,
		Known: known, Told: told, Custom: custom,
	})
}

// lag is how long before now the last window ends: a change is seen a moment after
// its time.
const lag = 2 * time.Minute

// defaultOverlap is how far before the end of the last run to begin.
const defaultOverlap = 10 * time.Minute

func (s *source) overlap() time.Duration { return cmp.Or(s.config.Overlap, defaultOverlap) }
