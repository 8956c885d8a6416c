package asterisk

import (
	"regexp"
	"time"

	"winback/connectors/spec"
	"winback/connectors/sqldb"
)

// Config are the keys of a source.
type Config struct {
	Timezone string            `yaml:"timezone" required:"true" doc:"zone of the times in the detail records: UTC where usegmtime=yes is set in cdr.conf, else the exchange's" example:"Europe/Berlin"`
	CDR      *CDR              `yaml:"cdr" doc:"detail records of calls, in files or in a table"`
	QueueLog *QueueLog         `yaml:"queue_log" doc:"log of the queues, in files or in a table"`
	Database *Database         `yaml:"database" doc:"where the tables are"`
	Lag      time.Duration     `yaml:"lag" default:"24h" doc:"how far back the logs are read again, as a call is written down when it has ended; longer than any call"`
	Inside   string            `yaml:"inside" default:"^[0-9]{2,5}$" doc:"what the numbers of the company's own telephones look like (RE2)" example:"^[1-4][0-9]{2}$"`
	Contexts map[string]string `yaml:"contexts" enum:"inbound|outbound|internal" doc:"direction of calls by the context of the dialplan they began in; without it, by whose numbers are the company's own" example:"{from-trunk: inbound, from-internal: outbound}"`
	Dial     []string          `yaml:"dial_prefixes" doc:"digits that are dialled before an outside number, and are no part of it" example:"[\"0\"]"`
	Since    spec.Date         `yaml:"since" doc:"calls that began earlier are left out; default: all there are" example:"2024-01-01"`
	Slice    int               `yaml:"slice" default:"200000" advanced:"true" doc:"records that are read and committed at a time"`
}

// CDR says where detail records are.
type CDR struct {
	Files   []spec.Path `yaml:"files" doc:"patterns of files, also packed; not the copies by account" example:"/var/log/asterisk/cdr-csv/Master.csv*"`
	Table   string      `yaml:"table" doc:"table instead of files" example:"cdr"`
	Columns []string    `yaml:"columns" doc:"what the columns are, where cdr_custom.conf says so; default: those of Master.csv, by their number" example:"[clid, src, dst, start, answer, end, duration, billsec, disposition, uniqueid]"`
}

// QueueLog says where the log of the queues is.
type QueueLog struct {
	Files    []spec.Path `yaml:"files" doc:"patterns of files, also packed" example:"/var/log/asterisk/queue_log*"`
	Table    string      `yaml:"table" doc:"table instead of files" example:"queue_log"`
	Timezone string      `yaml:"timezone" doc:"zone of the table's times, where it is not that of the detail records: UTC with queue_log_realtime_use_gmt=yes" example:"UTC"`
}

// Database says how the exchange's database is reached.
type Database struct {
	Kind string `yaml:"kind" default:"mysql" enum:"mysql|postgres" doc:"what it is; mysql is MariaDB as well"`
	sqldb.Server
	Socket  spec.Path     `yaml:"socket" doc:"socket of a MySQL server on this machine, instead of host and port" example:"/run/mysqld/mysqld.sock"`
	Timeout time.Duration `yaml:"timeout" default:"60s" advanced:"true" doc:"when the server gives up a statement"`
}

// columnNames are those that a detail record may have.
var columnNames = []string{
	"accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata", "start", "answer", "end",
	"duration", "billsec", "disposition", "amaflags", "uniqueid", "userfield", "peeraccount", "linkedid", "sequence",
	"calldate", "recordingfile", "cnum", "cnam", "outbound_cnum", "outbound_cnam", "dst_cnam", "did", "tenantid", "peertenantid",
}

// Validate refuses what cannot work.
func (c *Config) Validate(n spec.Node, errs *spec.Errors) {
	if _, err := time.LoadLocation(c.Timezone); err != nil || c.Timezone == "Local" {
		errs.Addf(n.Get("timezone"), "unknown zone %q: give a name such as Europe/Berlin, or UTC", c.Timezone)
	}
	if c.CDR == nil && c.QueueLog == nil {
		errs.Addf(n, "wants cdr, queue_log, or both")
	}
	if _, err := regexp.Compile(c.Inside); err != nil {
		errs.Addf(n.Get("inside"), "is no regular expression: %w", err)
	}
	if c.Lag < time.Minute {
		errs.Addf(n.Get("lag"), "wants a duration of some hours, such as 24h")
	}
	if c.CDR != nil {
		c.CDR.check(n.Get("cdr"), errs)
		c.oneOf(n.Get("cdr"), len(c.CDR.Files) > 0, c.CDR.Table != "", errs)
	}
	if c.QueueLog != nil {
		c.oneOf(n.Get("queue_log"), len(c.QueueLog.Files) > 0, c.QueueLog.Table != "", errs)
		if _, err := time.LoadLocation(c.QueueLog.Timezone); err != nil {
			errs.Addf(n.Get("queue_log").Get("timezone"), "unknown zone %q: give a name such as Europe/Berlin, or UTC", c.QueueLog.Timezone)
		}
	}
}

// oneOf refuses a log that is in no place, or in two.
func (c *Config) oneOf(n spec.Node, files, table bool, errs *spec.Errors) {
	switch {
	case files == table:
		errs.Addf(n, "wants files or a table")
	case table && c.Database == nil:
		errs.Addf(n, "is in a table: say in database where that is")
	}
}

func (c *CDR) check(n spec.Node, errs *spec.Errors) {
	known := map[string]bool{}
	for _, name := range columnNames {
		known[name] = true
	}
	seen := map[string]bool{}
	for _, name := range c.Columns {
		if !known[name] {
			errs.Addf(n.Get("columns"), "unknown column %q%s", name, spec.Hint(name, columnNames))
		}
		seen[name] = true
	}
	if len(c.Columns) > 0 && !seen["uniqueid"] && !seen["linkedid"] {
		errs.Addf(n.Get("columns"), "needs uniqueid or linkedid, to tell calls apart")
	}
	if len(c.Columns) > 0 && !seen["start"] && !seen["calldate"] {
		errs.Addf(n.Get("columns"), "needs start or calldate")
	}
}
