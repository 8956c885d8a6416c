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
),

service as (
    select customer_key, complaints, satisfaction, overdue_debt from {{ ref "int_customer_service" }}
),

candidates as (
    select customer_key, is_eligible, not_eligible_reason, offer, channel from {{ ref "winback_candidates" }}
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
    predictions.clv as clv,
    coalesce(service.complaints, 0) as complaints,
    service.satisfaction as satisfaction,
    coalesce(service.overdue_debt, toDecimal128(0, 4)) as overdue_debt,
    multiIf(
        coalesce(candidates.is_eligible, false), concat('win back: ', coalesce(candidates.offer, 'make contact'), coalesce(concat(', by ', candidates.channel), '')),
        candidates.customer_key is not null, concat('leave alone: ', coalesce(candidates.not_eligible_reason, '')),
        coalesce(service.overdue_debt > 0, false), 'ask for what is overdue',
        orders = 0 and coalesce(signed_up_on + {{ .Churn.SilentAfter }} <= day, false), 'invite to a first order',
        null
    ) as next_best_action
from customers
left join predictions on predictions.customer_key = customers.customer_key
left join service on service.customer_key = customers.customer_key
left join candidates on candidates.customer_key = customers.customer_key
