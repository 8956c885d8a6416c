package config

import (
	"net/url"
	"strings"
	"time"

	"winback/connectors/spec"
	"winback/pipelines/objects"
)

// Landing says how and where rows are kept before they are loaded.
type Landing struct {
	URL string `yaml:"url" doc:"bucket that the files are kept in, with the folder in it; the folder landing of the project's home if not given" example:"s3://acme-winback/landing"`
	S3
	Grace        time.Duration `yaml:"grace" default:"24h" doc:"how long files stay in the bucket that compaction has replaced: no reader on another machine may take longer" advanced:"true"`
	Keep         spec.Bytes    `yaml:"keep" default:"1GiB" doc:"how much of what was just uploaded stays on this machine's disk until the next run, so that it is loaded without a download" advanced:"true"`
	Server       ServerReads   `yaml:"server" doc:"a ClickHouse server that loads files from the bucket itself; the program streams them to it if not given"`
	PartSize     spec.Bytes    `yaml:"part_size" default:"8MiB" doc:"memory that the rows of one Parquet file take while they are collected; the file is about a quarter of it, and one that compaction writes as large as it" advanced:"true"`
	CompactAfter int           `yaml:"compact_after" default:"500" doc:"how many extractions or small files of a dataset pile up before a run puts them together at its end; 0 for never" advanced:"true"`
}

// S3 says how a service that speaks S3 is reached, and as whom.
type S3 struct {
	Endpoint     string      `yaml:"endpoint" doc:"address of a service that is not Amazon's" example:"https://minio.example.com:9000"`
	Region       string      `yaml:"region" doc:"region of the bucket; asked of the service if not given" example:"eu-central-1"`
	Addressing   string      `yaml:"addressing" default:"auto" enum:"auto|path|virtual" doc:"whether requests name the bucket in the path or in the host; auto is virtual at Amazon and path elsewhere" advanced:"true"`
	CAFile       spec.Path   `yaml:"ca_file" doc:"certificate authority to trust besides the system's, as a PEM file" advanced:"true"`
	AccessKey    spec.Secret `yaml:"access_key" doc:"access key; without one come the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the file ~/.aws/credentials, and the role of the machine or pod" example:"${S3_ACCESS_KEY}"`
	SecretKey    spec.Secret `yaml:"secret_key" doc:"secret key of it" example:"${S3_SECRET_KEY}"`
	SessionToken spec.Secret `yaml:"session_token" doc:"token of a key that is valid for a while" example:"${S3_SESSION_TOKEN}" advanced:"true"`
}

// ServerReads says as whom a ClickHouse server reads the bucket.
type ServerReads struct {
	Access     ServerAccess `yaml:"access" default:"none" enum:"none|collection|role|own|keys" doc:"by whose right the server reads: a named collection of it that holds the keys, a role that it takes on, its own account, or the keys above, which then are part of the statements that it is sent"`
	Collection string       `yaml:"collection" doc:"the named collection, with access_key_id and secret_access_key" example:"winback_landing"`
	Role       string       `yaml:"role" doc:"the role" example:"arn:aws:iam::123456789012:role/winback-landing"`
	Endpoint   string       `yaml:"endpoint" doc:"address of the service as the server sees it, if that is another one" example:"http://minio.internal:9000" advanced:"true"`
}

// ServerAccess is by whose right a ClickHouse server reads the bucket.
type ServerAccess = string

// Ways in which a server reads the bucket.
const (
	ServerReadsNothing ServerAccess = "none"
	ByCollection       ServerAccess = "collection"
	ByRole             ServerAccess = "role"
	ByItself           ServerAccess = "own"
	ByKeys             ServerAccess = "keys"
)

// OnDisk says that the files are kept in the project's home.
func (l *Landing) OnDisk() bool { return l.URL == "" }

// Options are those to open a bucket with, named as s3://bucket/prefix.
func (s *S3) Options(at string) (objects.S3Options, error) {
	bucket, prefix, err := objects.ParseS3URL(at)
	return objects.S3Options{
		Bucket: bucket, Prefix: prefix, Endpoint: s.Endpoint, Region: s.Region, Addressing: objects.Addressing(s.Addressing), CAFile: string(s.CAFile),
		AccessKey: s.AccessKey.Reveal(), SecretKey: s.SecretKey.Reveal(), SessionToken: s.SessionToken.Reveal(),
	}, err
}

// Validate checks the address, and keeps part files in the range where loading works
// well.
func (l *Landing) Validate(n spec.Node, errs *spec.Errors) {
	if l.PartSize < 1<<20 || l.PartSize > 4<<30 {
		errs.Addf(n.Get("part_size"), "wants 1MiB to 4GiB, got %v", l.PartSize)
	}
	if l.CompactAfter < 0 || l.CompactAfter == 1 {
		errs.Addf(n.Get("compact_after"), "wants 2 or more, or 0 for never, got %d", l.CompactAfter)
	}
	if l.OnDisk() {
		for _, key := range []string{"endpoint", "region", "addressing", "ca_file", "access_key", "secret_key", "session_token", "grace", "keep", "server"} {
			if n.Get(key).IsSet() {
				errs.Addf(n.Get(key), "is of no use without url, the bucket")
			}
		}
		return
	}
	if _, _, err := objects.ParseS3URL(l.URL); err != nil {
		errs.Addf(n.Get("url"), "%w", err)
	}
	if l.Grace < 0 {
		errs.Addf(n.Get("grace"), "wants a time such as 24h")
	}
	l.S3.check(n, errs)
	l.Server.check(n.Get("server"), l.AccessKey != "", errs)
}

func (s *S3) check(n spec.Node, errs *spec.Errors) {
	if s.Endpoint != "" && !serviceAddress(s.Endpoint) {
		errs.Addf(n.Get("endpoint"), "wants the address of the service without a path, such as https://minio.example.com:9000")
	}
	if s.CAFile != "" && !strings.HasPrefix(s.Endpoint, "https://") {
		errs.Addf(n.Get("ca_file"), "needs an https endpoint")
	}
	switch {
	case s.AccessKey != "" && s.SecretKey == "":
		errs.Addf(n.Get("access_key"), "wants its secret_key, as ${S3_SECRET_KEY} or {file: path}")
	case s.AccessKey == "" && (s.SecretKey != "" || s.SessionToken != ""):
		errs.Addf(firstSet(n, "secret_key", "session_token"), "is of no use without access_key")
	}
}

// serviceAddress says whether a text is http(s)://host:port.
func serviceAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil && strings.Trim(u.Path, "/") == "" && u.RawQuery == ""
}

func (s *ServerReads) check(n spec.Node, keys bool, errs *spec.Errors) {
	for key, wanted := range map[string]struct {
		access ServerAccess
		given  bool
	}{"collection": {ByCollection, s.Collection != ""}, "role": {ByRole, s.Role != ""}} {
		switch {
		case s.Access == wanted.access && !wanted.given:
			errs.Addf(firstSet(n, key, "access"), "wants the name of the %s", key)
		case s.Access != wanted.access && wanted.given:
			errs.Addf(n.Get(key), "is of no use without access: %s", wanted.access)
		}
	}
	if s.Access == ByKeys && !keys {
		errs.Addf(n.Get("access"), "wants the landing zone's access_key and secret_key")
	}
	if s.Endpoint != "" && !serviceAddress(s.Endpoint) {
		errs.Addf(n.Get("endpoint"), "wants the address of the service without a path, such as http://minio.internal:9000")
	}
}

// landing checks what the landing zone and the warehouse want of each other.
func (c *Config) landing(root spec.Node, errs *spec.Errors) {
	if c.Landing.Server.Access != ServerReadsNothing && c.Landing.Server.Access != "" && c.Warehouse.Embedded() {
		errs.Addf(root.Get("landing").Get("server"), "is of no use without warehouse.url: the embedded engine is given the files by the program")
	}
}
