-- predictions_reconcile: every customer with an order has a row of predictions, nobody else has, and the card says the same.
select
    customers.customer_key as customer_key,
    customers.orders as orders,
    predictions.customer_key as predicted_key
from {{ ref "customers" }} as customers
full join {{ ref "customer_predictions" }} as predictions on predictions.customer_key = customers.customer_key
where coalesce(customers.orders > 0, false) != (predictions.customer_key is not null)
    or coalesce(customers.p_alive, -1) != coalesce(predictions.p_alive, -1)
