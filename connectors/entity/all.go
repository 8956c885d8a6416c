package entity

import "sync"

// All returns the schemas of every entity of the contract, in the contract's
// order. The schemas are shared and must not be changed.
func All() []*Schema { return all() }

// Lookup returns the entity of that full name ("shop.orders"), or nil.
func Lookup(fullName string) *Schema {
	for _, s := range all() {
		if s.FullName() == fullName {
			return s
		}
	}
	return nil
}

// Of returns the schema of an entity's struct.
func Of[E Entity]() *Schema {
	var e E
	domain, name, _ := e.describe()
	return Lookup(domain + "." + name)
}

var all = sync.OnceValue(func() []*Schema {
	structs := []Entity{
		CRMCustomer{}, Manager{}, ManagerAssignment{}, Pipeline{}, Stage{}, Deal{}, DealStage{}, Activity{},
		Complaint{}, Survey{}, Payment{}, SalesPlan{}, BusinessEvent{},
		ShopCustomer{}, Product{}, Order{}, OrderLine{}, Refund{}, Cart{}, ExchangeRate{},
		Call{}, QueueEvent{}, Agent{},
		Campaign{}, Touch{}, CartReminder{},
	}
	schemas := make([]*Schema, len(structs))
	for i, e := range structs {
		schemas[i] = newSchema(e)
	}
	return schemas
})
