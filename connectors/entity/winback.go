package entity

// Campaign is an effort to win customers back.
type Campaign struct {
	Meta
	ID              string       `entity:"id,key" doc:"Id"`
	Name            string       `entity:"name" doc:"Name"`
	Channel         string       `entity:"channel" doc:"phone, email, letter, sms, visit, …"`
	Offer           string       `entity:"offer" doc:"What is offered"`
	DiscountPct     Opt[Decimal] `entity:"discount_pct" doc:"Discount offered, percent"`
	StartedAt       Opt[Time]    `entity:"started_at" doc:"Start"`
	EndedAt         Opt[Time]    `entity:"ended_at" doc:"End"`
	FixedCost       Opt[Decimal] `entity:"fixed_cost" doc:"Cost that does not depend on the number of touches"`
	Currency        string       `entity:"currency" doc:"Currency of the costs, ISO 4217"`
	AttributionDays Opt[int64]   `entity:"attribution_days" doc:"Days after a touch in which an order counts as its return"`
	HorizonDays     Opt[int64]   `entity:"horizon_days" doc:"Days after a return in which revenue counts"`
}

func (Campaign) describe() (string, string, string) {
	return "winback", "campaigns", "Efforts to win customers back"
}

// Touch is one contact of a campaign with one customer, or one control.
type Touch struct {
	Meta
	ID          string       `entity:"id,key" doc:"Id"`
	CampaignID  string       `entity:"campaign_id" doc:"Campaign"`
	CustomerID  string       `entity:"customer_id" doc:"Customer"`
	Email       string       `entity:"email,pii" doc:"E-mail address used"`
	Phone       string       `entity:"phone,pii" doc:"Phone number used"`
	At          Opt[Time]    `entity:"at" doc:"When the customer was contacted, or drawn as a control"`
	Channel     string       `entity:"channel" doc:"Channel used"`
	Offer       string       `entity:"offer" doc:"Offer made"`
	DiscountPct Opt[Decimal] `entity:"discount_pct" doc:"Discount offered, percent"`
	Coupon      string       `entity:"coupon" doc:"Coupon code given"`
	Cost        Opt[Decimal] `entity:"cost" doc:"Cost of this touch"`
	IsControl   Opt[bool]    `entity:"is_control" doc:"Member of the control group, not contacted"`
	ManagerID   string       `entity:"manager_id" doc:"Who made contact"`
	DeliveredAt Opt[Time]    `entity:"delivered_at" doc:"Delivered"`
	OpenedAt    Opt[Time]    `entity:"opened_at" doc:"Opened"`
	ClickedAt   Opt[Time]    `entity:"clicked_at" doc:"Clicked"`
	RepliedAt   Opt[Time]    `entity:"replied_at" doc:"Answered"`
	Result      string       `entity:"result" doc:"Result as written down"`
	Reason      string       `entity:"reason" doc:"Reason the customer gave"`
}

func (Touch) describe() (string, string, string) {
	return "winback", "touches", "Contacts of campaigns with customers"
}

// CartReminder is a reminder about an abandoned cart.
type CartReminder struct {
	Meta
	ID        string       `entity:"id,key" doc:"Id"`
	CartID    string       `entity:"cart_id" doc:"Cart"`
	At        Opt[Time]    `entity:"at" doc:"When it was sent"`
	Channel   string       `entity:"channel" doc:"Channel"`
	Cost      Opt[Decimal] `entity:"cost" doc:"Cost"`
	OpenedAt  Opt[Time]    `entity:"opened_at" doc:"Opened"`
	ClickedAt Opt[Time]    `entity:"clicked_at" doc:"Clicked"`
}

func (CartReminder) describe() (string, string, string) {
	return "winback", "cart_reminders", "Reminders about abandoned carts"
}
