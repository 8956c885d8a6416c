// Package mapping is what connectors share whose users say themselves which columns
// make the fields of an entity: how times and numbers may be written, the cleaning
// of texts, conditions, and what is kept in the payload. It knows columns by their
// text alone; where the text comes from is the connector's.
package mapping
