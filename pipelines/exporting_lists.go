package pipelines

// list is what export writes of a table that people work through, unless they ask
// for other rows, columns or another order.
type list struct {
	where, order string
	columns      []string
}

// lists are these tables. A list of calls holds only those who are to be called.
var lists = map[string]list{
	"mart.winback_candidates": {
		where: "is_on_list",
		order: "priority",
		columns: []string{
			"priority", "name", "phone", "email", "channel", "offer", "due_date", "manager_name", "talking_points", "status", "class", "class_reasons",
			"reason_category", "days_since_loss", "last_order_on", "p_return", "p_return_lower", "p_return_upper", "p_return_n", "value_12m", "expected_value",
			"segment", "open_problems", "manager_id", "customer_key",
		},
	},
}

// asList fills in what was not asked for. Conditions of one's own mean all rows of
// the table.
func (o *ExportOptions) asList(table string) {
	l, ok := lists[table]
	if !ok || o.Where != "" {
		return
	}
	o.Where = l.where
	if len(o.Columns) == 0 {
		o.Columns = l.columns
	}
	if o.OrderBy == "" {
		o.OrderBy = l.order
	}
}
