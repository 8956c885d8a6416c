package model

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"winback/pipelines/check"
)

// buildVersion changes when the way models are built changes so that tables of
// an older program have to be built again.
const buildVersion = "1"

// DataVersions tells which data the raw tables hold.
type DataVersions interface {
	// Version returns a text that changes whenever the raw rows of the entity do,
	// and only then. It is read before the models that read the entity are built.
	Version(ctx context.Context, domain, entity string) (string, error)
}

// DataChanges are DataVersions that also tell which raw rows came in since a
// version. Without them an incremental model that follows an entity is built whole.
type DataChanges interface {
	DataVersions
	// Since tells of the rows of the entity that came in after the raw table had the
	// version; ok is false when that is not known.
	Since(ctx context.Context, domain, entity, version string) (a Arrivals, ok bool, err error)
}

// Arrivals are raw rows that came in.
type Arrivals struct {
	// Condition is SQL over the columns of the raw table that each of them meets;
	// others may meet it too. Empty when none came in.
	Condition string
	// Rows is how many were loaded.
	Rows int64
}

// digest returns a short hash of the parts; no two lists of parts share one.
func digest(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// definition identifies what the files say about the model.
func (m *Model) definition() string {
	parts := []string{
		buildVersion, string(m.Materialized), m.OrderBy, m.PartitionBy, m.Engine, m.body, m.Summary, m.Grain, m.Description,
	}
	if len(m.Key) > 0 {
		parts = append(parts, "key", strings.Join(m.Key, ","), strings.Join(m.Changes, ","))
	}
	if m.computation != nil {
		parts = append(parts, "computed by", m.ComputedBy, m.computation.Version)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Settings)) {
		parts = append(parts, name, m.Settings[name])
	}
	for _, c := range m.Columns {
		parts = append(parts, c.Name, c.Type, c.Description)
	}
	for _, c := range m.Checks {
		c.Place = ""
		encoded, err := json.Marshal(c)
		if err != nil { // plain fields always encode
			panic(err)
		}
		parts = append(parts, string(encoded))
	}
	for _, r := range m.seedRows {
		for i, name := range r.columns {
			parts = append(parts, name, r.cells[i].text)
		}
		parts = append(parts, "")
	}
	return digest(parts...)
}

// compiledIdentity identifies the SQL with the project's values in it, checks
// that judge by the date among it.
func (m *Model) compiledIdentity(sql string, vars Vars) string {
	parts := []string{sql}
	for _, c := range m.Checks {
		if c.Kind == check.Freshness {
			parts = append(parts, c.FailingRows(m.Relation(), vars.moment()))
		}
	}
	return digest(parts...)
}

// identity puts the parts of a build's fingerprint together.
func identity(definition, compiled string, inputs map[string]string) string {
	parts := []string{definition, compiled}
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		parts = append(parts, name, inputs[name])
	}
	return digest(parts...)
}

// sourceKey is the key of an entity among a build's inputs; models have no dots.
func sourceKey(s Source) string { return s.String() }

// why says in words why a model has to be built, or returns "" when it is up to
// date. has is the last good build, want what would be built now.
func why(m *Model, has build, known, exists bool, want build) string {
	switch {
	case !known:
		return "never built"
	case !exists:
		return m.FullName() + " is missing from the warehouse"
	case has.fingerprint == want.fingerprint:
		return ""
	case has.definition != want.definition:
		return "its files changed"
	}
	var changed []string
	if has.compiled != want.compiled {
		changed = append(changed, "the project's values in its SQL changed")
	}
	for _, name := range slices.Sorted(maps.Keys(want.inputs)) {
		if has.inputs[name] == want.inputs[name] {
			continue
		}
		if strings.Contains(name, ".") {
			changed = append(changed, "new data in "+name)
		} else {
			changed = append(changed, name+" changed")
		}
	}
	return strings.Join(changed, ", ")
}
