package bitrix24

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
)

// The history of stages is a log: each record says that a deal entered a stage. A
// row of the contract also has the number of the stay and its end, which are in the
// other records of the deal: so the whole history of a deal is always read at once.
//
// A first reading goes through the deals by id, so many of them a commit; a later
// one looks which deals the new records are about, and reads those again.

// recordsADeal is about how many records of the history a deal has.
const recordsADeal = 4

// settle is how long a record may come to light behind one with a higher id.
const settle = 10 * time.Minute

// progress is the cursor of the history.
type progress struct {
	Seen    int64    `json:"seen"`            // records up to this id are done with
	Going   bool     `json:"going,omitempty"` // a first reading, or that of a range, is not at its end
	Deal    int64    `json:"deal,omitempty"`  // deals up to this id are done with
	Last    int64    `json:"last,omitempty"`  // deal to end with
	Unknown []string `json:"unknown,omitempty"`
}

// historyOf is the list of records.
var historyOf = list{name: "stage history", method: "crm.stagehistory.list", items: "items", id: "ID", params: params{"entityTypeId": dealType}}

// entered is a record of the history.
type entered struct {
	ID    int64  `json:"ID"`
	Deal  int64  `json:"OWNER_ID"`
	At    string `json:"CREATED_TIME"`
	raw   json.RawMessage
	since time.Time
}

// dealStages reads the history: all of it, what is new, or that of the deals which
// moved in a range of time.
func (s *source) dealStages(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
	var p progress
	if len(req.Cursors) > 0 {
		if err := json.Unmarshal(req.Cursors[len(req.Cursors)-1], &p); err != nil {
			return connectors.Extracted{}, fmt.Errorf("read the cursor of %s: %w; --full reads everything again", req.Dataset, err)
		}
	}
	rows := record.NewRows(req, sink, record.Options{
		Entity: entity.Of[entity.DealStage](), Location: s.env.Location, Payload: s.config.Payload, OnDrift: s.config.OnDrift,
		Fields: s.config.Fields, Known: []string{"TYPE_ID", "CATEGORY_ID", "STAGE_SEMANTIC_ID"}, Told: p.Unknown,
	})
	h := &history{source: s, rows: rows, sample: req.Sample}
	var err error
	switch {
	case req.Range != nil:
		p, err = progress{}, h.moved(ctx, params{">=CREATED_TIME": stamp(req.Range.From), "<CREATED_TIME": stamp(req.Range.Until)}, "0", nil)
	case p.Seen == 0 || p.Going:
		p, err = h.slice(ctx, p)
	default:
		p, err = h.new(ctx, p)
	}
	if err == nil {
		err = rows.Close(ctx)
	}
	if err != nil || req.Range != nil {
		return connectors.Extracted{}, err
	}
	p.Unknown = rows.Unknown()
	cursor, err := json.Marshal(p)
	return connectors.Extracted{Cursor: cursor, More: p.Going}, err
}

// history is one extraction of the history.
type history struct {
	*source
	rows   *record.Rows
	sample int
}

// slice reads the histories of some thousands of deals. Where the history ends is
// noted before the first: what is new behind that comes with the next reading.
func (h *history) slice(ctx context.Context, p progress) (progress, error) {
	if !p.Going {
		ends, err := h.ends(ctx)
		if err != nil || !ends.Going {
			return ends, err
		}
		p = ends
	}
	until := min(p.Deal+max(int64(h.config.SliceRows/recordsADeal), 1), p.Last)
	if h.sample > 0 {
		until = min(p.Deal+pageRows, p.Last)
	}
	filter := params{">OWNER_ID": fmt.Sprint(p.Deal), "<=OWNER_ID": fmt.Sprint(until)}
	var all []entered
	l := asked{list: historyOf, filter: filter, after: "0"}
	heads, err := h.heads(ctx, []asked{l})
	if err != nil {
		return p, err
	}
	take := gather(&all)
	if _, err = take(heads[0].records, heads[0].last); err == nil {
		err = h.rest(ctx, l, heads[0], take)
	}
	if err == nil {
		h.rows.Expect(entity.Of[entity.DealStage](), heads[0].total)
		err = h.write(ctx, all)
	}
	if p.Deal, p.Going = until, until < p.Last; !p.Going {
		p.Deal, p.Last = 0, 0
	}
	return p, err
}

// ends finds the first and the last deal of the history, and its last record.
func (h *history) ends(ctx context.Context) (progress, error) {
	one := func(field, order string) command {
		p := historyOf.params.clone()
		p["order"], p["start"] = params{field: order}, -1
		return command{historyOf.method, p}
	}
	replies, err := h.each(ctx, []command{one("OWNER_ID", "ASC"), one("OWNER_ID", "DESC"), one("ID", "DESC")})
	if err != nil {
		return progress{}, err
	}
	var found [3]entered
	for i, r := range replies {
		if r.err != nil {
			return progress{}, r.err
		}
		records, err := historyOf.records(r.result)
		if err != nil {
			return progress{}, err
		}
		if len(records) == 0 {
			return progress{}, nil
		}
		if found[i], err = enter(records[0]); err != nil {
			return progress{}, err
		}
	}
	p := progress{Going: true, Deal: found[0].Deal - 1, Last: found[1].Deal, Seen: found[2].ID}
	if at, ok := h.settled(found[2]); !ok {
		p.Seen, err = h.settledBefore(ctx, at)
	}
	return p, err
}

// settled says whether records with lower ids than this one are all there.
func (h *history) settled(e entered) (limit time.Time, ok bool) {
	limit = h.now().Add(-settle)
	return limit, !e.since.After(limit)
}

// settledBefore is the last record that is older than a time; records that are not
// are read again by the next reading.
func (h *history) settledBefore(ctx context.Context, limit time.Time) (int64, error) {
	p := historyOf.params.clone()
	p["order"], p["start"], p["filter"] = params{"ID": "DESC"}, -1, params{"<CREATED_TIME": stamp(limit)}
	replies, err := h.each(ctx, []command{{historyOf.method, p}})
	if err != nil {
		return 0, err
	}
	if replies[0].err != nil {
		return 0, replies[0].err
	}
	records, err := historyOf.records(replies[0].result)
	if err != nil || len(records) == 0 {
		return 0, err
	}
	e, err := enter(records[0])
	return e.ID, err
}

// new reads the histories of deals that have new records.
func (h *history) new(ctx context.Context, p progress) (progress, error) {
	seen := p.Seen
	err := h.moved(ctx, params{}, strconv.FormatInt(p.Seen, 10), func(e entered) {
		if _, ok := h.settled(e); ok && e.ID > seen {
			seen = e.ID
		}
	})
	p.Seen = seen
	return p, err
}

// moved reads the histories of the deals that records of a filter are about.
func (h *history) moved(ctx context.Context, filter params, after string, each func(entered)) error {
	var fresh []entered
	if err := h.all(ctx, asked{list: historyOf, filter: filter, after: after}, gather(&fresh)); err != nil {
		return err
	}
	var deals []string
	have := map[int64]bool{}
	for _, e := range fresh {
		if each != nil {
			each(e)
		}
		if !have[e.Deal] {
			have[e.Deal] = true
			deals = append(deals, strconv.FormatInt(e.Deal, 10))
		}
	}
	return h.whole(ctx, deals)
}

// dealsAList is how many deals' histories are asked for with one list: about two
// pages of records.
const dealsAList = 20

// whole reads the histories of deals. The history only grows at its end, so that
// records keep their places.
func (h *history) whole(ctx context.Context, deals []string) error {
	for batch := range slices.Chunk(deals, dealsAList*maxBatch) {
		var lists []asked
		for some := range slices.Chunk(batch, dealsAList) {
			lists = append(lists, asked{list: historyOf, filter: params{"@OWNER_ID": some}, after: "0"})
		}
		var all []entered
		take := gather(&all)
		total, err := h.several(ctx, lists, func(records []json.RawMessage) error {
			_, err := take(records, "")
			return err
		})
		if err == nil {
			h.rows.Expect(entity.Of[entity.DealStage](), total)
			err = h.write(ctx, all)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func gather(all *[]entered) on {
	return func(records []json.RawMessage, _ string) (bool, error) {
		for _, raw := range records {
			e, err := enter(raw)
			if err != nil {
				return false, err
			}
			*all = append(*all, e)
		}
		return true, nil
	}
}

// enter reads what the order of the history depends on.
func enter(raw json.RawMessage) (entered, error) {
	e := entered{raw: raw}
	if err := json.Unmarshal(raw, &e); err != nil {
		return e, fmt.Errorf("read the answer of %s: %w", historyOf.method, err)
	}
	at, err := time.Parse(time.RFC3339, e.At)
	if err != nil {
		return e, fmt.Errorf("read the answer of %s: record %d has no time: %q", historyOf.method, e.ID, e.At)
	}
	e.since = at
	return e, nil
}

// write makes rows of whole histories.
func (h *history) write(ctx context.Context, all []entered) error {
	slices.SortFunc(all, func(a, b entered) int {
		return cmp.Or(cmp.Compare(a.Deal, b.Deal), a.since.Compare(b.since), cmp.Compare(a.ID, b.ID))
	})
	all = slices.CompactFunc(all, func(a, b entered) bool { return a.ID == b.ID })
	h.rows.Page(historyOf.method)
	seq := int64(0)
	for i, e := range all {
		if seq++; i == 0 || all[i-1].Deal != e.Deal {
			seq = 1
		}
		r := h.rows.Record(e.raw)
		r.Need("ID", "OWNER_ID", "STAGE_ID", "CREATED_TIME")
		row := &entity.DealStage{DealID: r.ID("OWNER_ID"), Seq: seq, StageID: r.Text("STAGE_ID"), EnteredAt: r.Time("CREATED_TIME")}
		if i+1 < len(all) && all[i+1].Deal == e.Deal {
			row.LeftAt = entity.Some(entity.TimeOf(all[i+1].since))
		}
		r.Drop("ID")
		row.SourceUpdatedAt = row.EnteredAt
		record.Add(r, row)
		if err := h.rows.End(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
