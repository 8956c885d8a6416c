package pipelines

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"winback/pipelines/config"
	"winback/pipelines/schedule"
	"winback/pipelines/warehouse"
)

// A project on a ClickHouse server is served by one process of a home: a second one is
// refused, runs leave the alarms to the first, and health fails once the scheduler ends.
func TestServe_BesideAServer(t *testing.T) {
	b, c := newBench(t), newChat(t)
	b.write("orders.csv", "id,at,total\n1,2026-01-05,10\n")
	b.configureWith("models: {only: [stg_shop__orders]}\nserve: {listen: 127.0.0.1:0}\nschedule: {yearly: {cron: \"0 3 1 1 *\", missed: skip}}\n"+
		"alarms: {webhook: "+c.url+", every: 5s, without: [source_stale, disk_low, run_late]}\n", watchedOrders)
	b.project.now = time.Now // a service asks for the time from several goroutines
	scheduler, err := b.project.Scheduler(func(context.Context, config.Job, string, schedule.Slot) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ready, ended := make(chan Serving, 1), make(chan error, 1)
	go func() {
		ended <- b.project.Serve(ctx, ServeOptions{Scheduler: scheduler, Ready: func(s Serving) error { ready <- s; return nil }})
	}()
	var serving Serving
	select {
	case serving = <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	health := func(want int) {
		t.Helper()
		for { // the scheduler begins after Ready
			res, err := http.Get(serving.Status + "/healthz")
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode == want {
				return
			}
			if !strings.Contains(string(text), "scheduler") {
				t.Fatalf("health is %d %s", res.StatusCode, text)
			}
		}
	}
	health(http.StatusOK)
	var held *warehouse.HeldError
	if err := b.project.Serve(t.Context(), ServeOptions{Scheduler: scheduler}); !errors.As(err, &held) || held.What != "service" {
		t.Errorf("a second service: %v", err)
	}
	for {
		lock, err := b.project.lockAlarms()
		if err != nil {
			t.Fatal(err)
		}
		if lock == nil {
			break // the service looks
		}
		if err := lock.Unlock(); err != nil {
			t.Fatal(err)
		}
	}
	if look, err := b.project.LookForAlarms(t.Context()); err != nil || !look.Elsewhere {
		t.Errorf("somebody else looks: %+v, %v", look, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the end: %v", err)
	}
	if look, err := b.project.LookForAlarms(t.Context()); err != nil || look.Elsewhere {
		t.Errorf("after the end: %+v, %v", look, err)
	}
}
