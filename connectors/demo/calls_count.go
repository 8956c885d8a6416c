package demo

// callCount adds up the calls of the service line.
type callCount struct {
	truth CallsTruth
	leaks [leakKinds]LeakTruth
}

// CallsTruth is what the call centre did.
type CallsTruth struct {
	ServiceCalls  int `json:"service_calls"`      // of the service line, in both directions
	Inbound       int `json:"inbound"`            //
	Abandoned     int `json:"abandoned"`          // of those
	InTime        int `json:"answered_within_20"` // seconds, of those
	Promises      int `json:"callbacks_promised"` //
	CallbacksMade int `json:"callbacks_made"`     // on time or late
	OrderCalls    int `json:"order_line_calls"`   // of the exchange
	OrderLost     int `json:"order_line_abandoned"`
	// Leaks have the calls that lose customers; WorstLeak is the one that lost
	// most of them.
	Leaks     []LeakTruth `json:"leaks"`
	WorstLeak string      `json:"worst_leak"`
}

// LeakTruth is a kind of calls that loses customers.
type LeakTruth struct {
	Leak      string  `json:"leak"`
	Calls     int     `json:"calls"`
	Customers int     `json:"customers"`
	LeavePct  float64 `json:"leave_pct"`          // planted chance to leave because of one
	Left      int     `json:"left_because_of_it"` // by the end of the history
}

func (t *tally) call(o *call) {
	c := &t.calls
	c.truth.ServiceCalls++
	switch {
	case o.outbound:
	case o.state() == callGivenUp:
		c.truth.Inbound++
		c.truth.Abandoned++
	default:
		c.truth.Inbound++
		if o.waited <= 20 {
			c.truth.InTime++
		}
	}
	switch o.state() {
	case callPromised:
		c.truth.Promises++
	case callBack:
		c.truth.CallbacksMade++
	}
}

// customer counts a customer's calls that lose customers, and the departures that they
// brought on. A promise that is not due yet is not broken.
func (c *callCount) customer(w *world, l *life) {
	var had [leakKinds]bool
	for _, e := range l.calls {
		wrong := e.leak()
		if wrong == noLeak || wrong == leakCallback && int(e.second)+promiseWithin >= w.days()*86_400 {
			continue
		}
		c.leaks[wrong].Calls++
		if !had[wrong] {
			had[wrong] = true
			c.leaks[wrong].Customers++
		}
	}
	for i := range l.departures {
		if wrong := l.departures[i].leak; wrong != noLeak {
			c.leaks[wrong].Left++
		}
	}
}

func (c *callCount) result() CallsTruth {
	t := c.truth
	most := -1
	for i := 1; i < len(leaks); i++ {
		row := c.leaks[i]
		row.Leak, row.LeavePct = leaks[i].name, float64(leaks[i].leave)/100
		t.Leaks = append(t.Leaks, row)
		if row.Left > most {
			most, t.WorstLeak = row.Left, row.Leak
		}
	}
	return t
}
