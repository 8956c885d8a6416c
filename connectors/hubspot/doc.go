// Package hubspot reads an account of HubSpot's CRM: contacts and companies with
// the owners they had, deals with the history of their stages, tickets, calls and
// other activities, products, pipelines and owners.
//
// A first run takes the plain lists, which go by id, have no end at some depth and
// bring histories and links with them. Later runs ask the search for what changed.
// A search ends after 10,000 results and shifts when a record changes, so it is
// never paged: each question begins at the time at which the last one ended. What
// the search does not tell, histories and links, is asked for in batches.
package hubspot
