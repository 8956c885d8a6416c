package connectortest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"winback/connectors"
	"winback/connectors/entity"
)

// Troubled is a fake of a source that is not asked over HTTP, as files and databases
// are. Its Server is nil; what goes wrong with it is its own.
type Troubled interface {
	Fake
	// Troubles are called while the source is read. It must get over each of them and
	// give every row all the same.
	Troubles() map[string]func()
	// Down is the configuration of the same source where nothing is to be found, and
	// the error that says so.
	Down() (config string, is error)
}

// runTroubled is the part of Run that a server's requests are for elsewhere.
func (s Subject) runTroubled(t *testing.T, first *trial) {
	for name := range first.fake.(Troubled).Troubles() {
		t.Run("gets everything in spite of "+name, func(t *testing.T) { s.inSpiteOfTrouble(t, name) })
	}
	t.Run("a source that is not there is told", s.notThere)
}

// asked is how much was done so far: requests, or rows handed over.
func (t *trial) asked() int {
	if server := t.fake.Server(); server != nil {
		return len(server.Asked())
	}
	return t.handed
}

// forget begins to count anew.
func (t *trial) forget() {
	if server := t.fake.Server(); server != nil {
		server.Forget()
	}
	t.handed, t.before = 0, nil
}

// at has something done when a share of all that a run does is done.
func (t *trial) at(percent, all int, do func()) {
	after := max(all*percent/100, 1)
	if server := t.fake.Server(); server != nil {
		server.Before(after, do)
		return
	}
	t.before = append(t.before, appointment{after, do})
}

// appointment is what is to be done when so many rows were handed over.
type appointment struct {
	rows int
	do   func()
}

// handOver counts rows, and keeps appointments.
func (t *trial) handOver(b *entity.Batch) {
	t.handed += b.Rows()
	due := slices.DeleteFunc(slices.Clone(t.before), func(a appointment) bool { return a.rows > t.handed })
	t.before = slices.DeleteFunc(t.before, func(a appointment) bool { return a.rows <= t.handed })
	for _, a := range due {
		a.do()
	}
}

// inSpiteOfTrouble makes trouble three times during a run. What it brought with it may
// be found by the next run alone.
func (s Subject) inSpiteOfTrouble(t *testing.T, name string) {
	trial := s.trial(t)
	trial.reader.MustRun(t)
	all := trial.asked()
	trial = s.trial(t)
	for _, percent := range []int{1, 40, 80} {
		trial.at(percent, all, trial.fake.(Troubled).Troubles()[name])
	}
	trial.reader.MustRun(t)
	if len(trial.before) > 0 {
		t.Fatalf("%d of 3 troubles were not made: rows are handed over too many at a time", len(trial.before))
	}
	trial.reader.MustRun(t)
	trial.complete()
}

func (s Subject) notThere(t *testing.T) {
	trial := s.trial(t)
	config, is := trial.fake.(Troubled).Down()
	source, err := Open(s.Connector, config, Project{Dir: t.TempDir(), Clock: trial.clock, Variables: trial.fake.Variables()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = NewReader(source).Run(t.Context())
	if !errors.Is(err, is) {
		t.Fatalf("want %v, got %v", is, err)
	}
	trial.noSecrets("the error", err.Error())
	t.Log(err)
}

// refused runs a source with wrong credentials.
func (s Subject) refused(t *testing.T) {
	clock := NewClock(Began)
	fake := s.Start(t, clock)
	if fake.Wrong() == nil {
		t.Skip("the source asks for no credentials")
	}
	trial := s.begin(t, fake, clock, fake.Wrong())
	trial.forget()
	_, err := trial.reader.Run(t.Context())
	if err == nil {
		t.Fatal("was not refused")
	}
	for name, secret := range fake.Wrong() {
		if secret != "" && strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows %s: %v", name, err)
		}
	}
	if asked, datasets := trial.asked(), len(trial.reader.Source.Datasets()); asked > 2*datasets {
		t.Errorf("asked %d times for %d datasets", asked, datasets)
	}
	if !errors.Is(err, connectors.ErrRefused) {
		t.Errorf("want connectors.ErrRefused, got %v", err)
	}
	t.Log(err)
}

func (s Subject) stops(t *testing.T) {
	trial := s.trial(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := trial.reader.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
