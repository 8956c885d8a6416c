package warehouse

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
)

// Holder is a process that holds something of a project.
type Holder struct {
	PID     int       `json:"pid"`
	Purpose Purpose   `json:"purpose"`
	Since   time.Time `json:"since"`
}

// HeldError says that another process holds what this one needs.
type HeldError struct {
	What   string // warehouse, run
	Home   string
	Holder Holder
	Cause  error
}

func (e *HeldError) Error() string {
	if e.Holder.PID == 0 {
		return fmt.Sprintf("the %s in %s is held by another process; try again when it has ended", e.What, e.Home)
	}
	return fmt.Sprintf("the %s in %s is held by process %d (winback %s, since %s); wait for it to end or stop it",
		e.What, e.Home, e.Holder.PID, e.Holder.Purpose, e.Holder.Since.Local().Format("15:04:05"))
}

func (e *HeldError) Unwrap() error { return e.Cause }

// endpoint is the small file beside the data that tells other processes of the
// same user how to reach the engine that one of them has open.
type endpoint struct {
	Address  string `json:"address"`
	Password string `json:"password"`
	Holder   Holder `json:"holder"`
}

func endpointFile(home string) string { return filepath.Join(home, "warehouse.endpoint.json") }

func (e endpoint) write(home string) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(endpointFile(home), text, 0o600); err != nil {
		return fmt.Errorf("write down the warehouse's endpoint: %w", err)
	}
	return nil
}

func readEndpoint(home string) (endpoint, error) {
	var e endpoint
	text, err := os.ReadFile(endpointFile(home))
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(text, &e)
}

func removeEndpoint(home string) error {
	if err := os.Remove(endpointFile(home)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the warehouse's endpoint: %w", err)
	}
	return nil
}
