package pipelines

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"winback/connectors/entity"
)

func TestDraw_CountsAndWhatItCanShow(t *testing.T) {
	var customers []drawn
	for i := range 4000 {
		customers = append(customers, drawn{class: []string{"A", "B"}[i%2], bucket: "0-30", chance: 0.05, control: i < 2000})
	}
	customers = append(customers, drawn{class: "C", bucket: "360+", chance: math.NaN()})
	var d Draw
	d.count(customers)
	want := []DrawStratum{{"A", "0-30", 1000, 1000}, {"B", "0-30", 1000, 1000}, {"C", "360+", 1, 0}}
	if diff := cmp.Diff(want, d.Strata); diff != "" || d.Treated != 2001 || d.Control != 2000 {
		t.Errorf("%d treated, %d controls, %s", d.Treated, d.Control, diff)
	}
	// 0.05 against 0.07 needs 2,213 in each group, so 2,000 tell a little more apart.
	if math.Abs(d.BaseRate-0.05) > 1e-9 || d.Detectable < 0.070 || d.Detectable > 0.072 {
		t.Errorf("of %.4f it tells %.4f", d.BaseRate, d.Detectable)
	}

	var alone Draw
	alone.count([]drawn{{class: "A", bucket: "0-30", chance: 0.1}})
	if !math.IsNaN(alone.Detectable) {
		t.Errorf("without a control group it tells %v", alone.Detectable)
	}
}

// A control costs nothing and is nobody's task, but is told apart by the same offer.
func TestDraw_TouchOfAControl(t *testing.T) {
	at := time.Date(2024, 9, 30, 23, 59, 59, 0, time.UTC)
	c := drawn{customer: "c1", channel: "phone", offer: "gift", manager: "m1", discount: "10", cost: "3.5"}
	treated, err := c.touch("spring", at)
	if err != nil {
		t.Fatal(err)
	}
	c.control = true
	control, err := c.touch("spring", at)
	if err != nil {
		t.Fatal(err)
	}
	ten, _ := entity.ParseDecimal("10")
	cost, _ := entity.ParseDecimal("3.5")
	want := entity.Touch{
		ID: "spring:c1", CampaignID: "spring", CustomerID: "c1", At: entity.Some(entity.TimeOf(at)), Channel: "phone", Offer: "gift",
		DiscountPct: entity.Some(ten), IsControl: entity.Some(false), ManagerID: "m1", Cost: entity.Some(cost),
	}
	if diff := cmp.Diff(want, *treated); diff != "" {
		t.Errorf("treated: %s", diff)
	}
	want.IsControl, want.ManagerID, want.Cost = entity.Some(true), "", entity.Opt[entity.Decimal]{}
	if diff := cmp.Diff(want, *control); diff != "" {
		t.Errorf("control: %s", diff)
	}
	c.discount = "ten"
	if _, err := c.touch("spring", at); err == nil {
		t.Error("a discount that is no number is taken")
	}
}

func TestDrawOptions_Mistakes(t *testing.T) {
	good := DrawOptions{Name: "spring-24", Size: 10, Control: 0.1, Format: "csv"}
	p := &Project{}
	if err := good.validate(p); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*DrawOptions){
		"a name that is no file's": func(o *DrawOptions) { o.Name = "../spring" },
		"a quote in the name":      func(o *DrawOptions) { o.Name = "spring'" },
		"nobody":                   func(o *DrawOptions) { o.Size = 0 },
		"all of them controls":     func(o *DrawOptions) { o.Control = 1 },
		"less than none":           func(o *DrawOptions) { o.Control = -0.1 },
		"another format":           func(o *DrawOptions) { o.Format = "pdf" },
	} {
		o := good
		change(&o)
		if err := o.validate(p); !errors.As(err, new(*DrawError)) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	taken := &Project{Sources: []Source{{Name: CampaignSource}}}
	if err := good.validate(taken); !errors.As(err, new(*DrawError)) {
		t.Errorf("a source of that name: got %v", err)
	}
}
