// Package connectortest holds connectors to their contract: Run tries one against
// a fake of its source as the world would, with throttling, failing servers, cut
// connections, records that change while they are read, and checks that every row
// comes exactly once, that nothing is asked for in vain, and that no secret gets
// out.
//
// Sources that are not asked over HTTP have troubles of their own in place of a
// server's: lines that are appended while a file is read, connections that are cut.
//
// A fake follows the published facts of the source and is stricter than it: what
// the real one ignores silently, as a misspelt parameter, is an error. It counts
// limits by the test's clock, which moves when the connector waits: so a night's
// pauses take no time.
package connectortest
