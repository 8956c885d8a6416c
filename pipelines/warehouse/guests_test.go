package warehouse_test

import (
	"testing"
	"time"

	"winback/pipelines/engine/enginetest"
	"winback/pipelines/warehouse"
)

// TestClose_WaitsForGuests has a process look through another one's engine: it is
// answered until it is done, however early the other one is.
func TestClose_WaitsForGuests(t *testing.T) {
	library := enginetest.Library(t)
	home := t.TempDir()
	open := func(purpose warehouse.Purpose) *warehouse.Warehouse {
		t.Helper()
		w, err := warehouse.Open(t.Context(), warehouse.Options{
			Home: home, Purpose: purpose, Engine: warehouse.EngineOptions{Library: &library},
		})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	owner, guest := open(warehouse.ForRun), open(warehouse.ForQuery)
	if owner.Address() != guest.Address() {
		t.Fatalf("the guest is at %s, the owner at %s", guest.Address(), owner.Address())
	}
	closed := make(chan error)
	go func() { closed <- owner.Close() }()
	for range 3 {
		if err := guest.Exec(t.Context(), "SELECT 1"); err != nil {
			t.Fatalf("after the owner was done: %v", err)
		}
		select {
		case err := <-closed:
			t.Fatalf("the owner did not wait: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
	if err := guest.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if err := open(warehouse.ForQuery).Close(); err != nil {
		t.Fatal(err)
	}
}
