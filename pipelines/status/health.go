package status

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// Healthy is nil while everything that has to go on in this process does.
func (s *Server) Healthy() error {
	var errs []error
	if s.o.Jobs != nil {
		errs = append(errs, s.o.Jobs.Alive())
	}
	for _, name := range slices.Sorted(maps.Keys(s.o.Parts)) {
		if err := s.o.Parts[name](); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// readyWithin is how long the warehouse may take to answer.
const readyWithin = 5 * time.Second

// Ready is nil while the warehouse answers.
func (s *Server) Ready(ctx context.Context) error {
	conn, err := s.Warehouse()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	var one uint8
	if err := conn.QueryRow(ctx, "SELECT 1").Scan(&one); err != nil {
		s.o.Logger.Warn("the warehouse does not answer", "error", err)
		return errors.New("the warehouse does not answer")
	}
	return nil
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) { tell(w, s.Healthy()) }

func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	tell(w, errors.Join(s.Healthy(), s.Ready(r.Context())))
}

func tell(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, err)
		return
	}
	fmt.Fprintln(w, "ok")
}
