package pipelines

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"winback/pipelines/model"
	"winback/pipelines/quote"
	"winback/pipelines/warehouse"
)

// UnmappedReason is a text that was written down as a reason and that no pattern
// knows.
type UnmappedReason struct {
	Reason string
	// Origins are where it was written: termination, survey, deal, touch, complaint.
	Origins []string
	Times   uint64
	// LastSaidOn is a day; nil = not known.
	LastSaidOn *time.Time
	// Lost are losses of which nothing better is known, LostRevenue what those
	// customers brought in the year before, in the project's currency.
	Lost        uint64
	LostRevenue decimal.Decimal
}

// UnmappedReasons returns the texts that no pattern knows, the most costly first,
// at most limit of them (0 for all), and how many there are.
func (p *Project) UnmappedReasons(ctx context.Context, limit int) (reasons []UnmappedReason, total uint64, err error) {
	w, err := p.OpenWarehouse(ctx, warehouse.ForGlance)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	sql := "select reason, origins, times, last_said_on, lost, lost_revenue, count() over () from mart.unmapped_reasons order by lost_revenue desc, lost desc, times desc, reason"
	if limit > 0 {
		sql += fmt.Sprintf(" limit %d", limit)
	}
	rows, err := w.Query(ctx, sql)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var r UnmappedReason
		if err := rows.Scan(&r.Reason, &r.Origins, &r.Times, &r.LastSaidOn, &r.Lost, &r.LostRevenue, &total); err != nil {
			return nil, 0, fmt.Errorf("read the unmapped reasons: %w", err)
		}
		reasons = append(reasons, r)
	}
	return reasons, total, rows.Err()
}

// UnderstoodReason is what a text means as a reason.
type UnderstoodReason struct {
	Reason string
	// Category is "unmapped" where no pattern fits.
	Category string
	// Pattern decided; nil = none fits.
	Pattern *string
	// Competitor is one that it names.
	Competitor *string
}

// UnderstandReasons says what texts mean by the patterns as they are in the models'
// files, whether or not a warehouse has been built with them. The answers are in the
// order of the texts.
func UnderstandReasons(ctx context.Context, models *model.Project, texts []string) (reasons []UnderstoodReason, err error) {
	literals := make([]string, len(texts))
	for i, text := range texts {
		literals[i] = quote.Literal(text)
	}
	given := "select toNullable(arrayJoin([" + strings.Join(literals, ", ") + "])) as reason, cast(null as Nullable(String)) as competitor"
	sql, err := models.CompileOver("int_reasons", model.DefaultVars(), map[string]string{"int_reason_statements": given})
	if err != nil {
		return nil, err
	}
	understood := map[string]UnderstoodReason{}
	err = inScratch(ctx, func(w *warehouse.Warehouse) error {
		rows, err := w.Query(ctx, "select reason, reason_category, pattern, competitor from ("+sql+")")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r UnderstoodReason
			if err := rows.Scan(&r.Reason, &r.Category, &r.Pattern, &r.Competitor); err != nil {
				return err
			}
			understood[r.Reason] = r
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("try the patterns of the seeds reasons and competitor_names: %w", err)
	}
	for _, text := range texts {
		reasons = append(reasons, understood[text])
	}
	return reasons, nil
}
