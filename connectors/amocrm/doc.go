// Package amocrm reads an account of amoCRM or Kommo, which are one system under
// two names: the address decides. It fills deals with the history of their stages,
// customers (contacts and companies) with the managers who had them, managers,
// pipelines, tasks and calls.
//
// Three things shape it:
//
//   - Lists have no totals, and their pages move while records change. So they are
//     read by time of change, always the first page from the last time seen; nothing
//     can slip from one page to another.
//   - The history of stages exists as events only, in which the first stage of a deal
//     does not occur. A deal that was touched has its whole history read again, ten
//     deals a request: so numbers and times are right whatever was read before.
//   - The vendor blocks an address that goes on after it was told to slow down. The
//     budget is a little below the seven requests a second that are allowed.
package amocrm
