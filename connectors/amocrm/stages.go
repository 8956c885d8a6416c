package amocrm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"sync/atomic"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
	"winback/connectors/window"
)

// Stages that every pipeline has.
const (
	stageWon  = "142"
	stageLost = "143"
)

// lead is what the history of a deal's stages is told by, besides its events.
type lead struct {
	ID        json.Number `json:"id"`
	Status    json.Number `json:"status_id"`
	Pipeline  json.Number `json:"pipeline_id"`
	CreatedAt int64       `json:"created_at"`
	UpdatedAt int64       `json:"updated_at"`
	ClosedAt  *int64      `json:"closed_at"`
}

func (l lead) stage() stage { return stage{l.Status.String(), l.Pipeline.String()} }

// stay is one stay of a deal in a stage.
type stay struct {
	Deal      string `json:"deal_id"`
	Seq       int    `json:"seq"`
	Stage     string `json:"stage_id"`
	Pipeline  string `json:"pipeline_id"`
	EnteredAt int64  `json:"entered_at,omitempty"`
	LeftAt    int64  `json:"left_at,omitempty"`
	ChangedBy string `json:"changed_by,omitempty"` // user, 0 for a robot
}

// stays tells a deal's history. Creation has no event: the first stage is where
// the first change came from or, without any, where the deal is. whole is false
// when changes are missing, as those that are no longer kept.
func (l lead) stays(changes []event) (stays []stay, whole bool) {
	whole = true
	at := func(s stage, entered int64, by string) {
		if n := len(stays); n > 0 {
			stays[n-1].LeftAt = entered
		}
		stays = append(stays, stay{Deal: l.ID.String(), Seq: len(stays) + 1, Stage: s.id, Pipeline: s.pipeline, EnteredAt: entered, ChangedBy: by})
	}
	var now stage
	for _, c := range chained(changes) {
		before, came := stageOf(c.Before)
		after, went := stageOf(c.After)
		if !went || came && before == after {
			continue
		}
		if len(stays) == 0 && came {
			at(before, min(l.CreatedAt, c.CreatedAt), "")
		} else if came && before != now {
			whole = false
		}
		at(after, c.CreatedAt, c.CreatedBy.String())
		now = after
	}
	switch {
	case len(stays) == 0 && l.ClosedAt != nil && *l.ClosedAt > l.CreatedAt:
		at(l.stage(), *l.ClosedAt, "") // it was elsewhere before, nobody knows where
		return stays, false
	case len(stays) == 0:
		at(l.stage(), l.CreatedAt, "")
	case now != l.stage():
		whole = false
	}
	return stays, whole
}

// chained puts changes of the same second into the order in which each begins
// where the one before it ended.
func chained(changes []event) []event {
	for i := 1; i+1 < len(changes); i++ {
		now, _ := stageOf(changes[i-1].After)
		for j := i; j < len(changes) && changes[j].CreatedAt == changes[i].CreatedAt; j++ {
			if before, ok := stageOf(changes[j].Before); ok && before == now {
				changes[i], changes[j] = changes[j], changes[i]
				break
			}
		}
	}
	return changes
}

var stageChanges = asked{types: []string{"lead_status_changed"}, entity: "lead"}

// ownStages is kept while a first run goes on.
type ownStages struct {
	Initial bool `json:"initial"`
}

var leadStates = &list{path: "leads", embedded: "leads", sorted: true}

// stages reads the histories of the deals that were touched. A first run takes the
// deals by time of change; later ones find them by their events.
func (x *extraction) stages(ctx context.Context) (connectors.Extracted, error) {
	w, ok, err := x.window(ctx, []*list{leadStates}, eventLag)
	if !ok || err != nil {
		return connectors.Extracted{}, err
	}
	kept, err := own[ownStages](x.req)
	if err != nil {
		return connectors.Extracted{}, err
	}
	last, _, err := window.Last(x.req)
	if err != nil {
		return connectors.Extracted{}, err
	}
	kept.Initial = x.req.Range == nil && (w.First || kept.Initial && last.Going)
	leads, err := x.touched(ctx, w, kept.Initial)
	if err != nil {
		return connectors.Extracted{}, err
	}
	rows := x.rows(entity.Of[entity.DealStage](), nil, nil)
	if err := x.stayRows(ctx, rows, leads, w.Name()); err != nil {
		return connectors.Extracted{}, err
	}
	if err := rows.Close(ctx); err != nil {
		return connectors.Extracted{}, err
	}
	return w.Done(nil, kept)
}

// touched finds the deals whose histories are to be read.
func (x *extraction) touched(ctx context.Context, w window.Window, initial bool) (map[string]lead, error) {
	from, until := seconds(w.From, w.Until)
	leads := map[string]lead{}
	keep := func(_ *list, records []json.RawMessage) error {
		for _, raw := range records {
			var l lead
			if err := json.Unmarshal(raw, &l); err != nil {
				return &shapeError{what: "leads", err: err}
			}
			leads[l.ID.String()] = l
		}
		if x.req.Sample > 0 && len(leads) >= x.req.Sample {
			return connectors.ErrEnough
		}
		return nil
	}
	var jobs []job
	switch {
	case initial && x.account.filters:
		jobs = x.parts(leadStates, from, until, workers)
	case initial:
		jobs = []job{{leadStates, func(ctx context.Context, give take) error { return x.paged(ctx, leadStates, url.Values{}, give) }}}
	default:
		ids, err := x.happened(ctx, asked{types: []string{"lead_status_changed", "lead_added"}, entity: "lead"}, from, until)
		if err != nil {
			return nil, err
		}
		jobs = []job{{leadStates, func(ctx context.Context, give take) error { return x.byID(ctx, leadStates, ids, give) }}}
	}
	if err := together(ctx, jobs, keep); err != nil && !errors.Is(err, connectors.ErrEnough) {
		return nil, err
	}
	return leads, nil
}

// happened lists the records that events are about, in no order, each once.
func (x *extraction) happened(ctx context.Context, a asked, from, until int64) (ids []string, err error) {
	events, err := x.events(ctx, a, from, until)
	seen := map[string]bool{}
	for _, e := range events {
		if id := e.EntityID.String(); !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, err
}

// stayRows makes rows of the histories of deals, and says how many lack a part.
func (x *extraction) stayRows(ctx context.Context, rows *record.Rows, leads map[string]lead, slice string) error {
	var cut atomic.Int64
	jobs := x.histories(slices.Sorted(maps.Keys(leads)), stageChanges, func(id string, events []event) ([]json.RawMessage, error) {
		l := leads[id]
		stays, whole := l.stays(events)
		if !whole {
			cut.Add(1)
		}
		return asRecords(stays)
	})
	err := together(ctx, jobs, func(_ *list, records []json.RawMessage) error {
		return x.records(ctx, rows, "events, "+slice, records, func(r *record.Record) {
			record.Add(r, &entity.DealStage{
				Meta:   entity.Meta{SourceUpdatedAt: latest(r.Unix("left_at"), r.Unix("entered_at"))},
				DealID: r.ID("deal_id"), Seq: r.Int("seq").V, StageID: r.ID("stage_id"),
				EnteredAt: r.Unix("entered_at"), LeftAt: r.Unix("left_at"),
			})
		})
	})
	if n := int(cut.Load()); n > 0 && err == nil {
		x.req.Tell(connectors.Notice{
			Kind: connectors.NoticePartial, Inputs: []string{"events"}, Count: n,
			Text: fmt.Sprintf("%d of %d deals have a part of their stage history only: the account does not keep the events of the rest", n, len(leads)),
		})
	}
	return err
}

// latest is the first of two times that is there.
func latest(times ...entity.Opt[entity.Time]) entity.Opt[entity.Time] {
	for _, t := range times {
		if t.OK {
			return t
		}
	}
	return entity.Opt[entity.Time]{}
}
