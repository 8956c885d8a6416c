package shopify

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/restapi"
)

// Name is the connector's name in winback.yaml.
const Name = "shopify"

// Schemas of what is read.
var (
	orderSchema    = entity.Of[entity.Order]()
	lineSchema     = entity.Of[entity.OrderLine]()
	refundSchema   = entity.Of[entity.Refund]()
	cartSchema     = entity.Of[entity.Cart]()
	productSchema  = entity.Of[entity.Product]()
	customerSchema = entity.Of[entity.ShopCustomer]()
)

// Connector describes shops of Shopify.
func Connector() *connectors.Connector {
	const deletions = "by the shop's events, and by comparing keys"
	return &connectors.Connector{
		Name:    Name,
		Summary: "Shopify shops: orders, lines, refunds, abandoned checkouts, products, customers",
		Reads: []connectors.Reads{
			{Entity: customerSchema, From: "customers", Changes: "by updatedAt, a day again each time", Deletions: deletions + ", as for merged ones"},
			{Entity: productSchema, From: "products, variants", Changes: "by updatedAt", Deletions: deletions},
			{Entity: orderSchema, From: "orders", Changes: "by updatedAt", Deletions: deletions},
			{Entity: lineSchema, From: "lineItems of orders", Changes: "with the order", Deletions: "with the order"},
			{Entity: refundSchema, From: "refunds of orders", Changes: "with the order", Deletions: "by comparing keys"},
			{Entity: cartSchema, From: "abandonedCheckouts", Changes: "by updatedAt", Deletions: "by comparing keys"},
		},
		Needs: []string{
			"An app with the scopes read_orders, read_all_orders, read_customers and read_products: Settings → Apps and sales channels → Develop apps → Configuration; its token goes into access_token.",
			"Without read_all_orders the shop shows the orders of the last 60 days alone, and says nothing; every run then tells it.",
			"For names, addresses and e-mails of customers, access to protected customer data; for checkouts the permission to manage abandoned checkouts.",
		},
		Limits: []string{
			"Queries cost points: 100 a second on a standard plan, 200, 1,000 or 2,000 on others. The shop's answers tell how many are left, and queries wait for theirs. Bulk operations cost next to nothing.",
			"Slower: requests_per_second.",
		},
		Example: `connector: shopify
shop: my-shop.myshopify.com
access_token: ${SHOPIFY_TOKEN}
# client_id: 0123456789abcdef        # instead of a token: an app of your own organisation
# client_secret: ${SHOPIFY_SECRET}
# since: 2023-01-01                  # begin of the history; default: all there is
`,
		NewConfig: func() any { return new(Config) },
		Open:      open,
	}
}

func open(config any, env connectors.Env) (connectors.Source, error) {
	c := config.(*Config)
	clock := env.Clock
	if clock == nil {
		clock = connectors.SystemClock{}
	}
	client, err := restapi.New(restapi.Options{
		Config: c.Connection, Base: c.address() + "/admin/api/" + c.Version, Auth: c.auth(env, clock), Judge: judge, Clock: clock,
	})
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", env.Name, err)
	}
	return &source{config: c, zone: env.Location, client: client, bucket: &bucket{clock: clock}, sizes: map[string]int{}, told: map[string]bool{}}, nil
}

const tokenHeader = "X-Shopify-Access-Token"

// auth signs with a token, or with one that the app's own credentials are good for.
func (c *Config) auth(env connectors.Env, clock connectors.Clock) restapi.Auth {
	if c.ClientID == "" {
		return restapi.Header(tokenHeader, c.AccessToken.Reveal())
	}
	secret := c.ClientSecret.Reveal()
	return &restapi.OAuth{
		Folder: env.State, Also: []string{secret},
		Put: func(r *http.Request, access string) { r.Header.Set(tokenHeader, access) },
		Exchange: func(ctx context.Context, _ string) (restapi.Tokens, error) {
			return restapi.AskTokens(ctx, restapi.Options{Config: c.Connection, Base: c.address(), Auth: restapi.Unsigned(secret), Judge: judgeGrant, Clock: clock}, restapi.Request{
				Path: "admin/oauth/access_token",
				Form: url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ClientID}, "client_secret": {secret}},
			})
		},
	}
}

// source reads one shop.
type source struct {
	config *Config
	zone   *time.Location
	client *restapi.Client
	bucket *bucket

	greeting sync.Mutex
	shop     *shop // once it was asked

	mu    sync.Mutex
	sizes map[string]int  // of pages, by list, where the usual one costs too much
	told  map[string]bool // notices that were told, by text
	// answers is the version that answers.
	answers string
	ahead   time.Duration // of the shop's clock before ours
}

// Datasets lists what is extracted.
func (s *source) Datasets() []connectors.Dataset {
	var list []connectors.Dataset
	for _, k := range kinds {
		list = append(list, connectors.NewestWins(k.dataset, k.schemas...))
	}
	return list
}

// Backfills says that everything is read by time of change.
func (s *source) Backfills(string) bool { return true }

// tell passes a notice on, once.
func (s *source) tell(req connectors.Request, kind, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.told[text] {
		s.told[text] = true
		req.Tell(connectors.Notice{Kind: kind, Inputs: []string{s.config.Shop}, Count: 1, Text: text})
	}
}
