package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"winback/connectors/entity"
)

// Names of the files that tell the truth, in the demo's folder.
const (
	TruthFile = "truth.json"
	LinksFile = "truth_links.csv.gz"
)

// AllSegments is the name of the rows that sum the segments up.
const AllSegments = "(all)"

// Truth is what a demo company was made from and what a warehouse built on its
// files should find. Churn and statuses follow the rules of the product with the
// limits that the truth names, each true person or firm being one customer.
type Truth struct {
	Customers int    `json:"customers"` // as asked for
	Months    int    `json:"months"`    // as asked for
	Seed      uint64 `json:"seed"`
	Start     string `json:"start"` // first day
	End       string `json:"end"`   // last day
	Timezone  string `json:"timezone"`
	Currency  string `json:"currency"`

	Limits map[string]Limits `json:"limits"` // by segment; (all) is the default
	Totals Totals            `json:"totals"`
	// ChurnByMonth has a row per month and segment, with (all), in that order.
	ChurnByMonth []MonthTruth `json:"churn_by_month"`
	// YearlyChurn is over the twelve full months that end with the month.
	YearlyChurn []YearTruth    `json:"yearly_churn"`
	Planted     []PlantedEvent `json:"planted_events"`
	// Reasons are why customers left, and what was said of it.
	Reasons   ReasonsTruth     `json:"reasons"`
	Funnel    FunnelTruth      `json:"funnel"`
	LostDeals ReasonsOfDeals   `json:"lost_deals"`
	Problems  []ComplaintTruth `json:"problems"` // with orders
	Surveys   SurveyTruth      `json:"surveys"`
	Calls     CallsTruth       `json:"calls"`
	Carts     CartsTruth       `json:"carts"`
	Campaigns []CampaignTruth  `json:"campaigns"`
	Payments  PaymentsTruth    `json:"payments"`
	Plans     PlansTruth       `json:"plans"`
	Dirt      Dirt             `json:"dirt"`
	// LinksFile lists every record with the true customer it belongs to.
	LinksFile string `json:"links_file"`
	Files     []File `json:"files"`
}

// Limits are the gaps, in days since the last purchase, from which a customer
// sleeps and is lost.
type Limits struct {
	SleepingAfter int `json:"sleeping_after"`
	LostAfter     int `json:"lost_after"`
}

// Totals describe the company on its last day. Money is in Currency.
type Totals struct {
	Customers          int            `json:"customers"`       // true persons and firms
	Buyers             int            `json:"buyers"`          // with a purchase
	Silent             int            `json:"silent"`          // signed up, never bought
	OneTime            int            `json:"one_time"`        // exactly one purchase
	GuestsOnly         int            `json:"guests_only"`     // buyers without an account
	SecondAccounts     int            `json:"second_accounts"` // of customers who have one already
	CRMRecords         int            `json:"crm_records"`     //
	Terminated         int            `json:"terminated"`      // contracts ended
	Losses             int            `json:"losses"`          // by the rules, twice lost counting twice
	Returns            int            `json:"returns"`         // by the rules
	SwitchboardHolders int            `json:"switchboard_crm"` // CRM records with the shared number
	Orders             int            `json:"orders"`          // cancelled ones too
	Cancelled          int            `json:"cancelled"`       //
	OrderLines         int            `json:"order_lines"`     //
	Refunds            int            `json:"refunds"`         //
	Goods              string         `json:"goods"`           // lines less discounts, without cancelled orders
	Refunded           string         `json:"refunded"`        //
	NetRevenue         string         `json:"net_revenue"`     // goods less refunds
	Statuses           map[string]int `json:"statuses"`        // of the buyers on the last day
	CustomersBySegment map[string]int `json:"by_segment"`      //
	WithdrawnProducts  int            `json:"withdrawn_goods"` //
}

// MonthTruth is what happened to the customers of a segment in a month.
type MonthTruth struct {
	Month    string `json:"month"` // first day
	Segment  string `json:"segment"`
	Complete bool   `json:"is_complete"`
	AtStart  int    `json:"customers_at_start"` // bought before, not lost the day before
	Lost     int    `json:"lost"`               // of those, with a loss date in the month
	New      int    `json:"new"`                // first purchase in the month
	Returned int    `json:"returned"`           // bought again after a loss
	Left     int    `json:"really_left"`        // stopped buying in the month, which shows later as a loss
	CameBack int    `json:"really_came_back"`   // began to buy again
	Orders   int    `json:"orders"`             // purchases
	// Statuses of all buyers so far at the month's end, or at the last day.
	Statuses map[string]int `json:"statuses"`
}

// YearTruth is the churn of the twelve months that end with a month.
type YearTruth struct {
	Month    string  `json:"month"` // first day of the last one
	Segment  string  `json:"segment"`
	AtStart  int     `json:"customers_at_start"`
	Lost     int     `json:"lost"`
	ChurnPct float64 `json:"churn_pct"`
}

// PlantedEvent is an event of the company's history and its true effect.
type PlantedEvent struct {
	ID      string `json:"id"`
	Day     string `json:"day"`
	Until   string `json:"until,omitempty"` // last day of its effect
	Kind    string `json:"kind"`
	Title   string `json:"title"`
	Segment string `json:"segment,omitempty"` // that it touched; empty: all
	// HazardFactor is by how much more customers left while it lasted, by
	// segment. Empty: customers did not mind.
	HazardFactor map[string]float64 `json:"hazard_factor,omitempty"`
	// CustomersOf is the manager whose customers alone minded.
	CustomersOf string `json:"customers_of,omitempty"`
	// Impact is on the churn of its segment, or of all customers.
	Impact *EventImpact `json:"impact,omitempty"`

	day, lasts int
	cause      cause
	manager    int // number in managers, plus 1
}

// EventImpact compares the churn of the three months before an event with that of
// the three months from it on, by loss dates as the rules see them. It is missing
// where the history does not hold all six months.
type EventImpact struct {
	AtStartBefore int     `json:"customers_at_start_before"`
	LostBefore    int     `json:"lost_before"`
	BeforePct     float64 `json:"before_pct"`
	AtStartAfter  int     `json:"customers_at_start_after"`
	LostAfter     int     `json:"lost_after"`
	AfterPct      float64 `json:"after_pct"`
	DiffPP        float64 `json:"diff_pp"` // after less before
	// DecidedBefore and DecidedAfter are those of LostBefore and LostAfter who did not
	// merely fall silent before these months began: their last purchase or the end of
	// their contract lies in them.
	DecidedBefore int `json:"decided_before"`
	DecidedAfter  int `json:"decided_after"`
	// CausedLost are those of LostAfter whom the event drove away, TrueDiffPP
	// their share of the customers at its start: what it did in those months.
	CausedLost int     `json:"caused_lost"`
	TrueDiffPP float64 `json:"true_diff_pp"`
	// Left are all whom it drove away by the end of the history.
	Left int `json:"left_because_of_it"`
}

// Dirt counts what was planted in the files and is no data.
type Dirt struct {
	ShortLines    int `json:"short_lines"`    // closing sums
	BadValues     int `json:"bad_values"`     // order lines with a quantity in words
	MissingIDs    int `json:"missing_ids"`    // accounts without a number, and what is no order
	RepeatedLines int `json:"repeated_lines"` // whole orders, word for word
	RepeatedRows  int `json:"repeated_rows"`  // those orders and their lines
	BadAmounts    int `json:"bad_amounts"`    // deals with an amount in words
	ClocksBack    int `json:"clocks_back"`    // calls that end before they begin
}

// File is one file that was written, by its name within the demo's folder.
type File struct {
	Name   string `json:"name"`
	Rows   int64  `json:"rows"` // without header and dirt
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// ReadTruth reads the truth of the demo in a folder. A folder without one gives
// an error that is fs.ErrNotExist.
func ReadTruth(dir string) (Truth, error) {
	var t Truth
	path := filepath.Join(dir, TruthFile)
	content, err := os.ReadFile(path)
	if err != nil {
		return t, fmt.Errorf("read the demo's truth: %w", err)
	}
	if err := json.Unmarshal(content, &t); err != nil {
		return t, fmt.Errorf("read %s: %w", path, err)
	}
	return t, nil
}

func (t Truth) save(path string) error {
	content, err := json.MarshalIndent(t, "", " ")
	if err != nil {
		return fmt.Errorf("write the truth: %w", err)
	}
	return os.WriteFile(path, append(content, '\n'), 0o644)
}

// publish moves the files of a finished build to their places, the truth last.
func publish(dir, build string, truth Truth) error {
	before, err := ReadTruth(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		before = Truth{} // damaged: nothing is known to be ours
	}
	if err := os.MkdirAll(filepath.Join(dir, dataDir, "pbx"), 0o755); err != nil {
		return err
	}
	ours := map[string]bool{}
	for _, f := range truth.Files {
		ours[f.Name] = true
		if err := putInPlace(dir, build, f); err != nil {
			return err
		}
	}
	for _, f := range before.Files {
		if !ours[f.Name] {
			if err := removeOwn(dir, f); err != nil {
				return err
			}
		}
	}
	return os.Rename(filepath.Join(build, TruthFile), filepath.Join(dir, TruthFile))
}

// putInPlace renames one built file to its place, unless the same is there already.
func putInPlace(dir, build string, f File) error {
	name := filepath.FromSlash(f.Name)
	if same, err := hasContent(filepath.Join(dir, name), f); err != nil || same {
		return err
	}
	return os.Rename(filepath.Join(build, name), filepath.Join(dir, name))
}

// removeOwn removes a file of an earlier demo if it is as it was written.
func removeOwn(dir string, f File) error {
	if !filepath.IsLocal(filepath.FromSlash(f.Name)) {
		return nil
	}
	path := filepath.Join(dir, filepath.FromSlash(f.Name))
	if same, err := hasContent(path, f); err != nil || !same {
		return err
	}
	return os.Remove(path)
}

// limits returns the limits of every segment and, as (all), the default: that of
// private persons, so that customers the CRM does not know fall under their own.
func limits() map[string]Limits {
	byName := map[string]Limits{AllSegments: {segments[0].sleepingAfter, segments[0].lostAfter}}
	for _, s := range segments {
		byName[s.name] = Limits{s.sleepingAfter, s.lostAfter}
	}
	return byName
}

func money(d entity.Decimal) string { return string(appendCents(nil, d, '.')) }
