package files

import (
	"slices"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/mapping"
	"winback/connectors/spec"
)

// Config is what can be set for a source of files.
type Config struct {
	Timezone string                `yaml:"timezone" doc:"zone of the times in the files that name none; default: the project's" example:"Europe/London"`
	Payload  mapping.Payload       `yaml:"payload" default:"unmapped" doc:"what of a record is kept in payload: unmapped columns, full record, none, or a list of columns" example:"none"`
	Datasets spec.Ordered[Dataset] `yaml:"datasets" required:"true" doc:"what to read, by a name of your choice; each is read and committed together"`
	Settle   time.Duration         `yaml:"settle" default:"5s" advanced:"true" doc:"a file changed since less than this, and seen to change or open in the program that writes it, is left for the next run; 0s reads it as it is"`
	Vanished string                `yaml:"vanished" default:"warn" enum:"keep|warn|fail" doc:"what a file means that was read and is gone, or has shrunk: keep its rows, warn and keep them, or fail the dataset"`
	Node     spec.Node             `yaml:",node"`
}

// Dataset is a set of files with the same kind of records.
type Dataset struct {
	Files     []spec.Path                 `yaml:"files" required:"true" doc:"patterns of files, ** for folders at any depth; relative to the configuration; what follows an archive's name are its members" example:"data/orders-*.csv.gz"`
	Entity    string                      `yaml:"entity" doc:"entity that a record is; default: the dataset's name" example:"shop.customers"`
	Fields    spec.Ordered[Field]         `yaml:"fields" doc:"the entity's fields, each with the column it is made from" example:"{id: CustomerID}"`
	Entities  spec.Ordered[EntityMapping] `yaml:"entities" doc:"instead of entity and fields, when the same records hold several entities"`
	Where     []mapping.Condition         `yaml:"where" doc:"records that do not meet these conditions are left out" example:"{column: Type, equals: sale}"`
	GroupBy   *Group                      `yaml:"group_by" doc:"records with the same value make one document, as the lines of an invoice" example:"Invoice"`
	Window    int                         `yaml:"window" default:"100000" advanced:"true" doc:"documents held open at a time, waiting for further records"`
	BadLines  string                      `yaml:"bad_lines" default:"line" enum:"line|document" advanced:"true" doc:"what goes to quarantine when a record of a document does not fit: the line alone, or the document"`
	Format    string                      `yaml:"format" enum:"csv|tsv|ndjson|json|xlsx|parquet" doc:"default: by content and name"`
	Records   string                      `yaml:"records" doc:"path of the array that holds the records of JSON documents; default: the array at the top, or the document" example:"data.items"`
	Encoding  string                      `yaml:"encoding" enum:"utf-8|utf-16|utf-16le|utf-16be|windows-1250|windows-1251|windows-1252|windows-1254|latin-1|koi8-r|ibm866" doc:"encoding of the text; default: by its byte-order mark or its first bytes"`
	Delimiter string                      `yaml:"delimiter" doc:"character between fields; default: found in the first lines" example:"\";\""`
	Quote     string                      `yaml:"quote" doc:"character around fields, or none; default: \"" example:"none"`
	Columns   []string                    `yaml:"columns" doc:"names of the columns of files that have no header line" example:"[id, at, amount]"`
	Sheet     []string                    `yaml:"sheet" doc:"sheets of a workbook, by name, number or pattern; default: the one with the most mapped columns" example:"Orders 20*"`
	HeaderRow int                         `yaml:"header_row" doc:"row of a sheet, or line of a text, that holds the names of the columns; default: in sheets the first with mapped columns" example:"3"`
	SkipLines int                         `yaml:"skip_lines" advanced:"true" doc:"lines above the header"`
	Rename    map[string]string           `yaml:"rename" doc:"names of columns in the files: names used here; for files with differing headers" example:"{InvoiceNo: Invoice}"`
	Nulls     []string                    `yaml:"nulls" doc:"texts that mean no value, besides nothing at all" example:"[nan, \"-\"]"`
	Timezone  string                      `yaml:"timezone" doc:"as for the source, for these files"`
	Payload   mapping.Payload             `yaml:"payload" doc:"as for the source, for these files"`
	Node      spec.Node                   `yaml:",node"`

	Duplicates Duplicates `yaml:"duplicates" doc:"what becomes of records of one run with the same key and other content: report (default) keeps the first and puts the others aside; first, last and {newest: field} keep that one and count the others as duplicates; quarantine puts all aside" example:"{newest: ordered_at}"`
}

// EntityMapping says how records become rows of one entity.
type EntityMapping struct {
	Fields     spec.Ordered[Field] `yaml:"fields" required:"true" doc:"the entity's fields, each with the column it is made from" example:"{id: Invoice}"`
	Where      []mapping.Condition `yaml:"where" doc:"only records that meet these conditions" example:"{column: Invoice, prefix: C}"`
	Each       string              `yaml:"each" doc:"one row for each element of this array in a record; ^.id is the record's own id" example:"line_items"`
	Per        string              `yaml:"per" enum:"document|line" doc:"one row per document or per record; default: per document, unless a field is numbered by line"`
	Duplicates Duplicates          `yaml:"duplicates" doc:"as for the dataset, for this entity"`
	Payload    mapping.Payload     `yaml:"payload" doc:"as for the source, for this entity"`
	Node       spec.Node           `yaml:",node"`
}

// Field says how one field is made. As a text it is a column's name, as a list
// the names it may have.
type Field struct {
	Column       []string             `yaml:"column" doc:"column, or the names it may have; a path in JSON" example:"Customer ID"`
	Const        string               `yaml:"const" doc:"the same value for every record" example:"GBP"`
	Product      []string             `yaml:"product" doc:"columns to multiply" example:"[Quantity, Price]"`
	Auto         string               `yaml:"auto" enum:"line_number|line_count|file_name|file_line|row_hash" doc:"made by the reader: number of the record within its document, records of the document, name of the file, line of the file that the record begins on, hash of the record"`
	Join         []string             `yaml:"join" doc:"columns whose texts are put together with a blank between them, as a day and a time" example:"[Date, Time]"`
	Columns      spec.Ordered[string] `yaml:"columns" doc:"for maps: keys and the columns of their values" example:"{crm: CrmID}"`
	When         []mapping.Rule       `yaml:"when" doc:"rules tried first; the value of the first that fits is taken" example:"[{prefix: C, value: cancelled}]"`
	Clean        []string             `yaml:"clean" enum:"integer_id|lower|upper|digits|money|spaces" doc:"integer_id: 17850.0 to 17850; lower, upper: case; digits: drops all else; money: drops currencies, reads (5) and 5- as -5; spaces: single blanks" example:"integer_id"`
	Map          map[string]string    `yaml:"map" doc:"words of the source: words of the contract; others are kept" example:"{Оплачен: paid}"`
	Default      string               `yaml:"default" doc:"value where there is none"`
	Nulls        []string             `yaml:"nulls" doc:"texts that mean no value, besides the dataset's" example:"[\"9999-12-31\"]"`
	Layout       []string             `yaml:"layout" doc:"how times and dates are written: iso, dmy, mdy, unix, unix_ms, %d.%m.%Y or 02.01.2006" example:"\"%d.%m.%Y %H:%M\""`
	Timezone     string               `yaml:"timezone" doc:"zone of times that name none" example:"Europe/Moscow"`
	DecimalComma bool                 `yaml:"decimal_comma" doc:"1234,50 is 1234.50"`
	Thousands    string               `yaml:"thousands" doc:"character between groups of digits; a blank stands for every kind of blank" example:"\" \""`
	Factor       string               `yaml:"factor" doc:"number to multiply with" example:"0.01"`
	Clock        bool                 `yaml:"clock" doc:"a duration written 1:02:03 or 02:03 is its seconds"`
	Split        string               `yaml:"split" doc:"for lists: text between two items" example:"\";\""`
	Fold         string               `yaml:"fold" enum:"first|last|min|max|sum|count" doc:"value of a document from those of its records; default: first"`
	Mode         string               `yaml:"mode" enum:"strict|lenient" doc:"what a value that cannot be read does: strict (default) puts the record aside; lenient leaves the field empty, notes the value in quarantine and lets the record go on" example:"lenient"`
	Required     bool                 `yaml:"required" doc:"a record without a value goes to quarantine"`
	Optional     bool                 `yaml:"optional" doc:"a file may lack the column"`
	Node         spec.Node            `yaml:",node"`

	unreadable bool // errors were found while it was read
}

// SpecType names the type in references.
func (Field) SpecType() string { return "column, list of columns, or map" }

// UnmarshalSpec reads a column's name, a list of names, or the map of a field.
func (f *Field) UnmarshalSpec(n spec.Node, errs *spec.Errors) {
	before := errs.Len()
	if n.Kind() == spec.Mapping {
		type plain Field
		n.Decode((*plain)(f), errs)
	} else {
		f.Node = n
		n.Decode(&f.Column, errs)
	}
	f.unreadable = errs.Len() > before
}

// Group says which records make one document. As a text it is a column's name, as
// a list the names it may have.
type Group struct {
	Column []string  `yaml:"column" required:"true" doc:"column, or the names it may have; a path in JSON" example:"Invoice"`
	Clean  []string  `yaml:"clean" enum:"integer_id|lower|upper|digits|money|spaces" doc:"as for a field" example:"integer_id"`
	Nulls  []string  `yaml:"nulls" doc:"texts that mean no value, besides the dataset's" example:"[\"0\"]"`
	Node   spec.Node `yaml:",node"`
}

// SpecType names the type in references.
func (Group) SpecType() string { return Field{}.SpecType() }

// UnmarshalSpec reads a column's name, a list of names, or a map.
func (g *Group) UnmarshalSpec(n spec.Node, errs *spec.Errors) {
	if n.Kind() == spec.Mapping {
		type plain Group
		n.Decode((*plain)(g), errs)
		return
	}
	g.Node = n
	n.Decode(&g.Column, errs)
}

// Duplicates says which of several records with the same key stays.
type Duplicates struct {
	Keep   string // a rule of package connectors; "" where nothing is said
	Newest string // the field that the rule newest compares
	Node   spec.Node
}

// SpecType names the type in references.
func (Duplicates) SpecType() string { return "report, first, last, quarantine, or {newest: field}" }

// UnmarshalSpec reads a rule's name, or the field that tells the newest.
func (d *Duplicates) UnmarshalSpec(n spec.Node, errs *spec.Errors) {
	d.Node = n
	if n.Kind() == spec.Mapping {
		var given struct {
			Newest string `yaml:"newest" required:"true"`
		}
		n.Decode(&given, errs)
		d.Keep, d.Newest = connectors.KeepNewest, given.Newest
		return
	}
	known := []string{connectors.ReportDuplicates, connectors.KeepFirst, connectors.KeepLast, connectors.KeepNone}
	if d.Keep = n.Text(); !slices.Contains(known, d.Keep) {
		errs.Addf(n, "wants report, first, last, quarantine or {newest: field}%s", spec.Hint(d.Keep, known))
	}
}

// UnmarshalSpec reads the configuration and also reports what tags cannot
// express: entities and fields that do not exist, options that do not fit a
// field's kind, missing keys. It is no Validate, as that would wait until all
// other errors are gone.
func (c *Config) UnmarshalSpec(n spec.Node, errs *spec.Errors) {
	type plain Config
	n.Decode((*plain)(c), errs)
	compile(c, surroundings{}, errs)
}

// entityNames lists what can be mapped.
func entityNames() []string {
	var names []string
	for _, s := range entity.All() {
		names = append(names, s.FullName())
	}
	return names
}
