package hubspot

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"winback/connectors"
	"winback/connectors/restapi"
)

// facts are what the whole source goes by.
type facts struct {
	portal   string
	currency string
	zone     *time.Location
	ahead    time.Duration // of the server's clock before ours
	// stages are open, won or lost, by id.
	stages    map[string]string
	pipelines []json.RawMessage
}

// words are what an extraction makes rows with.
type words struct {
	labels       map[string]labels // by object
	dispositions map[string]string // what the results of calls are called
	noLines      bool              // line items are closed to the token
}

// labels are what people see of the values of a property, by property and value.
type labels map[string]map[string]string

// known asks for the account and its pipelines, once.
func (s *source) known(ctx context.Context) (*facts, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.facts != nil {
		return s.facts, nil
	}
	f := &facts{currency: s.env.Currency, zone: s.env.Location, stages: map[string]string{}}
	if f.zone == nil {
		f.zone = time.UTC
	}
	if err := s.account(ctx, f); err != nil {
		return nil, err
	}
	got, answer, err := get[page](ctx, s, restapi.Request{What: "pipelines of deals", Path: "crm/v3/pipelines/deals"})
	if err != nil {
		return nil, err
	}
	f.ahead = answer.At.Sub(s.client.Clock().Now())
	f.pipelines = got.Results
	for _, raw := range got.Results {
		var p pipeline
		if err := json.Unmarshal(raw, &p); err != nil {
			continue // told when pipelines are read
		}
		for _, st := range p.Stages {
			f.stages[st.ID] = st.kind()
		}
	}
	s.facts = f
	return f, nil
}

// account asks for currency and time zone; where the token may not know them the
// project's stand.
func (s *source) account(ctx context.Context, f *facts) error {
	type answer struct {
		Portal   json.Number `json:"portalId"`
		Zone     string      `json:"timeZone"`
		Currency string      `json:"companyCurrency"`
	}
	got, _, err := get[answer](ctx, s, restapi.Request{What: "the account", Path: "account-info/v3/details"})
	if closed(err) {
		return nil
	}
	if err != nil {
		return err
	}
	f.portal = got.Portal.String()
	if got.Currency != "" {
		f.currency = got.Currency
	}
	if zone, err := time.LoadLocation(got.Zone); err == nil && got.Zone != "" {
		f.zone = zone
	}
	return nil
}

// closed says that the token may not ask for something, or that there is no such
// thing in the account.
func closed(err error) bool {
	status := restapi.StatusOf(err)
	return status == 403 || status == 404
}

type pipeline struct {
	ID     string  `json:"id"`
	Stages []stage `json:"stages"`
}

type stage struct {
	ID       string `json:"id"`
	Metadata struct {
		Probability string `json:"probability"`
		Closed      string `json:"isClosed"`
	} `json:"metadata"`
}

// kind of a stage: won is certain, lost is closed with no chance left.
func (st stage) kind() string {
	switch probability := strings.TrimRight(st.Metadata.Probability, "0"); {
	case probability == "1." || st.Metadata.Probability == "1":
		return "won"
	case st.Metadata.Closed == "true" && (probability == "." || probability == "" || probability == "0."):
		return "lost"
	}
	return "open"
}

// catalogue reads what properties an object has and what their values are called,
// and says which of the configured ones there are not.
func (x *extraction) catalogue(ctx context.Context, o *object) error {
	if len(x.configured(o)) == 0 && o.name != tickets.name {
		return nil
	}
	type property struct {
		Name    string `json:"name"`
		Options []struct {
			Label string `json:"label"`
			Value string `json:"value"`
		} `json:"options"`
	}
	type answer struct {
		Results []property `json:"results"`
	}
	got, _, err := get[answer](ctx, x.source, restapi.Request{
		What: "the properties of " + o.name, Path: "crm/v3/properties/" + o.name, Query: url.Values{"archived": {"false"}},
	})
	if closed(err) {
		x.tellPartial(o.name, "the properties of "+o.name+" may not be listed, so their values come as they are stored; the scope crm.schemas."+o.name+".read gives them their names")
		return nil
	}
	if err != nil {
		return err
	}
	all := labels{}
	for _, p := range got.Results {
		all[p.Name] = map[string]string{}
		for _, option := range p.Options {
			all[p.Name][option.Value] = option.Label
		}
	}
	x.labels[o.name] = all
	for _, name := range x.configured(o) {
		if all[name] == nil {
			x.tellPartial(o.name, o.name+" have no property "+name+", which the configuration names")
		}
	}
	return nil
}

func (x *extraction) tellPartial(input, text string) {
	x.req.Tell(connectors.Notice{Kind: connectors.NoticePartial, Inputs: []string{input}, Count: 1, Text: text})
}

// outcomes reads what the account calls the results of calls.
func (x *extraction) outcomes(ctx context.Context) error {
	type disposition struct {
		ID    string `json:"id"`
		Label string `json:"label"`
	}
	got, _, err := get[[]disposition](ctx, x.source, restapi.Request{What: "results of calls", Path: "calling/v1/dispositions"})
	if err != nil && !closed(err) {
		return err
	}
	x.dispositions = map[string]string{}
	for _, d := range got {
		x.dispositions[d.ID] = d.Label
	}
	return nil
}
