package amocrm

import (
	"context"
	"net/url"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
	"winback/connectors/window"
)

// Kinds of customers. Their ids stand before a customer's number, as contacts and
// companies are numbered apart.
const (
	kindContact = "contact"
	kindCompany = "company"
)

var (
	contacts = &list{path: "contacts", embedded: "contacts", sorted: true}
	company  = &list{path: "companies", embedded: "companies", sorted: true}
)

// knownOfCustomers are fields that no field of the contract takes.
var knownOfCustomers = []string{
	"first_name", "last_name", "group_id", "created_by", "updated_by", "closest_task_at", "is_unsorted", "custom_fields_values", "_embedded", "is_deleted",
}

func (x *extraction) customers(ctx context.Context) (connectors.Extracted, error) {
	return x.byChange(ctx, reading{
		entity: entity.Of[entity.CRMCustomer](), lists: []*list{contacts, company}, parts: 2, known: knownOfCustomers,
		add: func(l *list, r *record.Record) { addCustomer(x.account, l, r) },
		after: func(ctx context.Context, rows *record.Rows, w window.Window) (any, error) {
			return x.deletions(ctx, rows, w, []bin{
				{contacts, kindContact, addGoneContact}, {company, kindCompany, addGoneCompany},
			})
		},
	})
}

func addCustomer(a account, l *list, r *record.Record) {
	r.Need("id", "name", "updated_at", "custom_fields_values")
	if r.Bool("is_deleted").V {
		addGone(l, r)
		return
	}
	fields := customFields(r)
	c := &entity.CRMCustomer{
		Meta: entity.Meta{SourceUpdatedAt: r.Unix("updated_at")},
		ID:   customerID(l, r.ID("id")), Kind: "company", Name: r.Text("name"),
		Email: texts(fields, "EMAIL"), Phone: texts(fields, "PHONE"),
		ManagerID: r.ID("responsible_user_id"), CreatedAt: r.Unix("created_at"), Tags: tags(r),
	}
	if l.path == contacts.path {
		c.Kind = "person"
		c.Birthday = birthday(a, fields)
	}
	record.Add(r, c)
}

// birthday is the first field of that type.
func birthday(a account, fields []customField) entity.Opt[entity.Date] {
	for _, f := range fields {
		if f.Type == "birthday" && len(f.Values) == 1 {
			at, err := time.Parse(`"`+time.DateOnly+`"`, string(f.value(a.zone)))
			if err != nil || at.Year() < 1900 || at.Year() > 2299 {
				return entity.Opt[entity.Date]{} // it stays in payload
			}
			return entity.Some(entity.DateOf(at))
		}
	}
	return entity.Opt[entity.Date]{}
}

func customerID(l *list, id string) string {
	if l.path == contacts.path {
		return prefixed(kindContact+"-", id)
	}
	return prefixed(kindCompany+"-", id)
}

// tags are the names of a record's tags.
func tags(r *record.Record) (names []string) {
	for _, t := range r.Object("_embedded").List("tags") {
		if name := t.Text("name"); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func addGoneContact(r *record.Record) { addGone(contacts, r) }
func addGoneCompany(r *record.Record) { addGone(company, r) }

func addGone(l *list, r *record.Record) {
	r.Drop("is_deleted")
	record.Add(r, &entity.CRMCustomer{
		Meta: entity.Meta{SourceUpdatedAt: r.Unix("updated_at"), Deleted: true},
		ID:   customerID(l, r.ID("id")), Name: r.Text("name"),
	})
}

// binOf is the recycle bin of a list.
func binOf(l *list) *list {
	return &list{path: l.path, embedded: l.embedded, sorted: l.sorted, query: url.Values{"with": {"only_deleted"}}}
}
