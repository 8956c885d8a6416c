package pipelines

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"winback/pipelines/config"
	"winback/pipelines/ledger"
	"winback/pipelines/schedule"
)

// ScheduleFile keeps, in a project's home, what is known of its jobs.
const ScheduleFile = "schedule.json"

// JobStore is where the states of the project's jobs are kept.
func (p *Project) JobStore() *schedule.Store {
	return schedule.NewStore(filepath.Join(p.Home, ScheduleFile))
}

// DoJob does a job of the configuration for a time of the schedule.
type DoJob func(ctx context.Context, job config.Job, name string, slot schedule.Slot) error

// Scheduler makes a scheduler of the jobs that the configuration names, or nil
// when it names none. A job that selects what there is not is an error.
func (p *Project) Scheduler(do DoJob) (*schedule.Scheduler, error) {
	if len(p.Config.Schedule.Entries) == 0 {
		return nil, nil
	}
	var jobs []schedule.Job
	for _, entry := range p.Config.Schedule.Entries {
		c := entry.Value
		if _, err := p.parseSelection(c.Selectors()); err != nil {
			return nil, fmt.Errorf("schedule.%s: %w", entry.Key, err)
		}
		job := schedule.Job{
			Name: entry.Key, Every: c.Every, Jitter: c.Jitter, Queue: c.Overlap == "wait", Forget: c.Missed == "skip",
			Retries: c.Retries, RetryAfter: c.RetryAfter,
			Do: func(ctx context.Context, slot schedule.Slot) error { return do(ctx, c, entry.Key, slot) },
		}
		if c.Cron != "" {
			calendar, err := schedule.ParseCron(c.Cron, p.Config.Location)
			if err != nil {
				return nil, err
			}
			job.Calendar = calendar
		}
		jobs = append(jobs, job)
	}
	return schedule.New(jobs, schedule.Options{Store: p.JobStore(), Zone: p.Config.Location, Logger: p.log, Drain: drain})
}

// runWait is how long a scheduled run waits for another that is under way.
const runWait = time.Hour

// RunJob makes the run that a job asks for. A run that ends partly is an error:
// it is tried again, and what was done is not done twice.
func (p *Project) RunJob(ctx context.Context, job config.Job, name string, slot schedule.Slot) (Summary, error) {
	o := RunOptions{Only: job.Selectors(), Wait: runWait, Job: name, Slot: slot.At, Logged: true}
	s, err := p.Run(ctx, o)
	if err != nil {
		return s, err
	}
	if s.State != ledger.Done {
		for _, problem := range s.Problems {
			err = errors.Join(err, errors.New(problem))
		}
		if err == nil {
			err = errors.New("the run " + s.RunID + " ended " + string(s.State))
		}
	}
	return s, err
}

// NextSlot is when a job is due next after now, as far as that can be told without
// the process that does it; zero for a job that is paused.
func (p *Project) NextSlot(job config.Job, state schedule.JobState, now time.Time) time.Time {
	if state.Paused {
		return time.Time{}
	}
	if job.Cron == "" {
		if next := state.Slot.Add(job.Every); next.After(now) {
			return next
		}
		return now
	}
	calendar, err := schedule.ParseCron(job.Cron, p.Config.Location)
	if err != nil {
		return time.Time{} // the configuration was checked
	}
	return calendar.Next(now)
}
