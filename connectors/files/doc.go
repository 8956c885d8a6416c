// Package files reads tables from files: CSV and TSV with any delimiter, Excel
// workbooks, JSON documents and lines, and Parquet; plain, packed or in archives.
//
// # From a file to rows
//
// A dataset is a pattern of files and, for each entity they hold, a map from
// the contract's fields to columns. Reading is a pipeline: one goroutine reads,
// unpacks and cuts the text between records; several split and convert; the one
// that called Extract hands the rows to the sink, in the order of the files.
// Memory is a few buffers, however large the files are.
//
// Formats that are no lines of text are made such: a reader writes the rows of a
// sheet or of a Parquet file, and the records of a JSON document, as JSON with one
// object a line, and everything behind it is the same. Lines then count rows or
// records. Numbers of the format itself stay numbers of JSON, so that no way of
// writing them is looked for.
//
// # Documents
//
// With group_by, records that share a value make one document: an invoice whose
// lines are spread over many records. Entities are then one row per document
// (the values of its records are folded) or one row per record. Records of a
// document may be interleaved with others'; at most `window` documents are open
// at a time, and those untouched for longest are closed first.
//
// A document is the unit that is counted once. When it comes again in a later
// file of the run with the same content, in whatever order its records stand, it
// is dropped and counted as a duplicate. With other content it is put aside
// whole, naming the file that had it first. Over runs the later version
// replaces the earlier one, as every row with the same key does.
//
// A record of a document that does not fit is put aside alone (bad_lines: line):
// the document keeps its other records, their numbers and its line_count as if the
// record were there, so that it can be added later, and the payload of its
// per-document rows says "quarantined_lines". With bad_lines: document the whole
// document is put aside instead: its money is then right or absent, never short.
// When a file breaks off, the document that was being read is put aside whole.
//
// # What is new
//
// A file is known by its content. Name, size and time of change equal to an
// earlier read's are taken as the same content; otherwise the bytes are hashed,
// and content that was read before, under whatever name, is not read again. A
// changed mapping makes every file new.
//
// # Local times
//
// Times without a zone are of the field's, dataset's, source's or project's time
// zone, the first that is declared. Of the two instants that a local time has when
// clocks go back, the earlier is taken; a local time that was skipped when clocks
// went forward counts as that much later. A day alone is midnight.
package files
