package pipelines

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os/user"
	"path/filepath"
	"slices"
	"time"

	"winback/pipelines/erasure"
	"winback/pipelines/landing"
	"winback/pipelines/objects"
)

// ForgetOptions say who is to be forgotten: one of the three is given.
type ForgetOptions struct {
	Email, Phone, Customer string
	// DryRun only looks.
	DryRun bool
	// Confirm is asked before anything is erased; nil for nobody.
	Confirm func(ForgetPlan) (bool, error)
	// Backups, if set, learns who must not come back with one of its backups.
	Backups objects.Store
	// Wait is how long to wait for a run that is under way.
	Wait     time.Duration
	Observer Observer
}

// ForgetPlan says what is to be erased.
type ForgetPlan struct {
	// Customer is the key in the warehouse; empty if nobody there is known by it.
	Customer string `json:"customer,omitempty"`
	// Rows counts the records by entity, Redacted those of others that mention them.
	Rows     map[string]int64 `json:"rows"`
	Redacted map[string]int64 `json:"redacted"`
	// Known says that the same was asked for before.
	Known bool `json:"known"`
}

// ForgetSummary tells what was erased.
type ForgetSummary struct {
	ForgetPlan
	Receipt *erasure.Receipt `json:"receipt,omitempty"`
	// File is where the receipt is.
	File     string   `json:"file,omitempty"`
	Problems []string `json:"problems"`
}

// ErrNotForgotten says that somebody was asked and said no.
var ErrNotForgotten = errors.New("nothing was erased")

// Forget erases a person from the landing zone, the warehouse and the books, and keeps
// them from coming back: by marks, which are written down first, nothing of the person
// comes in any more. After a kill at any moment the next run finishes it.
//
// The errors are *CustomerError where it is not clear who is meant, *RemainsError, those
// of a run.
func (p *Project) Forget(ctx context.Context, o ForgetOptions) (s ForgetSummary, err error) {
	lock, err := p.lock(ctx, o.Wait)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, lock.unlock()) }()
	r := p.newRun(RunOptions{Wait: o.Wait, Observer: o.Observer, as: "forget"}, selection{})
	if err := r.open(ctx); err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, r.warehouse.Close()) }()
	book, err := p.erasures()
	if err != nil {
		return s, err
	}
	key, marks, err := r.identify(ctx, book, o)
	if err != nil {
		return s, err
	}
	if s.ForgetPlan, err = r.planErasure(ctx, book, key, marks); err != nil || o.DryRun {
		return s, err
	}
	if o.Confirm != nil {
		if yes, err := o.Confirm(s.ForgetPlan); err != nil || !yes {
			return s, errors.Join(err, ErrNotForgotten)
		}
	}
	if err := r.begin(ctx); err != nil {
		return s, err
	}
	request := book.Add(r.summary.RunID, account(), p.now(), marks)
	request.State = erasure.Pending // also where it was done: what came in before its marks were known is erased
	if err = book.Write(); err == nil && o.Backups != nil {
		err = storeErasures(ctx, o.Backups, filepath.Join(p.Home, erasureFolder))
	}
	if err == nil {
		err = r.stage(ctx, "erase", func(ctx context.Context) error {
			s.Receipt, err = r.erase(ctx, book)
			return err
		})
	}
	summary, err := r.finish(err)
	s.Problems = summary.Problems
	if err == nil {
		s.File = filepath.Join(p.Home, erasureFolder, "receipt-"+request.ID+".json")
		if o.Backups != nil {
			err = storeErasures(ctx, o.Backups, filepath.Join(p.Home, erasureFolder))
		}
	}
	return s, err
}

// account is who runs the program.
func account() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// planErasure counts what would be erased.
func (r *run) planErasure(ctx context.Context, book *erasure.Book, key string, marks []erasure.Mark) (ForgetPlan, error) {
	plan := ForgetPlan{Customer: key, Rows: map[string]int64{}, Redacted: map[string]int64{}}
	trial := book.Clone()
	known := len(trial.Requests)
	trial.Add("plan", "", time.Time{}, marks)
	plan.Known = len(trial.Requests) == known
	eraser := trial.Eraser()
	for _, name := range erasure.Order() {
		drops, redacts := map[uint64]bool{}, map[uint64]bool{}
		err := r.eachJudged(ctx, eraser, name, func(_ string, key uint64, v landing.Verdict) {
			switch v {
			case landing.Drop:
				drops[key] = true
			case landing.Redact:
				redacts[key] = true
			}
		})
		if err != nil {
			return plan, err
		}
		if len(drops) > 0 {
			plan.Rows[name] = int64(len(drops))
		}
		if len(redacts) > 0 {
			plan.Redacted[name] = int64(len(redacts))
		}
	}
	return plan, nil
}

// identify finds the marks of the person: what was given, and, where the warehouse knows
// the customer, all their records and the addresses and numbers that are theirs alone.
func (r *run) identify(ctx context.Context, book *erasure.Book, o ForgetOptions) (key string, marks []erasure.Mark, err error) {
	all := map[erasure.Mark]bool{}
	if o.Email != "" {
		all[book.Email(o.Email)] = true
	}
	if o.Phone != "" {
		mark, ok := book.Phone(o.Phone)
		if !ok {
			return "", nil, &CustomerError{fmt.Sprintf("%q is no phone number", o.Phone)}
		}
		all[mark] = true
	}
	models, err := tablesOf(ctx, r.warehouse)
	if err != nil {
		return "", nil, err
	}
	lacks := slices.ContainsFunc([]string{"staging.int_customer_keys", "staging.int_customer_contacts"}, func(name string) bool { return !slices.Contains(models, name) })
	if lacks && o.Customer != "" {
		return "", nil, &CustomerError{"the warehouse has no customers yet: winback run builds them, or say --email or --phone"}
	}
	if !lacks {
		if key, err = r.keyOf(ctx, o); err != nil {
			return "", nil, err
		}
		if err := r.marksOf(ctx, book, key, all); err != nil {
			return "", nil, err
		}
	}
	marks = slices.Collect(maps.Keys(all))
	slices.SortFunc(marks, func(a, b erasure.Mark) int { return slices.Compare(a[:], b[:]) })
	return key, marks, nil
}

// keyOf finds the customer's key; empty if nobody has the address or the number.
func (r *run) keyOf(ctx context.Context, o ForgetOptions) (string, error) {
	query, value := "SELECT DISTINCT customer_key FROM staging.int_customer_keys WHERE customer_key = ?", o.Customer
	switch {
	case o.Email != "":
		query = `SELECT DISTINCT customer_key FROM staging.int_customer_keys WHERE record_no IN (
			SELECT record_no FROM staging.int_customer_contacts WHERE kind = 'email' AND value = lower(trim(?)))`
		value = o.Email
	case o.Phone != "":
		query = `SELECT DISTINCT customer_key FROM staging.int_customer_keys WHERE record_no IN (
			SELECT record_no FROM staging.int_customer_contacts WHERE kind = 'phone' AND endsWith(value, ?))`
		value = erasure.PhoneTail(o.Phone)
	}
	rows, err := r.warehouse.Query(ctx, query, value)
	if err != nil {
		return "", fmt.Errorf("look for the customer: %w", err)
	}
	defer rows.Close()
	var keys []string
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return "", err
		}
		keys = append(keys, key)
	}
	if err := rows.Err(); err != nil {
		return "", err
	}
	switch {
	case len(keys) == 1:
		return keys[0], nil
	case len(keys) > 1:
		return "", &CustomerError{fmt.Sprintf("%d customers have it; say which: --customer %s", len(keys), keys[0])}
	case o.Customer != "":
		return "", &CustomerError{fmt.Sprintf("no customer has the key %q; winback customer finds it", o.Customer)}
	}
	return "", nil
}

// marksOf adds what the warehouse knows of a customer.
func (r *run) marksOf(ctx context.Context, book *erasure.Book, key string, all map[erasure.Mark]bool) error {
	if key == "" {
		return nil
	}
	all[book.Customer(key)] = true
	const query = `SELECT source, entity, entity_id, '' AS kind FROM staging.int_customer_keys WHERE customer_key = ?
		UNION ALL
		SELECT '', '', value, kind FROM staging.int_customer_contacts INNER JOIN staging.int_customer_keys USING (record_no)
		GROUP BY kind, value HAVING countIf(customer_key = ?) > 0 AND uniqExact(customer_key) = 1`
	rows, err := r.warehouse.Query(ctx, query, key, key)
	if err != nil {
		return fmt.Errorf("look for the customer's records: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var source, name, value, kind string
		if err := rows.Scan(&source, &name, &value, &kind); err != nil {
			return err
		}
		switch kind {
		case "email":
			all[book.Email(value)] = true
		case "phone":
			if mark, ok := book.Phone(value); ok {
				all[mark] = true
			}
		default:
			if name == "shop.orders" { // known from orders alone
				name = "shop.customers"
			}
			all[book.ID(source, name, value)] = true
		}
	}
	return rows.Err()
}

// erasuresKey is where a store of backups keeps who must not come back, for backups
// that are older than the erasure.
const erasuresKey = "erasures/"

// storeErasures copies the book to a store of backups.
func storeErasures(ctx context.Context, store objects.Store, folder string) error {
	for _, name := range erasure.Files {
		text, err := readIfThere(filepath.Join(folder, name))
		if err == nil && text != nil {
			_, err = objects.WriteBytes(ctx, store, erasuresKey+name, text, objects.Always())
		}
		if err != nil {
			return fmt.Errorf("tell %s who must not come back: %w", store, err)
		}
	}
	return nil
}

// storedErasures reads the book of a store of backups.
func storedErasures(ctx context.Context, store objects.Store, folder string) (*erasure.Book, error) {
	for _, name := range erasure.Files {
		text, _, err := objects.ReadBytes(ctx, store, erasuresKey+name)
		if errors.Is(err, objects.ErrNotFound) {
			continue
		}
		if err == nil {
			err = writeAsOwner(filepath.Join(folder, name), text)
		}
		if err != nil {
			return nil, fmt.Errorf("ask %s who must not come back: %w", store, err)
		}
	}
	return erasure.Open(folder)
}
