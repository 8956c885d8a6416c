// Package restapi asks an HTTP API for what it has: within the API's limits and as
// fast as they allow, with patience where waiting helps and none where it does not,
// and with errors that say what was asked, what the answer was and what to do, but
// never a secret.
//
// A connector makes one Client for a source and tells it what is peculiar to the
// API: how a request is signed (Auth), how many it may send (Budget), and how an
// error is to be read (Judge). Everything else is the same for all of them:
//
//   - A request that was throttled, timed out or met a failing server is sent again
//     after a growing, jittered wait, or after the wait that the answer asks for.
//     While the API asks for a pause, no other request is sent either.
//   - A body that breaks off counts as a failed request: it is read again whole.
//   - An answer 401 has the credentials renewed once, where they can be.
//   - What waiting will not change is told at once.
package restapi
