// Package woocommerce reads shops of WooCommerce through their REST API (wc/v3):
// orders with their lines, refunds and carts, products with their variations, and
// customers.
//
// Orders are read by windows of the time of their last change, each window in the
// order of ids, which stands still while it is read. Pages overlap by a row: a page
// that does not begin with the last row of the one before it shows that rows have
// gone meanwhile, and is asked for again further back.
//
// The API has no filter of changed customers. They are read whole now and then; in
// between those come who are new or whose orders have changed. Products are read
// whole as often, since a change of a variation does not always show in its product,
// and by time of change in between.
//
// Amounts are those of the goods, without tax and delivery, refunds included: the
// revenue of an order is the sum of its lines less discounts less refunds, and
// comes to nothing when all was paid back.
package woocommerce
