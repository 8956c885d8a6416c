package bitrix24

import (
	"context"
	"encoding/json"
	"fmt"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
)

// entityTypeIds of the CRM's own types, and where those of smart processes begin.
const (
	leadType          = 1
	dealType          = 2
	contactType       = 3
	companyType       = 4
	invoiceType       = 31
	firstSmartProcess = 128
)

// pipelines reads pipelines with their stages, whole every time.
func (s *source) pipelines(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
	last, err := record.LastSeen(req)
	if err != nil {
		return connectors.Extracted{}, err
	}
	categories, err := s.categories(ctx, dealType)
	if err != nil {
		return connectors.Extracted{}, err
	}
	rows := s.wholeRows(req, sink, entity.Of[entity.Pipeline](), last)
	rows.Page("crm.category.list")
	var stages []command
	var ids []string
	for _, raw := range categories {
		r := rows.Record(raw)
		r.Need("id", "name")
		id := r.Text("id") // 0 is the default pipeline
		record.Add(r, &entity.Pipeline{ID: id, Name: r.Text("name")})
		if err := rows.End(ctx, r); err != nil {
			return connectors.Extracted{}, err
		}
		ids = append(ids, id)
		stages = append(stages, command{"crm.status.list", params{"filter": params{"ENTITY_ID": stageDirectory(id)}, "order": params{"SORT": "ASC"}}})
	}
	replies, err := s.each(ctx, stages)
	if err != nil {
		return connectors.Extracted{}, err
	}
	rows.Page("crm.status.list")
	for i, reply := range replies {
		if reply.err != nil {
			return connectors.Extracted{}, reply.err
		}
		if err := s.stages(ctx, rows, ids[i], reply.result); err != nil {
			return connectors.Extracted{}, err
		}
	}
	return rows.CloseWhole(ctx, last)
}

// stages makes rows of the stages of a pipeline.
func (s *source) stages(ctx context.Context, rows *record.Rows, pipeline string, result json.RawMessage) error {
	if err := s.learn(stageDirectory(pipeline), result); err != nil {
		return err
	}
	var list []json.RawMessage
	if err := json.Unmarshal(result, &list); err != nil {
		return fmt.Errorf("read the answer of crm.status.list: %w", err)
	}
	for _, raw := range list {
		r := rows.Record(raw)
		r.Need("STATUS_ID", "NAME", "SEMANTICS")
		r.Drop("ID", "ENTITY_ID", "CATEGORY_ID", "EXTRA", "COLOR", "NAME_INIT", "SYSTEM")
		record.Add(r, &entity.Stage{
			PipelineID: pipeline, ID: r.Text("STATUS_ID"), Name: r.Text("NAME"), Sort: r.Int("SORT"), Kind: stateOf(r.Text("SEMANTICS")),
		})
		if err := rows.End(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// stageDirectory names the directory of the stages of a pipeline.
func stageDirectory(pipeline string) string {
	if pipeline == "0" {
		return "DEAL_STAGE"
	}
	return "DEAL_STAGE_" + pipeline
}

// stateOf is what a semantics stands for; none, or P, is in work.
func stateOf(semantics string) string {
	switch semantics {
	case "S":
		return "won"
	case "F":
		return "lost"
	}
	return "open"
}

// categories are the pipelines of a type.
func (s *source) categories(ctx context.Context, typeID int) ([]json.RawMessage, error) {
	replies, err := s.each(ctx, []command{{"crm.category.list", params{"entityTypeId": typeID}}})
	if err != nil {
		return nil, err
	}
	if replies[0].err != nil {
		return nil, replies[0].err
	}
	return list{method: "crm.category.list", items: "categories"}.records(replies[0].result)
}
