package demo

import "winback/connectors/entity"

// campaign is an effort to win back those who left. Its true effect is how many
// of 10,000 who are contacted return because of it.
type campaign struct {
	id, name, channel, offer string
	discount                 int
	coupon                   string
	place                    int // in the history, of 240
	effect                   int
	touchCost                entity.Decimal
	fixedCost                entity.Decimal
	day                      int // first one
}

// campaignPlans are the company's campaigns: one of them does nothing at all.
var campaignPlans = []campaign{
	{id: "WB1", name: "E-mail: 10 % for coming back", channel: "email", offer: "discount", discount: 10, coupon: "BACK10", place: 95, effect: 700, touchCost: 5, fixedCost: 12_000},
	{id: "WB2", name: "SMS: мы скучаем / we miss you", channel: "sms", offer: "none", place: 125, effect: 0, touchCost: 8, fixedCost: 5_000},
	{id: "WB3", name: "Звонок: исправим ошибку + 15 %", channel: "phone", offer: "fix and discount", discount: 15, coupon: "BACK15", place: 150, effect: 1_900, touchCost: 250, fixedCost: 20_000},
	{id: "WB4", name: "Letter from the director with a gift", channel: "letter", offer: "gift", place: 180, effect: 1_300, touchCost: 420, fixedCost: 30_000},
	{id: "WB5", name: "E-mail: free delivery", channel: "email", offer: "free delivery", place: 210, effect: 500, touchCost: 5, fixedCost: 8_000},
}

const (
	attributionDays = 30
	horizonDays     = 90
	campaignDays    = 6
	// Of 10,000 who left at most lostAtMost days ago.
	isChosen    = 8_500
	isInControl = 3_000
	lostAtMost  = 400
)

// layCampaigns says when campaigns are; a short history has none.
func (w *world) layCampaigns() {
	if w.months < 9 {
		return
	}
	w.campaigns = append(w.campaigns, campaignPlans...)
	for i := range w.campaigns {
		tenths := w.months * w.campaigns[i].place / 24
		w.campaigns[i].day = w.monthStart(tenths/10) + 3*(tenths%10)
	}
}

// touch is what a campaign does with one customer.
type touch struct {
	campaign  int
	second    int
	isChosen  bool
	isControl bool
	works     bool // the customer will return because of it
	back      int  // day of that
	d         dice // for the rest of the row
}

// touchOf draws what a campaign would do with a customer.
func (w *world) touchOf(customer, campaign int) touch {
	t := touch{campaign: campaign}
	t.d.start(w.seed, streamCampaign, uint64(customer), uint64(campaign))
	c := &w.campaigns[campaign]
	day := c.day + t.d.below(campaignDays)
	t.second = day*86_400 + t.d.between(10*3_600, 17*3_600)
	t.isChosen, t.isControl = t.d.chance(isChosen), t.d.chance(isInControl)
	t.works = t.d.chance(c.effect) && !t.isControl
	t.back = day + t.d.between(1, 24)
	return t
}

func (t *touch) day() int { return t.second / 86_400 }

// reaches says whether a customer is written to after a departure.
func (t *touch) reaches(leave *departure) bool {
	return t.isChosen && t.day() > leave.loss && t.day() < leave.loss+lostAtMost && t.day() < leave.back
}

// wonBack returns the touch that brings a customer back from a departure, if one
// does before the day on which the customer would return anyway.
func (p *player) wonBack(leave *departure) (touch, bool) {
	if !p.c.inCRM {
		return touch{}, false
	}
	for i := range p.w.campaigns {
		t := p.w.touchOf(p.c.index, i)
		if t.reaches(leave) && t.works && t.back < leave.back {
			return t, true
		}
	}
	return touch{}, false
}

var (
	campaignHeader = []string{"id", "name", "channel", "offer", "discount", "started", "ended", "fixed_cost", "attribution_days", "horizon_days"}
	touchHeader    = []string{
		"Касание", "Кампания", "Клиент", "E-mail", "Телефон", "Когда", "Канал", "Предложение", "Скидка", "Купон", "Стоимость", "Контроль",
		"Менеджер", "Доставлено", "Открыто", "Переход", "Ответ", "Итог", "Причина",
	}
)

func writeCampaigns(w *world, files *fileSet) error {
	t, err := files.create(dataDir+"/campaigns.csv", shopFormat(campaignHeader...))
	if err != nil {
		return err
	}
	for i := range w.campaigns {
		c := &w.campaigns[i]
		if c.day > w.lastDay {
			continue
		}
		t.plain(c.id)
		t.text(c.name)
		t.plain(c.channel)
		t.plain(c.offer)
		t.integer(c.discount)
		t.plain(w.dayText(c.day))
		if end := c.day + campaignDays; end <= w.lastDay {
			t.plain(w.dayText(end))
		} else {
			t.null()
		}
		t.money(c.fixedCost * cent)
		t.integer(attributionDays)
		t.integer(horizonDays)
		t.endRow()
	}
	return files.finish(t)
}

// outreach writes the touches of campaigns.
type outreach struct {
	w     *world
	t     *table
	count []CampaignTruth
}

func newOutreach(w *world, files *fileSet, count *tally) (*outreach, error) {
	t, err := files.create(dataDir+"/touches.csv", officeFormat(touchHeader...))
	return &outreach{w: w, t: t, count: count.campaigns}, err
}

func (o *outreach) customer(c *customer, l *life) {
	if !c.inCRM {
		return
	}
	for i := range l.departures {
		leave := &l.departures[i]
		for k := range o.w.campaigns {
			if t := o.w.touchOf(c.index, k); t.reaches(leave) && t.day() <= o.w.lastDay {
				o.write(c, leave, &t)
				o.count[k].add(&t, leave, o.w.lastDay)
			}
		}
	}
}

func (o *outreach) write(c *customer, leave *departure, at *touch) {
	t, w, plan := o.t, o.w, &o.w.campaigns[at.campaign]
	t.field()
	t.row = appendInt(append(append(t.row, plan.id...), '-'), c.crmID())
	t.plain(plan.id)
	t.integer(c.crmID())
	t.field()
	if plan.channel == "email" {
		t.row = c.appendEmail(t.row)
	}
	t.field()
	if plan.channel == "phone" || plan.channel == "sms" {
		t.row = c.appendPhone(t.row, 1)
	}
	t.clock(w.dayText(at.day()), at.second%86_400)
	t.plain(plan.channel)
	if at.isControl {
		for range 4 {
			t.null()
		}
		t.plain("да")
		for range 7 {
			t.null()
		}
		t.endRow()
		return
	}
	t.plain(plan.offer)
	t.integer(plan.discount)
	t.plain(plan.coupon)
	t.money(plan.touchCost * cent)
	t.plain("нет")
	o.writeAnswer(c, leave, at)
	t.endRow()
}

// writeAnswer writes who made contact and how the customer took it.
func (o *outreach) writeAnswer(c *customer, leave *departure, at *touch) {
	t, d, channel := o.t, &at.d, o.w.campaigns[at.campaign].channel
	if channel == "phone" {
		t.plain(managers[managerOf(c, min(at.day(), o.w.lastDay), o.w)].id)
	} else {
		t.null()
	}
	isDelivered := d.chance(9_500)
	isOpened := isDelivered && (at.works || d.chance(3_600)) && channel == "email"
	isClicked := isOpened && (at.works || d.chance(1_500))
	for i, is := range []bool{isDelivered, isOpened, isClicked, at.works && channel == "phone"} {
		if then := at.second + i*i*d.between(60, 3_000); is && then/86_400 <= o.w.lastDay {
			t.clock(o.w.dayText(then/86_400), then%86_400)
		} else {
			t.null()
		}
	}
	if channel != "phone" {
		t.null()
		t.null()
		return
	}
	switch {
	case at.works:
		t.plain("согласен")
		t.null()
	case d.chance(3_500):
		t.plain("не дозвонились")
		t.null()
	default:
		t.plain("отказ")
		t.text(drawReason(d, drawStated(d, leave.cause), c.language).text)
	}
}

// CampaignTruth is what a campaign did. Returned are those who bought within the
// attribution window, whatever made them; Caused are those who would not have.
type CampaignTruth struct {
	ID              string  `json:"id"`
	Name            string  `json:"name"`
	Channel         string  `json:"channel"`
	Day             string  `json:"day"`
	PlantedPP       float64 `json:"planted_effect_pp"`
	Treated         int     `json:"treated"`
	Control         int     `json:"control"`
	TreatedReturned int     `json:"treated_returned"`
	ControlReturned int     `json:"control_returned"`
	Caused          int     `json:"caused_returns"`
	UpliftPP        float64 `json:"uplift_pp"`      // as the two groups show it
	TrueUpliftPP    float64 `json:"true_uplift_pp"` // caused, of the treated
	IsOver          bool    `json:"is_window_over"`
}

func newCampaignTruths(w *world) []CampaignTruth {
	rows := make([]CampaignTruth, len(w.campaigns))
	for i, c := range w.campaigns {
		rows[i] = CampaignTruth{ID: c.id, Name: c.name, Channel: c.channel, Day: w.start.AddDate(0, 0, c.day).Format("2006-01-02"), PlantedPP: float64(c.effect) / 100}
		rows[i].IsOver = c.day+campaignDays+attributionDays <= w.lastDay
	}
	return rows
}

func (r *CampaignTruth) add(t *touch, leave *departure, lastDay int) {
	isBack := leave.back <= t.day()+attributionDays && leave.back <= lastDay
	if t.isControl {
		r.Control++
		if isBack {
			r.ControlReturned++
		}
		return
	}
	r.Treated++
	if isBack {
		r.TreatedReturned++
		if leave.wonBy == t.campaign+1 {
			r.Caused++
		}
	}
}

// campaignTruths returns the campaigns that have begun.
func (t *tally) campaignTruths() []CampaignTruth {
	rows := []CampaignTruth{}
	for i, r := range t.campaigns {
		if t.w.campaigns[i].day > t.w.lastDay {
			continue
		}
		r.UpliftPP = round4(pct(r.TreatedReturned, r.Treated) - pct(r.ControlReturned, r.Control))
		r.TrueUpliftPP = pct(r.Caused, r.Treated)
		rows = append(rows, r)
	}
	return rows
}
