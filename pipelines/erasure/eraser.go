package erasure

import (
	"strings"
	"sync"

	"winback/pipelines/landing"
)

// Eraser knows the marks of a book, and finds what they are about.
type Eraser struct {
	book *Book

	mu    sync.RWMutex
	marks map[Mark]int // number of the request
	// Found are identifiers that were met and have a mark: what to search for.
	found map[string]bool
	// fresh are marks that came with what was found, by the number of the request.
	fresh map[int][]Mark
}

var _ landing.Eraser = (*Eraser)(nil)

// Eraser returns one for all requests of the book; nil if there are none.
func (b *Book) Eraser() *Eraser {
	if len(b.Requests) == 0 {
		return nil
	}
	e := &Eraser{book: b, marks: map[Mark]int{}, found: map[string]bool{}, fresh: map[int][]Mark{}}
	for i, r := range b.Requests {
		for _, m := range r.Marks {
			e.marks[m] = i
		}
	}
	return e
}

// reference is a field that names a record of an entity.
type reference struct{ field, entity string }

// what tells of an entity how people are known in it.
type what struct {
	emails, phones []string
	references     []reference
	// id is the field that others refer to the record by, if they do.
	id string
}

// entities are those that may hold somebody's records. Managers and agents are not
// customers; goods, stages and rates are nobody's.
var entities = map[string]what{
	"shop.customers": {emails: []string{"email"}, phones: []string{"phone"}, references: []reference{{"id", "shop.customers"}}, id: "id"},
	"crm.customers":  {emails: []string{"email"}, phones: []string{"phone"}, references: []reference{{"id", "crm.customers"}}, id: "id"},
	"shop.orders": {
		emails: []string{"email"}, phones: []string{"phone"}, id: "id",
		references: []reference{{"customer_id", "shop.customers"}, {"customer_id", "crm.customers"}, {"id", "shop.orders"}},
	},
	"shop.order_lines": {references: []reference{{"order_id", "shop.orders"}}},
	"shop.refunds":     {references: []reference{{"order_id", "shop.orders"}}},
	"shop.carts": {
		emails: []string{"email"}, phones: []string{"phone"}, id: "id",
		references: []reference{{"customer_id", "shop.customers"}, {"customer_id", "crm.customers"}, {"order_id", "shop.orders"}, {"id", "shop.carts"}},
	},
	"winback.cart_reminders":  {references: []reference{{"cart_id", "shop.carts"}}},
	"crm.manager_assignments": {references: []reference{{"customer_id", "crm.customers"}}},
	"crm.deals":               {references: []reference{{"customer_id", "crm.customers"}, {"contact_id", "crm.customers"}, {"id", "crm.deals"}}, id: "id"},
	"crm.deal_stages":         {references: []reference{{"deal_id", "crm.deals"}}},
	"crm.activities":          {references: []reference{{"customer_id", "crm.customers"}, {"deal_id", "crm.deals"}}},
	"crm.complaints":          {references: []reference{{"customer_id", "crm.customers"}, {"customer_id", "shop.customers"}, {"order_id", "shop.orders"}}},
	"crm.surveys":             {references: []reference{{"customer_id", "crm.customers"}, {"customer_id", "shop.customers"}}},
	"crm.payments":            {references: []reference{{"customer_id", "crm.customers"}, {"customer_id", "shop.customers"}, {"order_id", "shop.orders"}}},
	"crm.sales_plans":         {references: []reference{{"customer_id", "crm.customers"}}},
	"callcenter.calls": {
		phones: []string{"customer_phone", "from_number", "to_number"}, id: "id",
		references: []reference{{"id", "callcenter.calls"}},
	},
	"callcenter.queue_events": {references: []reference{{"call_id", "callcenter.calls"}}},
	"winback.touches": {
		emails: []string{"email"}, phones: []string{"phone"},
		references: []reference{{"customer_id", "crm.customers"}, {"customer_id", "shop.customers"}, {"customer_id", anybody}},
	},
}

// anybody stands for a customer's key in the warehouse, of no source.
const anybody = "customer"

// Customer returns the mark of a customer's key in the warehouse.
func (b *Book) Customer(key string) Mark { return b.mark("id", "", anybody, key) }

// Order is the order in which entities are looked through: those that others refer to
// come first.
func Order() []string {
	return []string{
		"shop.customers", "crm.customers", "shop.orders", "crm.deals", "callcenter.calls", "shop.carts",
		"shop.order_lines", "shop.refunds", "winback.cart_reminders", "crm.manager_assignments", "crm.deal_stages", "crm.activities",
		"crm.complaints", "crm.surveys", "crm.payments", "crm.sales_plans", "callcenter.queue_events", "winback.touches",
		"crm.managers", "crm.business_events", "shop.products", "winback.campaigns",
	}
}

// Judge drops a row that is of somebody who was forgotten, and redacts one of somebody
// else that mentions them.
func (e *Eraser) Judge(r landing.Row) landing.Verdict {
	name := r.Schema().FullName()
	about, known := entities[name]
	if known {
		if request, ok := e.owner(r, about); ok {
			if about.id != "" {
				e.learn(request, r.Text("source"), name, r.Text(about.id))
			}
			return landing.Drop
		}
	}
	mentioned := false
	r.EachText(func(text string) {
		mentioned = mentioned || e.mentions(text)
	})
	if mentioned {
		return landing.Redact
	}
	return landing.Stay
}

// owner returns the request whose person the row is of.
func (e *Eraser) owner(r landing.Row, about what) (request int, ok bool) {
	source := r.Text("source")
	for _, ref := range about.references {
		id := r.Text(ref.field)
		if id == "" {
			continue
		}
		mark := e.book.ID(source, ref.entity, id)
		if ref.entity == anybody {
			mark = e.book.Customer(id)
		}
		if request, ok = e.has(mark); ok {
			return request, true
		}
	}
	for _, field := range about.emails {
		for _, address := range append(r.Texts(field), r.Text(field)) {
			if request, ok = e.hasEmail(address); ok {
				return request, true
			}
		}
	}
	for _, field := range about.phones {
		for _, number := range append(r.Texts(field), r.Text(field)) {
			if request, ok = e.hasPhone(number); ok {
				return request, true
			}
		}
	}
	return 0, false
}

// Customer says whether a customer's key in the warehouse is of somebody who was forgotten.
func (e *Eraser) Customer(key string) bool {
	_, ok := e.has(e.book.Customer(key))
	return ok
}

func (e *Eraser) has(m Mark) (int, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	request, ok := e.marks[m]
	return request, ok
}

func (e *Eraser) hasEmail(address string) (int, bool) {
	if !strings.Contains(address, "@") {
		return 0, false
	}
	request, ok := e.has(e.book.Email(address))
	if ok {
		e.meet(strings.ToLower(strings.TrimSpace(address)))
	}
	return request, ok
}

func (e *Eraser) hasPhone(number string) (int, bool) {
	mark, ok := e.book.Phone(number)
	if !ok {
		return 0, false
	}
	request, ok := e.has(mark)
	if ok {
		e.meet(phoneDigits(number))
	}
	return request, ok
}

func (e *Eraser) meet(identifier string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.found[identifier] = true
}

// learn takes in that a record goes: what refers to it goes too.
func (e *Eraser) learn(request int, source, entity, id string) {
	mark := e.book.ID(source, entity, id)
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, known := e.marks[mark]; !known && id != "" {
		e.marks[mark] = request
		e.fresh[request] = append(e.fresh[request], mark)
	}
}

// Keep writes the marks into the book that came with what was found.
func (e *Eraser) Keep() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for request, marks := range e.fresh {
		e.book.Requests[request].Marks = append(e.book.Requests[request].Marks, marks...)
	}
	clear(e.fresh)
}

// Found returns the e-mail addresses and the last digits of phone numbers that were met
// and are of somebody who was forgotten.
func (e *Eraser) Found() []string {
	e.mu.RLock()
	defer e.mu.RUnlock()
	list := make([]string, 0, len(e.found))
	for text := range e.found {
		list = append(list, text)
	}
	return list
}

// Quarantined says whether a record that did not fit mentions somebody, or has the id of
// one of their records; ids of fewer than four letters are everywhere.
func (e *Eraser) Quarantined(q landing.QuarantineRow) bool {
	if e.mentions(q.Value) || e.mentions(q.Record) || e.mentions(q.Reason) {
		return true
	}
	about := entities[q.Entity]
	const shortest = 4
	for word := range strings.FieldsFuncSeq(q.Record+" "+q.Value, func(c rune) bool {
		return !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_' || c == '.')
	}) {
		if len(word) < shortest {
			continue
		}
		for _, ref := range about.references {
			if _, ok := e.has(e.book.ID(q.Source, ref.entity, word)); ok {
				return true
			}
		}
	}
	return false
}
