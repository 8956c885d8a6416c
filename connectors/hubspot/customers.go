package hubspot

import (
	"strings"

	"winback/connectors/entity"
	"winback/connectors/record"
)

func addContact(x *extraction, r *record.Record) {
	p := r.Object("properties")
	c := &entity.CRMCustomer{
		Meta: meta(r, contacts), ID: contacts.key(r.ID("id")), Kind: "person",
		Name:  strings.TrimSpace(p.Text("firstname") + " " + p.Text("lastname")),
		Email: addresses(p.Text("email"), p.Text("hs_additional_emails")), Phone: addresses(p.Text("phone"), p.Text("mobilephone")),
		City: p.Text("city"), Country: p.Text("country"), ManagerID: p.ID("hubspot_owner_id"), CreatedAt: p.Time("createdate"),
	}
	if c.Name == "" && len(c.Email) > 0 {
		c.Name = c.Email[0]
	}
	x.addCustomer(r, contacts, c)
}

func addCompany(x *extraction, r *record.Record) {
	p := r.Object("properties")
	x.addCustomer(r, companies, &entity.CRMCustomer{
		Meta: meta(r, companies), ID: companies.key(r.ID("id")), Kind: "company", Name: p.Text("name"), Phone: addresses(p.Text("phone")),
		City: p.Text("city"), Country: p.Text("country"), ManagerID: p.ID("hubspot_owner_id"), CreatedAt: p.Time("createdate"),
	})
}

// addCustomer adds the customer, whoever looked after it, and marks those that were
// merged into it.
func (x *extraction) addCustomer(r *record.Record, o *object, c *entity.CRMCustomer) {
	record.Add(r, c)
	if c.Deleted {
		return
	}
	for _, id := range merged(r) {
		record.Add(r, &entity.CRMCustomer{Meta: entity.Meta{SourceUpdatedAt: c.SourceUpdatedAt, Deleted: true}, ID: o.key(id)})
	}
	list := versions(r, "hubspot_owner_id")
	for i, v := range list {
		a := &entity.ManagerAssignment{
			Meta: entity.Meta{SourceUpdatedAt: instant(v.Timestamp)}, CustomerID: c.ID, ManagerID: v.Value, FromAt: entity.TimeOf(v.Timestamp),
		}
		if i+1 < len(list) {
			a.ToAt = instant(list[i+1].Timestamp)
		}
		if v.Value != "" && (!a.ToAt.OK || a.ToAt.V > a.FromAt) {
			record.Add(r, a)
		}
	}
}

// addresses are values that stand alone or with semicolons between them.
func addresses(texts ...string) (list []string) {
	seen := map[string]bool{}
	for _, t := range texts {
		for one := range strings.SplitSeq(t, ";") {
			if one = strings.TrimSpace(one); one != "" && !seen[one] {
				seen[one] = true
				list = append(list, one)
			}
		}
	}
	return list
}
