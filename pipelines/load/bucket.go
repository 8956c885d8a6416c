package load

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"winback/pipelines/landing"
	"winback/pipelines/quote"
)

// Bucket says how a ClickHouse server reads landing files from a bucket itself, by its
// function s3(). By whose right is decided by what is set: a named collection, a role,
// keys, or none of them, for the server's own account.
type Bucket struct {
	// URL is the address of a file as the server reaches it.
	URL func(path string) string
	// Look says whether the file is there with the size it must have. Its content is
	// guarded by the service: the checksum is not compared, as it is when the program
	// streams it.
	Look                               func(landing.Entry) error
	Collection, Role                   string
	AccessKey, SecretKey, SessionToken string
}

// hiddenKey stands for a key in whatever is shown of a statement.
const hiddenKey = "[HIDDEN]"

// Statement is what has the server load a file. It may hold keys.
func (b *Bucket) Statement(f File) string {
	columns := quote.Names(f.Columns)
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s", f.Table, columns, columns, b.table(f))
}

// table returns the call of s3() that reads a file as its table takes it.
func (b *Bucket) table(f File) string {
	url, structure := quote.Literal(b.URL(f.Path)), quote.Literal(f.structure())
	switch {
	case b.Collection != "":
		return fmt.Sprintf("s3(%s, url = %s, format = 'Parquet', structure = %s)", quote.Name(b.Collection), url, structure)
	case b.Role != "":
		return fmt.Sprintf("s3(%s, 'Parquet', %s, extra_credentials(role_arn = %s))", url, structure, quote.Literal(b.Role))
	case b.AccessKey == "":
		return fmt.Sprintf("s3(%s, 'Parquet', %s)", url, structure)
	}
	keys := []string{url, quote.Literal(b.AccessKey), quote.Literal(b.SecretKey)}
	if b.SessionToken != "" {
		keys = append(keys, quote.Literal(b.SessionToken))
	}
	return fmt.Sprintf("s3(%s, 'Parquet', %s)", strings.Join(keys, ", "), structure)
}

// structure names the columns of the file and the types that they are read as, which
// are those of the table: the same as when the file is streamed into it.
func (f File) structure() string {
	list := make([]string, len(f.Columns))
	for i, name := range f.Columns {
		list[i] = quote.Name(name) + " " + f.Types[i]
	}
	return strings.Join(list, ", ")
}

// hide takes the keys out of an error: the server may say the statement again.
func (b *Bucket) hide(err error) error {
	text := err.Error()
	for _, key := range []string{b.SecretKey, b.SessionToken, b.AccessKey} {
		if key != "" {
			text = strings.ReplaceAll(strings.ReplaceAll(text, quote.Literal(key), "'"+hiddenKey+"'"), key, hiddenKey)
		}
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

// older are what a server says of a column that was landed with another type, which
// only the program converts: TYPE_MISMATCH, CANNOT_CONVERT_TYPE, ILLEGAL_TYPE_OF_ARGUMENT.
var older = []int32{53, 70, 43}

// loadByServer has the server read a file. It returns false if the program has to
// convert the file.
func (l *Loader) loadByServer(ctx context.Context, f File) (loaded bool, err error) {
	if err := l.Bucket.Look(landing.Entry{Path: f.Path, Bytes: f.Bytes, Checksum: f.Checksum}); err != nil {
		return false, fmt.Errorf("load %s: %w", f.Path, err)
	}
	err = l.Conn.Exec(insertSettings(ctx), l.Bucket.Statement(f))
	var answer *clickhouse.Exception
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &answer) && slices.Contains(older, answer.Code):
		return false, nil
	}
	return false, fmt.Errorf("have the server load %s into %s: %w", f.Path, f.Table, l.Bucket.hide(err))
}
