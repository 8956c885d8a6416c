// Package asterisk reads the calls of an Asterisk exchange: its call detail
// records (CDR) and its queue log, from the files it writes or from SQL tables.
//
// # From records to calls
//
// Asterisk writes one call down in pieces: a detail record for each leg and each
// attempt of a queue, and a line of the queue log for each thing that happens to a
// caller who waits. The pieces are put together by the id of the caller's channel:
// linkedid, or uniqueid where there is none. How long somebody waited and whom they
// talked to comes from the queue log, since the times of a detail record count from
// when the queue answered; without it, and for calls through no queue, from the
// detail records.
//
// # What is new
//
// Detail records are written when a leg has ended, so the pieces of a call come
// over as long as it lasts. Each extraction therefore reads the last day (lag) of
// both logs again, and makes the calls that began in it anew. A file is known by its
// first line, whatever its name is after rotation, and is read on where it ended; a
// last line without its end is left for the next time.
//
// Nothing is ever deleted by Asterisk: files go when they are old, and the calls in
// them stay.
package asterisk
