package grafana

import (
	"context"
	"fmt"
	"strings"

	"github.com/grafana/grafana-openapi-client-go/client/provisioning"
	"github.com/grafana/grafana-openapi-client-go/models"
)

// fromAPI is Grafana's word for what its editor is locked for: it was made as
// winback makes it.
const fromAPI = "api"

// contact is one way of telling, as the settings want it.
type contact struct {
	uid, kind string
	settings  map[string]any
}

func (c Contact) wanted() (ways []contact) {
	if len(c.Mail) > 0 {
		ways = append(ways, contact{"winback-email", "email", map[string]any{"addresses": strings.Join(c.Mail, ";"), "singleEmail": false}})
	}
	if c.Webhook != "" {
		ways = append(ways, contact{"winback-webhook", "webhook", map[string]any{"url": c.Webhook, "httpMethod": "POST"}})
	}
	return ways
}

// provisionContacts brings winback's contact point to what the configuration says.
// One that the configuration names has to be there; it is never changed.
func (g *Grafana) provisionContacts(ctx context.Context, force bool) ([]Change, error) {
	c := g.settings.Contact
	if c.receiver() == "" {
		return nil, nil
	}
	answer, err := g.alerting.GetContactpoints(provisioning.NewGetContactpointsParamsWithContext(ctx))
	if err != nil {
		return nil, g.explain("look for contact points", err)
	}
	if c.Name != "" {
		var names []string
		for _, have := range answer.Payload {
			if have.Name == c.Name {
				return []Change{{Kind: "contact point", Name: c.Name, Action: LeftAlone}}, nil
			}
			names = append(names, have.Name)
		}
		return nil, &Error{
			Problem: "Grafana has no contact point " + c.Name + "; it has: " + strings.Join(names, ", "),
			Way:     "make it (Alerting, Contact points), or correct grafana.alerts.contact_point",
		}
	}
	var done []Change
	for _, way := range c.wanted() {
		change, err := g.provisionContact(ctx, way, answer.Payload, force)
		if err != nil {
			return done, err
		}
		done = append(done, change)
	}
	return done, nil
}

func (g *Grafana) provisionContact(ctx context.Context, way contact, all models.ContactPoints, force bool) (Change, error) {
	change := Change{Kind: "contact point", Name: way.kind, Action: LeftAlone}
	body := &models.EmbeddedContactPoint{UID: way.uid, Name: g.settings.Contact.receiver(), Type: &way.kind, Settings: way.settings}
	var have *models.EmbeddedContactPoint
	for _, point := range all {
		if point.UID == way.uid {
			have = point
		}
	}
	if have == nil {
		_, err := g.alerting.PostContactpoints(provisioning.NewPostContactpointsParamsWithContext(ctx).WithBody(body))
		if err != nil {
			return change, g.explain("make the contact point for "+way.kind, err)
		}
		change.Action = Created
		return change, nil
	}
	same, err := within(body, have)
	if err != nil || same {
		return change, err
	}
	if have.Provenance != fromAPI && !force {
		change.Action, change.Detail = Refused, notOurs(have.Provenance)
		return change, nil
	}
	if _, err := g.alerting.PutContactpoint(provisioning.NewPutContactpointParamsWithContext(ctx).WithUID(way.uid).WithBody(body)); err != nil {
		return change, g.explain("change the contact point for "+way.kind, err)
	}
	change.Action = Changed
	return change, nil
}

func notOurs(provenance string) string {
	if provenance == "file" {
		return "Grafana reads it from a file of its server; change it there"
	}
	return "edited in Grafana"
}

// within tells that what is there has everything that is wanted; what a server adds
// is its own affair.
func within(want, have any) (bool, error) {
	w, err := plain(want)
	if err != nil {
		return false, err
	}
	h, err := plain(have)
	if err != nil {
		return false, err
	}
	return covers(h, w), nil
}

// covers compares plain values: every key of want is in have with its value, and
// lists are of one length. Nothing is wanted of a key without a value.
func covers(have, want any) bool {
	switch want := want.(type) {
	case nil:
		return true
	case map[string]any:
		had, ok := have.(map[string]any)
		for key, value := range want {
			if !zero(value) && !covers(had[key], value) {
				return false
			}
			if zero(value) && !zero(had[key]) {
				return false
			}
		}
		return ok || len(want) == 0
	case []any:
		had, ok := have.([]any)
		if !ok || len(had) != len(want) {
			return false
		}
		for i := range want {
			if !covers(had[i], want[i]) {
				return false
			}
		}
		return true
	}
	return fmt.Sprint(have) == fmt.Sprint(want)
}
