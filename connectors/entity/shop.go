package entity

// ShopCustomer is an account in a shop.
type ShopCustomer struct {
	Meta
	ID               string            `entity:"id,key" doc:"Id in the shop"`
	Email            string            `entity:"email,pii" doc:"E-mail address as entered"`
	Phone            string            `entity:"phone,pii" doc:"Phone number as entered"`
	FirstName        string            `entity:"first_name,pii" doc:"First name"`
	LastName         string            `entity:"last_name,pii" doc:"Last name"`
	City             string            `entity:"city" doc:"City"`
	Country          string            `entity:"country" doc:"Country, as the shop writes it"`
	RegisteredAt     Opt[Time]         `entity:"registered_at" doc:"When the account was made"`
	AcceptsMarketing Opt[bool]         `entity:"accepts_marketing" doc:"Agreed to receive marketing"`
	ExternalIDs      map[string]string `entity:"external_ids" doc:"Ids of the same customer in other systems, by system"`
}

func (ShopCustomer) describe() (string, string, string) {
	return "shop", "customers", "Accounts of a shop"
}

// Product is something a shop sells.
type Product struct {
	Meta
	ID          string       `entity:"id,key" doc:"Id in the shop"`
	SKU         string       `entity:"sku" doc:"Stock keeping unit"`
	Name        string       `entity:"name" doc:"Name"`
	Category    string       `entity:"category" doc:"Category"`
	Brand       string       `entity:"brand" doc:"Brand"`
	Price       Opt[Decimal] `entity:"price" doc:"Selling price of one unit"`
	Cost        Opt[Decimal] `entity:"cost" doc:"Cost of one unit to the company"`
	Currency    string       `entity:"currency" doc:"Currency of price and cost, ISO 4217"`
	IsActive    Opt[bool]    `entity:"is_active" doc:"Is on sale"`
	WithdrawnAt Opt[Time]    `entity:"withdrawn_at" doc:"When it was taken off sale"`
}

func (Product) describe() (string, string, string) {
	return "shop", "products", "Goods and services on sale"
}

// Order is an order placed in a shop.
type Order struct {
	Meta
	ID          string       `entity:"id,key" doc:"Id in the shop"`
	Number      string       `entity:"number" doc:"Number shown to the customer"`
	CustomerID  string       `entity:"customer_id" doc:"Id of the shop's customer; null for a guest"`
	Email       string       `entity:"email,pii" doc:"E-mail address given with the order"`
	Phone       string       `entity:"phone,pii" doc:"Phone number given with the order"`
	OrderedAt   Opt[Time]    `entity:"ordered_at" doc:"When the order was placed"`
	Status      string       `entity:"status,enum=placed|paid|shipped|completed|cancelled" doc:"State of the order"`
	Currency    string       `entity:"currency" doc:"Currency of the amounts, ISO 4217"`
	ItemsTotal  Opt[Decimal] `entity:"items_total" doc:"Sum of the lines before discounts"`
	Discount    Opt[Decimal] `entity:"discount" doc:"Discount on the whole order, as a positive amount"`
	Shipping    Opt[Decimal] `entity:"shipping" doc:"Charged for delivery"`
	Tax         Opt[Decimal] `entity:"tax" doc:"Tax"`
	Refunded    Opt[Decimal] `entity:"refunded" doc:"Paid back, as a positive amount"`
	NetRevenue  Opt[Decimal] `entity:"net_revenue" doc:"Revenue after discounts and refunds, where the source tells it"`
	Coupon      string       `entity:"coupon" doc:"Coupon code"`
	Channel     string       `entity:"channel" doc:"Where the order came from: web, phone, …"`
	PromisedAt  Opt[Time]    `entity:"promised_at" doc:"Delivery promised for"`
	DeliveredAt Opt[Time]    `entity:"delivered_at" doc:"Delivered"`
	CartID      string       `entity:"cart_id" doc:"Cart that the order was made from"`
	LineCount   Opt[int64]   `entity:"line_count" doc:"Number of lines of this version of the order; lines numbered beyond it are of an older one"`
}

func (Order) describe() (string, string, string) { return "shop", "orders", "Orders placed in a shop" }

// OrderLine is one line of an order.
type OrderLine struct {
	Meta
	OrderID   string       `entity:"order_id,key" doc:"Order that the line belongs to"`
	LineNo    int64        `entity:"line_no,key" doc:"Number of the line within its order"`
	ProductID string       `entity:"product_id" doc:"Id of the product in the shop"`
	SKU       string       `entity:"sku" doc:"Stock keeping unit"`
	Name      string       `entity:"name" doc:"Name as sold"`
	Quantity  Opt[Decimal] `entity:"quantity" doc:"Units; negative on a credit note"`
	Price     Opt[Decimal] `entity:"price" doc:"Price of one unit"`
	Discount  Opt[Decimal] `entity:"discount" doc:"Discount on the line, as a positive amount"`
	Cost      Opt[Decimal] `entity:"cost" doc:"Cost of one unit to the company"`
}

func (OrderLine) describe() (string, string, string) {
	return "shop", "order_lines", "Lines of orders"
}

// Refund is money paid back for an order.
type Refund struct {
	Meta
	ID      string       `entity:"id,key" doc:"Id in the shop"`
	OrderID string       `entity:"order_id" doc:"Order that was refunded; null where the source does not tell"`
	At      Opt[Time]    `entity:"at" doc:"When it was paid back"`
	Amount  Opt[Decimal] `entity:"amount" doc:"Amount paid back, positive"`
	Reason  string       `entity:"reason" doc:"Reason as written down"`
}

func (Refund) describe() (string, string, string) { return "shop", "refunds", "Money paid back" }

// Cart is a basket, ordered or abandoned.
type Cart struct {
	Meta
	ID         string       `entity:"id,key" doc:"Id in the shop"`
	CustomerID string       `entity:"customer_id" doc:"Id of the shop's customer, if logged in"`
	Email      string       `entity:"email,pii" doc:"E-mail address, if left"`
	Phone      string       `entity:"phone,pii" doc:"Phone number, if left"`
	CreatedAt  Opt[Time]    `entity:"created_at" doc:"When the cart was begun"`
	UpdatedAt  Opt[Time]    `entity:"updated_at" doc:"Last change of the cart"`
	Value      Opt[Decimal] `entity:"value" doc:"Value of the goods in it"`
	Currency   string       `entity:"currency" doc:"Currency of the value, ISO 4217"`
	Items      string       `entity:"items,json" doc:"Goods in the cart, as JSON"`
	OrderID    string       `entity:"order_id" doc:"Order made from it, if any"`
	Channel    string       `entity:"channel" doc:"Where the cart was filled: web, app, …"`
}

func (Cart) describe() (string, string, string) { return "shop", "carts", "Baskets, ordered or not" }

// ExchangeRate is the price of one unit of a currency in the project's.
type ExchangeRate struct {
	Meta
	Currency string    `entity:"currency,key" doc:"Currency, ISO 4217"`
	Date     Date      `entity:"date,key" doc:"Day the rate is for"`
	Rate     Opt[Rate] `entity:"rate" doc:"Units of the project's currency for one unit of this one"`
}

func (ExchangeRate) describe() (string, string, string) {
	return "shop", "exchange_rates", "Daily rates into the project's currency"
}
