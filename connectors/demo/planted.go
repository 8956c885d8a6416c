package demo

import (
	"slices"
	"time"
)

// pressure drives customers away for some time.
type pressure struct {
	from, until int   // days
	extra       int64 // added to the usual hazard, in percent of it
	cause       cause
	event       int // index into the world's events, -1 for none
}

// planEvents lays the events of the company's history, in the order of time. A history
// of less than a year has a shop that opens and a price rise. What drives the same
// customers away lies so far apart that the three months before an event are over what came
// before: churn before and after could not tell one from the other else.
func (w *world) planEvents(months int) {
	w.badFrom, w.badTo = 0, -1
	w.riseDay = w.monthStart((months*16 + 23) / 24)
	w.events = []PlantedEvent{
		{day: 0, Kind: "other", Title: "The web shop opens"},
		{day: w.riseDay, lasts: 30, Kind: "price", Title: "List prices up by 7 %", cause: causePrice,
			HazardFactor: map[string]float64{"private": 6, "small_firm": 8, "wholesale": 8}},
	}
	if months >= 12 {
		first := months * 9 / 24
		w.badFrom, w.badTo = w.monthStart(first), w.monthStart(first+3)-1
		worse := map[string]float64{}
		for _, s := range segments {
			worse[s.name] = float64(s.badQuarter) / 100
		}
		w.events = append(w.events,
			PlantedEvent{day: w.badFrom, lasts: w.badTo - w.badFrom + 1, Kind: "supplier", HazardFactor: worse, cause: causeDelivery,
				Title: "Новый перевозчик / carrier changed, deliveries late for a quarter"},
			PlantedEvent{day: w.monthStart(months * 7 / 24), Kind: "assortment", Segment: "wholesale", Title: "Two brands of tea withdrawn"},
			PlantedEvent{day: w.monthStart(months * 21 / 24), lasts: 60, Kind: "it", Segment: "private", cause: causeTechnical,
				HazardFactor: map[string]float64{"private": 6.5}, Title: "Shop moved to another platform, accounts and baskets lost / переезд на новую платформу"})
	}
	for i := range managers {
		if m := &managers[i]; m.stayed < 100 && months >= 12 {
			w.events = append(w.events, PlantedEvent{
				day: m.left(w), lasts: 75, Kind: "staff", Segment: m.segment(), cause: causeManagerChanged, manager: i + 1, CustomersOf: m.id,
				HazardFactor: map[string]float64{m.segment(): 6}, Title: "Уволился менеджер " + m.name + " / manager left",
			})
		}
	}
	w.dateEvents()
}

// dateEvents numbers the events and says when they were.
func (w *world) dateEvents() {
	slices.SortStableFunc(w.events, func(a, b PlantedEvent) int { return a.day - b.day })
	for i := range w.events {
		e := &w.events[i]
		if e.Kind == "supplier" {
			w.carrierEvent = i
		}
		e.ID = string(appendInt([]byte{'E'}, i+1))
		e.Day = w.start.AddDate(0, 0, e.day).Format(time.DateOnly)
		if e.lasts > 0 {
			e.Until = w.start.AddDate(0, 0, e.day+e.lasts-1).Format(time.DateOnly)
		}
	}
	for s := range segments {
		var list []pressure
		for i, e := range w.events {
			if factor := e.HazardFactor[segments[s].name]; factor > 0 && e.manager == 0 {
				list = append(list, e.pressure(i, factor))
			}
		}
		w.pressures = append(w.pressures, list)
	}
}

func (e *PlantedEvent) pressure(index int, factor float64) pressure {
	return pressure{from: e.day, until: e.day + e.lasts - 1, extra: int64(factor*100+0.5) - 100, cause: e.cause, event: index}
}

// pressuresOn returns what drives a customer away at times: what drives all away,
// the departure of the customer's manager, and a manager whom nobody likes. Those
// whom the company does not know come and go as they like.
func (w *world) pressuresOn(c *customer) []pressure {
	usual := w.pressures[c.segment]
	if !c.inCRM {
		return nil
	}
	if !c.isFirm() {
		return usual
	}
	list := usual[:len(usual):len(usual)]
	for i := range w.events {
		e := &w.events[i]
		if e.manager == 0 || e.Segment != segments[c.segment].name || e.day <= c.day {
			continue
		}
		if managerOf(c, e.day-1, w) == e.manager-1 {
			list = append(list, e.pressure(i, e.HazardFactor[e.Segment]))
		}
	}
	for i := range managers {
		if worse := managers[i].worse; worse > 0 && managerOf(c, c.day, w) == i {
			list = append(list, pressure{from: 0, until: never, extra: worse, cause: causeStaff, event: -1})
		}
	}
	return list
}

// eventsSoFar are those of the history's days.
func (w *world) eventsSoFar() []PlantedEvent {
	upTo := len(w.events)
	for upTo > 0 && w.events[upTo-1].day > w.lastDay {
		upTo--
	}
	list := slices.Clone(w.events[:upTo])
	for i := range list {
		if list[i].lasts > 0 {
			list[i].Until = w.dayText(min(list[i].day+list[i].lasts-1, w.lastDay))
		}
	}
	return list
}
