package sqldb

import (
	"strconv"
	"time"

	"winback/connectors/mapping"
	"winback/connectors/spec"
)

// Server says how a database is reached. The keys stand in the source itself.
type Server struct {
	URL      spec.Secret `yaml:"url" doc:"address with user and password in it, instead of the keys below" example:"${SHOP_DATABASE_URL}"`
	Host     string      `yaml:"host" doc:"name or address of the server" example:"db.example.com"`
	Port     int         `yaml:"port" doc:"default: the usual one, 5432 or 3306"`
	Database string      `yaml:"database" doc:"name of the database" example:"shop"`
	User     string      `yaml:"user" doc:"user who may read the tables, and better nothing else" example:"winback"`
	Password spec.Secret `yaml:"password" doc:"password of the user" example:"${SHOP_DATABASE_PASSWORD}"`
	TLS      string      `yaml:"tls" default:"prefer" enum:"off|prefer|require|verify" doc:"off; prefer: if the server has it; require: always, without looking at the certificate; verify: always, and the certificate must be the host's"`
	CA       spec.Path   `yaml:"ca" doc:"file with the certificates of the authority that signed the server's; default: those of the system" example:"db-ca.pem"`
}

// PostgresConfig is what can be set for a source that is a PostgreSQL database.
type PostgresConfig struct {
	Server
	Reading
	Node spec.Node `yaml:",node"`
}

// MySQLConfig is what can be set for a source that is a MySQL or MariaDB database.
type MySQLConfig struct {
	Server
	Socket spec.Path `yaml:"socket" doc:"socket of a server on this machine, instead of host and port" example:"/run/mysqld/mysqld.sock"`
	Reading
	Node spec.Node `yaml:",node"`
}

// Reading says what is read of a database, and how.
type Reading struct {
	Timezone  string                `yaml:"timezone" doc:"zone of times that are stored without one; default: the project's" example:"Europe/Berlin"`
	Payload   mapping.Payload       `yaml:"payload" default:"unmapped" doc:"what of a row is kept in payload: unmapped columns, full row, none, or a list of columns; of the first two, columns called like passwords and tokens are left out" example:"none"`
	Sweep     time.Duration         `yaml:"sweep" default:"7d" doc:"how often all keys are compared, to notice deleted rows; 0s: never"`
	Statement time.Duration         `yaml:"statement" default:"1s" advanced:"true" doc:"how long one statement may keep the server busy, about; pages are made so large"`
	Timeout   time.Duration         `yaml:"timeout" default:"60s" advanced:"true" doc:"when the server gives up a statement"`
	Datasets  spec.Ordered[Dataset] `yaml:"datasets" required:"true" doc:"what to read, by a name of your choice; each is read and committed by itself"`
}

// Dataset is a table, or a query, whose rows are those of an entity.
type Dataset struct {
	Table      string              `yaml:"table" doc:"table or view, with its schema where that is not the usual one; default: the dataset's name, if no query is given" example:"public.orders"`
	Query      string              `yaml:"query" doc:"a select instead of a table" example:"select o.*, c.email from orders o join customers c on c.id = o.customer_id"`
	Entity     string              `yaml:"entity" doc:"entity that a row is; default: the dataset's name" example:"shop.orders"`
	Fields     spec.Ordered[Field] `yaml:"fields" required:"true" doc:"the entity's fields, each with the column it is made from" example:"{id: order_id}"`
	Where      string              `yaml:"where" doc:"condition in SQL; other rows are left out" example:"shop_id = 7"`
	Key        []string            `yaml:"key" doc:"columns that tell rows apart, in whose order they are read; default: the primary key" example:"[shop_id, id]"`
	ChangedAt  string              `yaml:"changed_at" doc:"column, or expression, with the time of a row's last change, or a number that grows with every change; without it everything is read every time" example:"updated_at"`
	AppendOnly bool                `yaml:"append_only" doc:"rows are only ever added, in the order of the first column of the key: only those behind the last one are read"`
	Overlap    Overlap             `yaml:"overlap" doc:"how far before the last change is read again, for transactions that were open; default: 10m, of numbers 1000" example:"1h"`
	Deleted    string              `yaml:"deleted" doc:"column, or condition in SQL, that marks rows as deleted: true, not 0, or a time" example:"deleted_at"`
	Partitions int                 `yaml:"partitions" default:"1" doc:"ranges of the key that a first or whole reading has side by side, each by a connection of its own; where the order of reading begins with a whole number or a time" example:"4"`
	Sweep      *time.Duration      `yaml:"sweep" doc:"as for the source, for this dataset; default there: never where rows are only added"`
	Timezone   string              `yaml:"timezone" doc:"as for the source, for this dataset"`
	Payload    mapping.Payload     `yaml:"payload" doc:"as for the source, for this dataset"`
	Node       spec.Node           `yaml:",node"`
}

// Field says how one field is made. As a text it is a column's name.
type Field struct {
	Column       string               `yaml:"column" doc:"column" example:"customer_id"`
	SQL          string               `yaml:"sql" doc:"expression in SQL, made by the server" example:"price * quantity"`
	Const        string               `yaml:"const" doc:"the same value for every row" example:"GBP"`
	Columns      spec.Ordered[string] `yaml:"columns" doc:"for maps: keys and the columns of their values" example:"{crm: crm_id}"`
	When         []mapping.Rule       `yaml:"when" doc:"rules tried first; the value of the first that fits is taken" example:"[{equals: X, value: cancelled}]"`
	Clean        []string             `yaml:"clean" enum:"integer_id|lower|upper|digits|money|spaces" doc:"integer_id: 17850.0 to 17850; lower, upper: case; digits: drops all else; money: drops currencies, reads (5) and 5- as -5; spaces: single blanks" example:"lower"`
	Map          map[string]string    `yaml:"map" doc:"words of the source: words of the contract; others are kept" example:"{P: paid}"`
	Default      string               `yaml:"default" doc:"value where there is none"`
	Nulls        []string             `yaml:"nulls" doc:"values that mean no value, besides NULL" example:"[\"\", \"9999-12-31\"]"`
	Layout       []string             `yaml:"layout" doc:"how times and dates are written in a text or a number: iso, dmy, mdy, unix, unix_ms, %d.%m.%Y or 02.01.2006" example:"unix"`
	Timezone     string               `yaml:"timezone" doc:"zone of times that are stored without one" example:"Europe/Moscow"`
	DecimalComma bool                 `yaml:"decimal_comma" doc:"the text 1234,50 is 1234.50"`
	Thousands    string               `yaml:"thousands" doc:"character between groups of digits in a text; a blank stands for every kind of blank" example:"\" \""`
	Factor       string               `yaml:"factor" doc:"number to multiply with" example:"0.01"`
	Split        string               `yaml:"split" doc:"for lists: text between two items" example:"\";\""`
	Mode         string               `yaml:"mode" enum:"strict|lenient" doc:"what a value that does not fit does: strict (default) puts the row aside; lenient leaves the field empty, notes the value in quarantine and lets the row go on" example:"lenient"`
	Required     bool                 `yaml:"required" doc:"a row without a value goes to quarantine"`
	Node         spec.Node            `yaml:",node"`

	unreadable bool // errors were found while it was read
}

// SpecType names the type in references.
func (Field) SpecType() string { return "column, or map" }

// UnmarshalSpec reads a column's name or the map of a field.
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

// Overlap is how far before the last change rows are read again: a time where
// changes are told by times, a number where they are told by numbers.
type Overlap struct {
	Time   time.Duration
	Number int64
	Node   spec.Node
}

// SpecType names the type in references.
func (Overlap) SpecType() string { return "duration, or number" }

// UnmarshalSpec reads a duration or a whole number.
func (o *Overlap) UnmarshalSpec(n spec.Node, errs *spec.Errors) {
	o.Node = n
	if number, err := strconv.ParseInt(n.Text(), 10, 64); err == nil {
		if o.Number = number; number < 0 {
			errs.Addf(n, "wants a number from 0")
		}
		return
	}
	n.Decode(&o.Time, errs)
}

// UnmarshalSpec reads the configuration and also reports what tags cannot express.
func (c *PostgresConfig) UnmarshalSpec(n spec.Node, errs *spec.Errors) {
	type plain PostgresConfig
	n.Decode((*plain)(c), errs)
	c.check(n, errs)
	compile(&c.Reading, n, surroundings{}, errs)
}

// UnmarshalSpec reads the configuration and also reports what tags cannot express.
func (c *MySQLConfig) UnmarshalSpec(n spec.Node, errs *spec.Errors) {
	type plain MySQLConfig
	n.Decode((*plain)(c), errs)
	if c.Socket == "" {
		c.check(n, errs)
	}
	compile(&c.Reading, n, surroundings{}, errs)
}

// check reports an address that is missing or given twice.
func (s *Server) check(n spec.Node, errs *spec.Errors) {
	switch {
	case s.URL == "" && s.Host == "" && !n.Get("url").IsSet():
		errs.Addf(n, "says no server: give url, or host, database, user and password")
	case s.URL != "" && s.Host != "":
		errs.Addf(n.Get("host"), "the server is told twice: give either url, or host and the keys with it")
	case s.Host != "" && (s.Database == "" || s.User == ""):
		errs.Addf(n, "host needs database and user beside it")
	}
	if s.CA != "" && s.TLS != "verify" {
		errs.Addf(n.Get("ca"), "is looked at with tls: verify alone: say that too, or leave ca out")
	}
	if s.Port < 0 || s.Port > 65535 {
		errs.Addf(n.Get("port"), "wants a number from 1 to 65535")
	}
}
