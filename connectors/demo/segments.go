package demo

// segment is one kind of customer: how often it buys, how long it stays, how
// much it takes. Shares are of 10,000.
type segment struct {
	name          string
	share         int
	sleepingAfter int // days, as the configuration says
	lostAfter     int
	isFirm        bool

	medianGap   int64   // between orders, in thousandths of an average day
	gapSpread   float64 // between the gaps of one customer
	paceSpread  float64 // between customers
	hazard      int64   // leaving within a year, in millionths of a hazard of 1
	badQuarter  int64   // times the hazard in the bad quarter, in hundredths
	returns     int     // of those who left
	awayMedian  int64   // days between being counted as lost and returning
	silent      int     // never order
	oneTime     int     // order once
	guest       int     // private persons without an account
	duplicate   int     // have a second account
	inCRM       int
	cancels     int // of orders
	coupons     int
	discounts   int   // of orders, agreed with a manager
	lines       []int // weight of 1, 2, 3 … lines
	maxQuantity int
	quantity    int // factor of the quantities
	priceOff    int // percent off the list prices
}

// The segments, in the order of their numbers.
var segments = []segment{
	{
		name: "private", share: 7_800, sleepingAfter: 90, lostAfter: 180,
		medianGap: 33_000, gapSpread: 0.50, paceSpread: 0.45,
		hazard: 42_000, badQuarter: 520, returns: 2_400, awayMedian: 75,
		silent: 700, oneTime: 550, guest: 700, duplicate: 400, inCRM: 9_000,
		cancels: 340, coupons: 1_400, discounts: 0,
		lines: []int{34, 28, 18, 10, 6, 4}, maxQuantity: 3, quantity: 1,
	},
	{
		name: "small_firm", share: 1_700, sleepingAfter: 60, lostAfter: 120, isFirm: true,
		medianGap: 19_000, gapSpread: 0.45, paceSpread: 0.40,
		hazard: 46_000, badQuarter: 580, returns: 2_000, awayMedian: 60,
		silent: 600, oneTime: 500, duplicate: 300, inCRM: 10_000,
		cancels: 220, coupons: 500, discounts: 2_000,
		lines: []int{14, 20, 22, 18, 12, 8, 4, 2}, maxQuantity: 6, quantity: 1, priceOff: 4,
	},
	{
		name: "wholesale", share: 500, sleepingAfter: 30, lostAfter: 45, isFirm: true,
		medianGap: 8_000, gapSpread: 0.40, paceSpread: 0.30,
		hazard: 44_000, badQuarter: 440, returns: 2_600, awayMedian: 45,
		silent: 300, oneTime: 200, duplicate: 200, inCRM: 10_000,
		cancels: 150, coupons: 0, discounts: 3_000,
		lines: []int{4, 8, 12, 16, 16, 14, 10, 8, 6, 4, 2}, maxQuantity: 12, quantity: 5, priceOff: 14,
	},
}
