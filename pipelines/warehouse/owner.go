package warehouse

import (
	"context"
	"fmt"
	"time"

	"winback/pipelines/quote"
)

// Owner is the home of the project whose runs fill a server. A run trusts its home's
// lock and landing zone alone: two homes would load and build over each other.
type Owner struct {
	ID    string // of the home; moves with its folder
	Host  string
	Home  string
	Since time.Time
}

// OwnedError says that a server is filled from another home.
type OwnedError struct {
	Owner   Owner
	Address string
}

func (e *OwnedError) Error() string {
	return fmt.Sprintf("the warehouse at %s is filled from another home, %s on %s, since %s: run there, or give this project a server of its own; "+
		`if that home is gone, hand the warehouse over with: winback query "TRUNCATE TABLE ops.owner"`,
		e.Address, e.Owner.Home, e.Owner.Host, e.Owner.Since.UTC().Format("2006-01-02 15:04"))
}

const createOwner = `CREATE TABLE IF NOT EXISTS ops.owner
(
    id    String               COMMENT 'Id of the home',
    host  String               COMMENT 'Machine that it was on',
    home  String               COMMENT 'Its folder',
    since DateTime64(6, 'UTC') COMMENT 'When it ran first'
)
ENGINE = MergeTree ORDER BY (since, id) COMMENT 'The home whose runs fill this warehouse: the first'`

// Claim makes a home the owner of a server's warehouse, unless another one is: then
// the error is an *OwnedError.
func (w *Warehouse) Claim(ctx context.Context, o Owner) error {
	for _, statement := range []string{"CREATE DATABASE IF NOT EXISTS " + Ops, createOwner} {
		if err := w.Exec(ctx, statement); err != nil {
			return fmt.Errorf("create table ops.owner: %w", err)
		}
	}
	owner, err := w.owner(ctx)
	if err == nil && owner.ID == "" {
		insert := fmt.Sprintf("INSERT INTO ops.owner (id, host, home, since) VALUES (%s, %s, %s, now64(6))", quote.Literal(o.ID), quote.Literal(o.Host), quote.Literal(o.Home))
		if err = w.Exec(ctx, insert); err == nil {
			owner, err = w.owner(ctx) // two may have come at once
		}
	}
	switch {
	case err != nil:
		return fmt.Errorf("see whose the warehouse is: %w", err)
	case owner.ID != o.ID:
		return &OwnedError{Owner: owner, Address: w.address}
	}
	return nil
}

// owner returns the first owner; its ID is empty if there is none.
func (w *Warehouse) owner(ctx context.Context) (o Owner, err error) {
	rows, err := w.Query(ctx, "SELECT id, host, home, since FROM ops.owner ORDER BY since, id LIMIT 1")
	if err != nil {
		return o, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&o.ID, &o.Host, &o.Home, &o.Since); err != nil {
			return o, err
		}
	}
	return o, rows.Err()
}
