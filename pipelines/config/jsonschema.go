package config

import (
	"encoding/json"

	"winback/connectors"
	"winback/connectors/spec"
	"winback/pipelines/config/scaffold"
)

// SchemaFile is the usual name of the JSON schema of the configuration, beside it.
const SchemaFile = scaffold.SchemaFile

// JSONSchema writes the JSON schema of winback.yaml, with the keys of all connectors,
// for editors to complete and check by.
func JSONSchema(registry *connectors.Registry) ([]byte, error) {
	b := spec.NewSchemaBuilder()
	root := b.Object(&Settings{})
	root["properties"].(spec.JSONSchema)["sources"] = spec.JSONSchema{
		"description": "where data comes from, by a name of your own",
		"anyOf": []any{
			spec.JSONSchema{"type": "null"},
			spec.JSONSchema{
				"type": "object", "propertyNames": spec.JSONSchema{"pattern": sourceName.String() + "|^x-"},
				"additionalProperties": spec.JSONSchema{"$ref": "#/$defs/source"},
			},
		},
	}
	b.Definitions["source"] = sourceSchema(b, registry)
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "winback.yaml"
	root["$defs"] = b.Definitions
	text, err := json.MarshalIndent(root, "", " ")
	return append(text, '\n'), err
}

// sourceSchema is that of a source: the connector says which other keys there are.
func sourceSchema(b *spec.SchemaBuilder, registry *connectors.Registry) spec.JSONSchema {
	var cases []any
	for _, name := range registry.Names() {
		c := registry.Lookup(name)
		object := b.Object(c.NewConfig())
		common := b.Object(&SourceSettings{})
		properties := object["properties"].(spec.JSONSchema)
		for key, value := range common["properties"].(spec.JSONSchema) {
			properties[key] = value
		}
		properties["connector"] = spec.JSONSchema{"const": name, "description": c.Summary}
		b.Definitions["connector."+name] = object
		cases = append(cases, spec.JSONSchema{
			"if":   spec.JSONSchema{"properties": spec.JSONSchema{"connector": spec.JSONSchema{"const": name}}},
			"then": spec.JSONSchema{"$ref": "#/$defs/connector." + name},
		})
	}
	return spec.JSONSchema{
		"type": "object", "required": []string{"connector"},
		"properties": spec.JSONSchema{"connector": spec.JSONSchema{"enum": registry.Names(), "description": "what kind of source it is"}},
		"allOf":      cases,
	}
}
