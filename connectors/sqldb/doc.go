// Package sqldb reads tables and queries of SQL databases and maps them to
// entities column by column: the connectors postgres and mysql.
//
// A table is read in pages, in the order of its key or of its change mark, each
// page a statement of its own that begins behind the last row of the one before.
// Values go from the bytes that the server sent into the columns of a batch,
// without a value of their own in between.
package sqldb
