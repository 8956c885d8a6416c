package bitrix24

import (
	"slices"
	"strings"

	"winback/connectors/entity"
	"winback/connectors/record"
)

// Customers have ids of three kinds, with the vendor's own short codes: C_12 is a
// contact, CO_7 a company, L_31 a lead. Deals, activities and invoices use the same.
const (
	contactCode = "C_"
	companyCode = "CO_"
	leadCode    = "L_"
)

// codeOf are the codes by entityTypeId.
var codeOf = map[string]string{"1": leadCode, "3": contactCode, "4": companyCode}

// customerID is the id of the customer that a record names: its company, else its
// contact.
func customerID(r *record.Record) string {
	company, contact := r.ID("companyId"), r.ID("contactId")
	if company != "" {
		return companyCode + company
	}
	return coded(contactCode, contact)
}

// coded is an id with its code, "" for none.
func coded(code, id string) string {
	if id == "" {
		return ""
	}
	return code + id
}

// customerKinds describes contacts, companies and leads, which are customers all.
func (s *source) customerKinds() changing {
	also := s.customNames(of(entity.Of[entity.CRMCustomer]()))
	kinds := []kind{
		{list: items("contacts", contactType, also...), typeID: contactType, row: s.contact, key: keyed(contactCode)},
		{list: items("companies", companyType, also...), typeID: companyType, row: s.company, key: keyed(companyCode), filter: params{"isMyCompany": "N"}},
	}
	if s.config.Leads {
		kinds = append(kinds, kind{list: items("leads", leadType, also...), typeID: leadType, row: s.lead, key: keyed(leadCode)})
	}
	return changing{
		name: customersSet, entity: entity.Of[entity.CRMCustomer](), swept: of(entity.Of[entity.CRMCustomer]()), kinds: kinds,
		time: "updatedTime", overlap: overlap, scope: "crm",
		known: slices.Concat(commonFields, customerFields),
	}
}

func keyed(code string) func(string) string { return func(id string) string { return code + id } }

// commonFields are what records of the CRM have that is kept in payload.
var commonFields = []string{
	"entityTypeId", "opened", "createdBy", "updatedBy", "movedBy", "movedTime", "lastActivityBy", "lastActivityTime", "webformId", "observers",
	"utmSource", "utmMedium", "utmCampaign", "utmContent", "utmTerm", "parentId*", "sourceId", "sourceDescription", "comments", "originatorId",
	"originId", "originVersion", "categoryId", "dateCreateShort", "dateModifyShort", "begindateShort", "closedateShort", "contactIds", "companyIds",
	"begindate", "isManualOpportunity", "locationId", "xmlId", "previousStageId", "mycompanyId", "accountNumber", "taxValue", "opportunityAccount",
	"taxValueAccount", "accountCurrencyId",
}

var customerFields = []string{
	"shortName", "photo", "logo", "post", "address", "addressLegal", "bankingDetails", "typeId", "industry", "revenue", "employees", "currencyId",
	"leadId", "export", "honorific", "login", "skype", "icq", "imol", "hasImol", "companyId", "stageId", "stageSemanticId", "statusDescription",
	"isConvert", "dateClosed", "opportunity", "productId", "isReturnCustomer", "ufLogo", "ufStamp", "ufDirectorSign", "ufAccountantSign",
}

// said are fields that say again what others say.
var said = []string{
	"searchContent", "fm", "hasPhone", "hasEmail", "phone", "email", "phoneMobile", "phoneWork", "phoneMailing", "emailHome", "emailWork", "emailMailing",
}

// contact is a person.
func (s *source) contact(r *record.Record) {
	c := s.customer(r, contactCode)
	c.Kind, c.Name = "person", person(r.Text("name"), r.Text("secondName"), r.Text("lastName"))
	c.Birthday = r.Day("birthdate")
	record.Add(r, c)
}

// company is a company that is not one of the portal's own.
func (s *source) company(r *record.Record) {
	c := s.customer(r, companyCode)
	if own := r.Bool("isMyCompany"); own.V {
		r.Ignore()
	}
	c.Kind, c.Name = "company", r.Text("title")
	record.Add(r, c)
}

// lead is somebody who has shown interest. One that has become a contact or a
// company names it, so that both are one customer.
func (s *source) lead(r *record.Record) {
	c := s.customer(r, leadCode)
	name, firm, title := person(r.Text("name"), r.Text("secondName"), r.Text("lastName")), r.Text("companyTitle"), r.Text("title")
	c.Birthday = r.Day("birthdate")
	switch {
	case name != "":
		c.Kind, c.Name = "person", name
	case firm != "":
		c.Kind, c.Name = "company", firm
	default:
		c.Name = title
	}
	if became := customerID(r); became != "" {
		c.ExternalIDs = map[string]string{s.env.Name: became}
	}
	record.Add(r, c)
}

// customer is what contacts, companies and leads have in common.
func (s *source) customer(r *record.Record, code string) *entity.CRMCustomer {
	c := &entity.CRMCustomer{
		ID: coded(code, r.ID("id")), ManagerID: r.ID("assignedById"), CreatedAt: r.Time("createdTime"),
		Phone: contacts(r, "PHONE"), Email: contacts(r, "EMAIL"),
	}
	c.SourceUpdatedAt = r.Time("updatedTime")
	r.Drop(said...)
	return c
}

// contacts are the phones or e-mail addresses of a record. A record without any has
// no such field.
func contacts(r *record.Record, kind string) []string {
	var list []string
	for _, one := range r.List("fm") {
		value := one.Text("value")
		if one.Text("typeId") == kind && value != "" && !slices.Contains(list, value) {
			list = append(list, strings.TrimSpace(value))
		}
	}
	return list
}
