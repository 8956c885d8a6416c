-- customers: one row a customer, everything known about them as of the day the warehouse describes.
-- grain: one row per customer_key
-- materialized: view
-- tags: churn
with

customers as (
    select * from {{ ref "int_customers_scored" }}
),

predictions as (
    select customer_key, p_alive, expected_orders_365d, clv from {{ ref "customer_predictions" }}
)

select
    customers.customer_key as customer_key,
    name,
    kind,
    segment,
    status,
    emails,
    phones,
    city,
    country,
    birthday,
    manager_id,
    manager_name,
    first_order_at,
    last_order_at,
    first_order_on,
    last_order_on,
    gap_days as days_since_order,
    orders,
    revenue,
    margin,
    revenue / nullIf(orders, 0) as average_check,
    -- Over the time as a customer, counted as a year at least.
    365 * nullIf(orders, 0) / greatest(dateDiff('day', first_order_on, coalesce(customers.loss_date, day)), 365) as orders_per_year,
    median_gap_days,
    revenue_12m,
    loss_date,
    loss_kind,
    if(is_lost, null, customers.lost_if_silent_on) as lost_if_silent_on,
    usual_gap_days,
    personal_lost_after,
    cast(multiIf(
        orders = 0, if(contract_terminated_on is not null, 'lost', null),
        personal_lost_if_silent_on <= day, 'lost',
        personal_sleeps_on <= day, 'sleeping',
        'active'
    ) as LowCardinality(Nullable(String))) as personal_status,
    multiIf(orders = 0, contract_terminated_on, personal_lost_if_silent_on <= day, personal_lost_if_silent_on, null) as personal_loss_date,
    losses,
    returns,
    last_returned_on,
    r_score,
    f_score,
    m_score,
    rfm,
    rfm_segment,
    signed_up_on,
    contract_started_on,
    contract_terminated_on,
    termination_reason,
    marketing_consent,
    preferences,
    dislikes,
    is_showcase,
    tags,
    records,
    predictions.p_alive as p_alive,
    predictions.expected_orders_365d as expected_orders_365d,
    predictions.clv as clv
from customers
left join predictions on predictions.customer_key = customers.customer_key
