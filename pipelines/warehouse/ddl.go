package warehouse

import (
	"fmt"
	"strings"

	"winback/connectors/entity"
	"winback/pipelines/quote"
)

// ColumnType returns the ClickHouse type of a contract's field.
func ColumnType(f *entity.Field) string {
	base := map[entity.Kind]string{
		entity.Text: "String", entity.Enum: "String", entity.JSON: "String", entity.Int: "Int64",
		entity.Bool: "Bool", entity.Timestamp: "DateTime64(6, 'UTC')", entity.Day: "Date32",
		entity.Dec:      fmt.Sprintf("Decimal(18, %d)", f.Scale),
		entity.TextList: "Array(String)", entity.TextMap: "Map(String, String)",
	}[f.Kind]
	if !f.Required {
		base = "Nullable(" + base + ")"
	}
	if f.Kind == entity.Enum {
		base = "LowCardinality(" + base + ")"
	}
	return base
}

// CreateRawTable returns the statement that makes an entity's raw table: every
// version of every key, of which the latest extraction counts.
func CreateRawTable(s *entity.Schema) string { return CreateRawTableAs(s, s.Table()) }

// CreateRawTableAs is CreateRawTable for a table of another name in the same database.
func CreateRawTableAs(s *entity.Schema, name string) string {
	columns := make([]string, len(s.Fields))
	for i := range s.Fields {
		columns[i] = "    " + columnDefinition(&s.Fields[i])
	}
	order := append([]string{"source"}, s.KeyNames()...)
	return fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s.%s\n(\n%s\n)\nENGINE = ReplacingMergeTree(extracted_at)\nORDER BY (%s)\nCOMMENT %s",
		Raw, name, strings.Join(columns, ",\n"), strings.Join(order, ", "), quote.Literal(s.Doc))
}

// addRawColumn returns the statement that adds a field to a raw table that was
// made before the contract had it.
func addRawColumn(s *entity.Schema, f *entity.Field) string {
	return fmt.Sprintf("ALTER TABLE %s.%s ADD COLUMN IF NOT EXISTS %s AFTER %s",
		Raw, s.Table(), columnDefinition(f), quote.Always(s.Fields[f.Index-1].Name))
}

func columnDefinition(f *entity.Field) string {
	return fmt.Sprintf("%s %s COMMENT %s", quote.Always(f.Name), ColumnType(f), quote.Literal(columnComment(f)))
}

func columnComment(f *entity.Field) string {
	if f.PII {
		return f.Doc + " (personal data)"
	}
	return f.Doc
}
