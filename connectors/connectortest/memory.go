package connectortest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"winback/connectors"
	"winback/connectors/entity"
)

// Memory is a sink that keeps rows as text, the newest of each key, as the landing
// zone and the warehouse together would.
type Memory struct {
	mu      sync.Mutex
	schemas map[string]*entity.Schema
	rows    map[string]map[string]string // by entity and key
	written map[string]int               // rows handed over, by entity
	rejects []connectors.Reject
	counts  map[string]connectors.Counts
	notices []connectors.Notice
	inputs  []string
	// OnWrite, if set, is called with each batch, aligned.
	OnWrite func(b *entity.Batch)
}

// NewMemory returns an empty sink.
func NewMemory() *Memory {
	return &Memory{
		schemas: map[string]*entity.Schema{}, rows: map[string]map[string]string{},
		written: map[string]int{}, counts: map[string]connectors.Counts{},
	}
}

// NewBatch returns an empty batch.
func (m *Memory) NewBatch(s *entity.Schema) *entity.Batch { return entity.NewBatch(s) }

// Write keeps the rows of a batch.
func (m *Memory) Write(ctx context.Context, b *entity.Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	b.Align()
	if m.OnWrite != nil {
		m.OnWrite(b)
	}
	name := b.Schema.FullName()
	m.schemas[name] = b.Schema
	if m.rows[name] == nil {
		m.rows[name] = map[string]string{}
	}
	for i := range b.Rows() {
		m.rows[name][KeyOf(b, i)] = RowText(b, i)
		m.written[name]++
	}
	return ctx.Err()
}

// Reject keeps what was put aside.
func (m *Memory) Reject(_ context.Context, r connectors.Reject) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rejects = append(m.rejects, r)
	return nil
}

// Count adds up counts.
func (m *Memory) Count(s *entity.Schema, c connectors.Counts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	sum := m.counts[s.FullName()]
	sum.Read += c.Read
	sum.Ignored += c.Ignored
	sum.Duplicates += c.Duplicates
	sum.Expected += c.Expected
	m.counts[s.FullName()] = sum
}

// Input numbers inputs.
func (m *Memory) Input(name string) int32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inputs = append(m.inputs, name)
	return int32(len(m.inputs))
}

// Notice keeps what a source tells; it is for Request.Notice.
func (m *Memory) Notice(n connectors.Notice) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notices = append(m.notices, n)
}

// Keys are the keys of an entity's rows, sorted; several fields stand with a
// slash between them.
func (m *Memory) Keys(entityName string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.rows[entityName]))
}

// Row is a row as text, "" if there is none.
func (m *Memory) Row(entityName, key string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rows[entityName][key]
}

// Rows are all rows of an entity as text, in the order of their keys.
func (m *Memory) Rows(entityName string) []string {
	var list []string
	for _, key := range m.Keys(entityName) {
		list = append(list, m.Row(entityName, key))
	}
	return list
}

// Written is how many rows of an entity were handed over, the same key again
// included.
func (m *Memory) Written(entityName string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.written[entityName]
}

// Rejects are the records that were put aside.
func (m *Memory) Rejects() []connectors.Reject {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.rejects)
}

// Counts are those of an entity.
func (m *Memory) Counts(entityName string) connectors.Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts[entityName]
}

// Notices are what the source told.
func (m *Memory) Notices() []connectors.Notice {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.notices)
}

// Everything is all that the sink was given, as one text, to look for what must
// not be in it.
func (m *Memory) Everything() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fmt.Sprintf("%v\n%+v\n%+v\n%v", m.rows, m.rejects, m.notices, m.inputs)
}

// merge takes over what another sink holds, as a commit does.
func (m *Memory) merge(from *Memory) {
	for name, rows := range from.rows {
		if m.rows[name] == nil {
			m.rows[name] = map[string]string{}
		}
		maps.Copy(m.rows[name], rows)
		m.written[name] += from.written[name]
	}
	maps.Copy(m.schemas, from.schemas)
	m.rejects = append(m.rejects, from.rejects...)
	m.notices = append(m.notices, from.notices...)
	m.inputs = append(m.inputs, from.inputs...)
	for name, c := range from.counts {
		sum := m.counts[name]
		sum.Read += c.Read
		sum.Ignored += c.Ignored
		sum.Duplicates += c.Duplicates
		sum.Expected += c.Expected
		m.counts[name] = sum
	}
}

// KeyOf is the key of row i of an aligned batch, with slashes between its fields.
func KeyOf(b *entity.Batch, i int) string {
	parts := make([]string, len(b.Schema.Keys))
	for k, at := range b.Schema.Keys {
		parts[k] = b.Columns[at].TextOf(i)
	}
	return strings.Join(parts, "/")
}

// RowText writes the values of row i of an aligned batch that are not null, in
// alphabetical order: amount=12.5 id=7. Of Meta it has payload,
// source_updated_at, and deleted where it is set.
func RowText(b *entity.Batch, i int) string {
	var parts []string
	for at := range b.Columns {
		c := &b.Columns[at]
		f := c.Field
		if c.IsNull(i) || f.Meta && f.Required && (f.Name != "deleted" || c.Ints[i] == 0) {
			continue
		}
		if text := c.TextOf(i); text != "" {
			parts = append(parts, f.Name+"="+text)
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}
