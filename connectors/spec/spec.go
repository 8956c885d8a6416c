// Package spec turns YAML into Go structs and says, with file, line and column, everything that is wrong with it.
//
// A struct with tags is the whole description of a piece of configuration: decoding, defaults, the refusal of unknown
// keys and the reference that `winback sources describe` prints all come from it.
//
//	type Config struct {
//		Files     []spec.Path `yaml:"files" required:"true" doc:"which files to read" example:"data/orders*.csv"`
//		Delimiter string      `yaml:"delimiter" default:"," doc:"what stands between two fields"`
//		Encoding  string      `yaml:"encoding" enum:"utf-8|windows-1251" default:"utf-8" doc:"…"`
//		Password  spec.Secret `yaml:"password" doc:"…"`
//	}
//
// Tags of a field:
//
//	yaml:"name"      the key; a field without it is no key. An embedded struct without it gives its keys to the outer one.
//	yaml:",node"     on a field of type Node: receives the node the struct itself was read from.
//	required:"true"  the key must be there and have a value.
//	default:"…"      the value of a key that is not there, written as in YAML ("30", "[a, b]").
//	enum:"a|b"       the values allowed, of a text, of each item of a list, or of each value of a map.
//	secret:"true"    the value is never printed; it may be given as {file: path}. The type Secret implies it.
//	doc, example     for people.
//	advanced:"true"  left out of short listings.
//
// Values may be: text, bool, integers, floats, time.Duration (also 7d and 2w), time.Time, the types Date, Percent,
// Bytes, Path and Secret, anything with UnmarshalText, structs, pointers, slices (one item may stand without its
// brackets), maps with text keys, Ordered, Node (left for later), and types with their own UnmarshalSpec.
//
// A key that is absent, or present without a value, leaves its field as it was, or sets the default. Keys that begin
// with "x-" are skipped: they are a place for YAML anchors.
package spec

// Unmarshaler is implemented by a type with several forms, such as a column given by its name alone or by a map.
// It reads n, which has a value, into itself and adds to errs what is wrong. Decoding the map form into the type
// itself would call this method again; decode into a plain copy of the type: `type plain T; n.Decode((*plain)(t), errs)`.
type Unmarshaler interface {
	UnmarshalSpec(n Node, errs *Errors)
}

// Validator is implemented by a struct with rules that tags cannot express. Decode calls it, with the node the struct
// was read from, after everything inside was decoded without an error. A struct whose key is absent is not validated.
type Validator interface {
	Validate(n Node, errs *Errors)
}

// TypeNamer is implemented by a type that wants to be called something better than "text" in descriptions. It is
// asked on a zero value.
type TypeNamer interface {
	SpecType() string
}
