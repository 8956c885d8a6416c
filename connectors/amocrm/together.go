package amocrm

import (
	"context"
	"encoding/json"

	"winback/connectors/restapi"
)

// job reads a part of what is wanted and gives it away page by page.
type job struct {
	list *list
	read func(ctx context.Context, give take) error
}

// workers are enough to use the budget up when an answer takes half a second.
const workers = 4

// together does jobs at once and takes their pages one by one.
func together(ctx context.Context, jobs []job, each func(l *list, records []json.RawMessage) error) error {
	type page struct {
		list    *list
		records []json.RawMessage
	}
	parts := make([]restapi.Job[page], len(jobs))
	for i, j := range jobs {
		parts[i] = func(ctx context.Context, give func(page) error) error {
			return j.read(ctx, func(records []json.RawMessage) error {
				if len(records) == 0 {
					return nil
				}
				return give(page{j.list, records})
			})
		}
	}
	return restapi.Together(ctx, workers, parts, func(p page) error { return each(p.list, p.records) })
}

// parts cuts a time, both ends included, into jobs that read a list.
func (s *source) parts(l *list, from, until int64, n int) []job {
	const long = 20 * 24 * 3600 // seconds worth cutting
	if until-from < long || !l.sorted {
		n = 1
	}
	jobs := make([]job, 0, n)
	for i := range int64(n) {
		begin := from + (until-from+1)*i/int64(n)
		end := from + (until-from+1)*(i+1)/int64(n) - 1
		jobs = append(jobs, job{l, func(ctx context.Context, give take) error { return s.changed(ctx, l, begin, end, give) }})
	}
	return jobs
}
