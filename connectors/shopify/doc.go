// Package shopify reads shops of Shopify through the GraphQL Admin API: orders with
// their lines and refunds, customers, products with their variants, and abandoned
// checkouts.
//
// A long window of time, as on a first run, is read by a bulk operation: the shop
// writes a file of records, parents and children in any order, which is joined in
// temporary files. A short window is read page by page. What a query costs is taken
// from a bucket that the shop refills; its answers tell how full it is, and queries
// wait until there is enough in it.
//
// Amounts are those of the goods, without tax and delivery, in the shop's own
// currency. The revenue of an order is the sum of its lines less discounts less
// refunds. Gift cards are no goods: what is bought with them is.
package shopify
