package pipelines

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/pipelines/landing"
	"winback/pipelines/stats"
	"winback/pipelines/warehouse"
)

// CampaignSource is the source under which the product's own campaigns are landed.
const CampaignSource = "winback"

// DrawOptions say which campaign to draw.
type DrawOptions struct {
	// Name of the campaign: letters, digits, '_', '-' and '.'.
	Name string
	// Size is how many customers are drawn, controls included; Control the share of
	// them that is left alone, 0 to below 1.
	Size    int
	Control float64
	// FixedCost is the campaign's own cost in the project's currency, if known.
	FixedCost entity.Opt[entity.Decimal]
	// Folder and Format say where the lists go, and whether they are csv or xlsx.
	Folder, Format string
	// DryRun draws nothing and says what a draw would be.
	DryRun bool
	// Wait is how long to wait for a run that is under way.
	Wait time.Duration
}

// Draw is a campaign drawn, or about to be.
type Draw struct {
	Name   string
	Again  bool // drawn before: the same customers
	DryRun bool
	AsOf   time.Time
	// Treated and Control are numbers of customers.
	Treated, Control int
	Strata           []DrawStratum
	// BaseRate is the share, 0 to 1, of such customers that is expected to return
	// anyway; Detectable the smallest rate of the treated that the groups would tell
	// from it, NaN where none is enough or there is no control group.
	BaseRate, Detectable float64
	Files                []string
}

// DrawStratum counts the customers of one class and time since the loss.
type DrawStratum struct {
	Class         string `json:"class"`
	RecencyBucket string `json:"recency_bucket"`
	Treated       int    `json:"treated"`
	Control       int    `json:"control"`
}

// DrawError is a mistake in what was asked for.
type DrawError struct{ Problem string }

func (e *DrawError) Error() string { return e.Problem }

var campaignName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}$`)

func (o *DrawOptions) validate(p *Project) error {
	switch {
	case !campaignName.MatchString(o.Name):
		return &DrawError{fmt.Sprintf("%q cannot be the name of a campaign: use letters, digits, '_', '-' and '.', 64 at most", o.Name)}
	case o.Size < 1:
		return &DrawError{"say how many customers to draw: --size 2000"}
	case !(o.Control >= 0 && o.Control < 1):
		return &DrawError{"the control group is a share of those drawn, from 0% to below 100%: --control 10%"}
	case o.Format != "xlsx" && o.Format != "csv":
		return &DrawError{fmt.Sprintf("lists are written as xlsx or csv, not as %q", o.Format)}
	}
	if _, taken := p.Source(CampaignSource); taken {
		return &DrawError{fmt.Sprintf("the source %q in winback.yaml has the name under which drawn campaigns are kept; give it another", CampaignSource)}
	}
	return nil
}

// drawn is a customer of a draw.
type drawn struct {
	customer, class, bucket, channel, offer, manager string
	discount, cost                                   string // decimals; "" for none
	chance                                           float64
	control                                          bool
}

// DrawCampaign draws the best candidates into a treated and a control group, lands
// them as rows of winback.campaigns and winback.touches, brings the models up to date
// and writes both lists. A name that was drawn before gives the same customers again.
// Errors: *DrawError, *warehouse.HeldError, those of the landing zone and the run.
func (p *Project) DrawCampaign(ctx context.Context, o DrawOptions) (Draw, error) {
	d := Draw{Name: o.Name, AsOf: p.AsOf(), DryRun: o.DryRun, BaseRate: math.NaN(), Detectable: math.NaN()}
	if err := o.validate(p); err != nil {
		return d, err
	}
	if o.DryRun {
		return d, p.draw(ctx, o, &d)
	}
	if err := p.drawLocked(ctx, o, &d); err != nil {
		return d, err
	}
	if err := p.rememberDraw(ctx, o); err != nil {
		return d, err
	}
	if d.Again {
		if err := p.recallDraw(ctx, &d); err != nil {
			return d, err
		}
	}
	return d, p.writeDrawLists(ctx, o, &d)
}

// drawLocked draws while nobody else does: two draws of one list would have the same
// customers.
func (p *Project) drawLocked(ctx context.Context, o DrawOptions, d *Draw) (err error) {
	lock, err := p.lock(ctx, o.Wait)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.unlock()) }()
	return p.draw(ctx, o, d)
}

// draw chooses the customers and lands them; a name that was drawn before keeps its own.
func (p *Project) draw(ctx context.Context, o DrawOptions, d *Draw) error {
	last, err := p.Zone.LastRead(CampaignSource, drawDataset(o.Name).Name)
	if err != nil {
		return fmt.Errorf("look for an earlier draw of %s: %w", o.Name, err)
	}
	if d.Again = !last.IsZero(); d.Again {
		if o.DryRun {
			return p.recallDraw(ctx, d)
		}
		return nil
	}
	customers, err := p.chooseForCampaign(ctx, o)
	if err != nil {
		return err
	}
	d.count(customers)
	if o.DryRun {
		return nil
	}
	return p.landDraw(ctx, o, customers)
}

func drawDataset(name string) connectors.Dataset {
	return connectors.Dataset{Name: "campaign-" + name, Entities: []*entity.Schema{entity.Of[entity.Campaign](), entity.Of[entity.Touch]()}}
}

// drawQuery puts the best candidates in the order of class, time since the loss and
// a hash of customer and campaign, and takes every so many of them as a control,
// beginning at a place that the campaign's name decides. So each class and time gives
// its share, to one customer, and nobody chose whom.
const drawQuery = `
select customer_key, class, recency_bucket, coalesce(channel, ''), coalesce(offer, ''), coalesce(manager_id, ''),
    coalesce(toString(discount_pct), ''), coalesce(toString(touch_cost), ''), coalesce(p_return, nan),
    floor(place * share + beginning) > floor((place - 1) * share + beginning) as is_control
from (
    select *, toFloat64(?) as share, sipHash64(?) % 1000003 / 1000003 as beginning,
        row_number() over (order by class, recency_bucket, sipHash64(?, customer_key), customer_key) as place
    from (select * from mart.winback_candidates where is_eligible order by priority limit ?)
)
order by place`

// chooseForCampaign draws, and writes nothing down.
func (p *Project) chooseForCampaign(ctx context.Context, o DrawOptions) (customers []drawn, err error) {
	w, err := p.OpenWarehouse(ctx, warehouse.ForQuery)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if problem, err := p.staleList(ctx, w); err != nil {
		return nil, err
	} else if problem != "" {
		return nil, &DrawError{problem}
	}
	rows, err := w.Query(ctx, drawQuery, o.Control, o.Name, o.Name, o.Size)
	if err != nil {
		return nil, fmt.Errorf("draw from mart.winback_candidates (winback run builds it): %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c drawn
		var control uint8
		if err := rows.Scan(&c.customer, &c.class, &c.bucket, &c.channel, &c.offer, &c.manager, &c.discount, &c.cost, &c.chance, &control); err != nil {
			return nil, fmt.Errorf("read the candidates: %w", err)
		}
		c.control = control == 1
		customers = append(customers, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the candidates: %w", err)
	}
	if len(customers) == 0 {
		return nil, &DrawError{"nobody can be drawn: mart.winback_candidates has no customer to contact; its not_eligible_reason says why"}
	}
	return customers, nil
}

// staleList says why nobody is to be contacted by mart.winback_candidates as it is,
// empty if all is well: a list of another day than the one the project describes, or
// from before the last draw, has customers who were contacted since, or are a control.
func (p *Project) staleList(ctx context.Context, w *warehouse.Warehouse) (problem string, err error) {
	var day, built time.Time
	err = w.QueryRow(ctx, "select max(as_of), max(built_at) from ops.models final where relation = 'mart.winback_candidates'").Scan(&day, &built)
	if err != nil {
		return "", fmt.Errorf("look of which day mart.winback_candidates is (winback run builds it): %w", err)
	}
	drawn, err := p.Zone.LastRead(CampaignSource, "")
	if err != nil {
		return "", fmt.Errorf("look for the last draw: %w", err)
	}
	why, today := "", p.AsOf().Format(time.DateOnly)
	switch {
	case day.Unix() <= 0:
		why = fmt.Sprintf("was not made yet, not of %s", today)
	case day.Format(time.DateOnly) != today:
		why = fmt.Sprintf("is of %s, not of %s", day.Format(time.DateOnly), today)
	case built.Before(drawn):
		why = "is older than the last draw of a campaign"
	default:
		return "", nil
	}
	return fmt.Sprintf("the list of candidates %s: winback run makes it anew (with models.only, name winback_candidates there)", why), nil
}

// count sums the groups up and says what difference they can show.
func (d *Draw) count(customers []drawn) {
	at, chances, known := map[[2]string]int{}, 0.0, 0
	for _, c := range customers {
		key := [2]string{c.class, c.bucket}
		i, ok := at[key]
		if !ok {
			i = len(d.Strata)
			at[key] = i
			d.Strata = append(d.Strata, DrawStratum{Class: c.class, RecencyBucket: c.bucket})
		}
		if c.control {
			d.Control++
			d.Strata[i].Control++
		} else {
			d.Treated++
			d.Strata[i].Treated++
		}
		if !math.IsNaN(c.chance) {
			chances += c.chance
			known++
		}
	}
	if known > 0 {
		d.BaseRate = chances / float64(known)
		d.Detectable = stats.UsualPower.DetectableRate(d.BaseRate, float64(d.Treated), float64(d.Control))
	}
}

// landDraw writes the campaign and its customers into the landing zone, in one commit.
func (p *Project) landDraw(ctx context.Context, o DrawOptions, customers []drawn) error {
	now := p.now()
	info := landing.RunInfo{RunID: newRunID(now), Source: CampaignSource, ExtractedAt: now}
	w, err := p.Zone.Begin(ctx, info, drawDataset(o.Name), landing.Options{PartBytes: int(p.Config.Landing.PartSize)})
	if err != nil {
		return fmt.Errorf("remember the draw: %w", err)
	}
	if err := p.writeDraw(ctx, w, o, customers); err != nil {
		return errors.Join(fmt.Errorf("remember the draw: %w", err), w.Abort())
	}
	if _, err := w.Commit(ctx, nil); err != nil {
		return fmt.Errorf("remember the draw: %w", err)
	}
	return nil
}

func (p *Project) writeDraw(ctx context.Context, w *landing.Writer, o DrawOptions, customers []drawn) error {
	at := p.endOfDay()
	payload, err := json.Marshal(map[string]float64{"control_pct": 100 * o.Control})
	if err != nil {
		return err
	}
	campaigns, touches := w.NewBatch(entity.Of[entity.Campaign]()), w.NewBatch(entity.Of[entity.Touch]())
	campaign := entity.Campaign{
		Meta: entity.Meta{Payload: string(payload)}, ID: o.Name, Name: o.Name, StartedAt: entity.Some(entity.TimeOf(at)),
		Currency: p.Config.Currency, FixedCost: o.FixedCost,
		AttributionDays: entity.Some(int64(p.Config.Winback.AttributionDays)), HorizonDays: entity.Some(int64(p.Config.Winback.HorizonDays)),
	}
	if err := entity.Append(campaigns, &campaign, entity.Origin{}); err != nil {
		return err
	}
	if err := w.Write(ctx, campaigns); err != nil {
		return err
	}
	for i := range customers {
		touch, err := customers[i].touch(o.Name, at)
		if err != nil {
			return err
		}
		if err := entity.Append(touches, touch, entity.Origin{Line: int64(i + 1)}); err != nil {
			return err
		}
		if touches.Full() {
			if err := w.Write(ctx, touches); err != nil {
				return err
			}
			touches = w.NewBatch(entity.Of[entity.Touch]())
		}
	}
	return w.Write(ctx, touches)
}

// endOfDay is the last second of the day that the candidates are of, so that the
// models of that day know of the draw, and every later order comes after it.
func (p *Project) endOfDay() time.Time {
	day := p.AsOf()
	return time.Date(day.Year(), day.Month(), day.Day(), 23, 59, 59, 0, p.Config.Location)
}

// touch is the row of a customer: what would be offered to a control too, so that
// both groups can be told apart by it, but nothing that costs.
func (c *drawn) touch(campaign string, at time.Time) (*entity.Touch, error) {
	t := &entity.Touch{
		ID: campaign + ":" + c.customer, CampaignID: campaign, CustomerID: c.customer, At: entity.Some(entity.TimeOf(at)),
		Channel: c.channel, Offer: c.offer, IsControl: entity.Some(c.control),
	}
	if c.discount != "" {
		discount, err := entity.ParseDecimal(c.discount)
		if err != nil {
			return nil, err
		}
		t.DiscountPct = entity.Some(discount)
	}
	if c.control {
		return t, nil
	}
	t.ManagerID = c.manager
	if c.cost != "" {
		cost, err := entity.ParseDecimal(c.cost)
		if err != nil {
			return nil, err
		}
		t.Cost = entity.Some(cost)
	}
	return t, nil
}

// rememberDraw loads what was landed and builds the models that a draw concerns, so
// that the next list leaves its customers alone.
func (p *Project) rememberDraw(ctx context.Context, o DrawOptions) error {
	s, err := p.Run(ctx, RunOptions{Only: []string{"int_record_owners", "int_touch_states+"}, Wait: o.Wait, as: "campaigns draw " + o.Name})
	if err != nil {
		return fmt.Errorf("the draw is kept, but the models do not know it yet (winback run tells them): %w", err)
	}
	// Warnings and notes are of the data and of other tables, and every run tells them.
	problems := slices.DeleteFunc(s.Problems, func(text string) bool {
		return strings.HasPrefix(text, "warning: ") || strings.HasPrefix(text, "note: ")
	})
	if len(problems) > 0 {
		return fmt.Errorf("the draw is kept, but the models do not know all of it yet (winback run tells them): %s", strings.Join(problems, "; "))
	}
	return nil
}

// recallDraw reads the groups of an earlier draw.
func (p *Project) recallDraw(ctx context.Context, d *Draw) (err error) {
	w, err := p.OpenWarehouse(ctx, warehouse.ForQuery)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	var treated, control uint64
	row := w.QueryRow(ctx, "select countIf(not is_control), countIf(is_control) from staging.int_touches where source = ? and campaign_id = ?", CampaignSource, d.Name)
	if err := row.Scan(&treated, &control); err != nil {
		return fmt.Errorf("read the draw of %s: %w", d.Name, err)
	}
	d.Treated, d.Control = int(treated), int(control)
	return nil
}

// drawList is the query of one list, for a group.
const drawList = `select customers.customer_key as customer_key, customers.name as name, customers.phones[1] as phone, customers.emails[1] as email,
    touches.channel as channel, touches.offer as offer, touches.discount_pct as discount_pct, touches.manager_id as manager_id, customers.segment as segment,
    touches.recency_bucket as recency_bucket, touches.reason_category as reason_category, customers.last_order_on as last_order_on,
    customers.revenue / nullIf(customers.orders, 0) as average_check, customers.revenue_12m as revenue_12m, customers.preferences as preferences, customers.dislikes as dislikes
from staging.int_touches as touches
inner join staging.int_customers_today as customers on customers.customer_key = touches.customer_key
where touches.source = '%s' and touches.campaign_id = '%s' and %s
order by touches.manager_id, customers.customer_key`

func (p *Project) writeDrawLists(ctx context.Context, o DrawOptions, d *Draw) error {
	for _, group := range []struct{ name, where string }{{"treated", "not touches.is_control"}, {"control", "touches.is_control"}} {
		file := filepath.Join(o.Folder, o.Name+"-"+group.name+"."+o.Format)
		if _, err := p.Export(ctx, ExportOptions{From: fmt.Sprintf(drawList, CampaignSource, o.Name, group.where), To: file}); err != nil {
			return fmt.Errorf("write the list %s (the draw is kept; the same command writes it again): %w", file, err)
		}
		d.Files = append(d.Files, file)
	}
	return nil
}
