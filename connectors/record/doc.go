// Package record makes rows of the contract out of the JSON records of a source.
//
// A connector reads a Record field by field, as what each field is: a text, an
// amount, a time. The record notes what was read and what did not fit. Nothing else
// is left for the connector to do: what no field of the contract took goes to
// payload, a record that does not fit is put aside with field, value and reason, a
// field that the connector does not know is told once, and fields that the
// configuration maps are filled in.
//
//	rows := record.NewRows(req, sink, record.Options{…})
//	for _, raw := range page.Deals {
//		r := rows.Record(raw)
//		record.Add(r, &entity.Deal{
//			ID:        r.ID("ID"),
//			Title:     r.Text("TITLE"),
//			Amount:    r.Decimal("OPPORTUNITY"),
//			CreatedAt: r.Time("DATE_CREATE"),
//		})
//		if err := rows.End(ctx, r); err != nil {
//			return …
//		}
//	}
//	return rows.Close(ctx)
package record
