-- churn_monthly_by: churn of parts of the customers: by segment, region, sales channel and manager, each alone or any two together.
-- grain: one row per month, segment, region, channel and manager_id
-- materialized: view
-- tags: churn, monthly
with

movements as (
    select
        *,
        nullIf(customers_at_start, 0) as base,
        nullIf(customers_at_start_12m, 0) as base_12m,
        nullIf(lost_at_start, 0) as lost_base,
        nullIf(orders, 0) as paid_orders,
        nullIf(customers_at_start + new_customers + returned, 0) as members,
        -- Twelve months that end within a month have had less of it than those before.
        if(has_year_before and is_complete, nullIf(revenue_at_start, 0), null) as revenue_base
    from {{ ref "int_movements_by" }}
),

rates as (
    select
        *,
        100 * lost_12m / base_12m as churn_12m_pct,
        -- At a steady churn of a fifth a year a customer stays five years.
        base_12m / nullIf(lost_12m, 0) as lifetime_years,
        12 * orders_12m / nullIf(customer_months_12m, 0) as orders_per_year,
        -- Years x orders a year x average check, with the orders cancelled out.
        revenue_12m * 12 * base_12m / nullIf(lost_12m * customer_months_12m, 0) as lifetime_value
    from movements
)

select
    month,
    segment,
    region,
    channel,
    manager_id,
    customers_at_start,
    lost,
    100 * lost / base as churn_pct,
    churn_12m_pct,
    cast(multiIf(
        churn_12m_pct is null, null,
        churn_12m_pct >= {{ .Churn.AlarmLevel }}, 'alarm',
        churn_12m_pct > {{ .Churn.WatchLevel }}, 'watch',
        'normal'
    ) as LowCardinality(Nullable(String))) as level,
    returned,
    toInt64(lost) - toInt64(returned) as net_lost,
    revenue / paid_orders as average_check,
    orders / members as payments_per_customer,
    revenue * lost / members as lost_revenue_simple,
    lifetime_value as ltv_simple,
    lifetime_value * lost as lost_ltv,
    revenue_lost_observed as lost_revenue_observed,
    100 * toFloat64(revenue_lost + revenue_shrunk) / toFloat64(revenue_base) as revenue_churn_pct,
    100 * toFloat64(revenue_at_start - revenue_lost - revenue_shrunk + revenue_grown) / toFloat64(revenue_base) as revenue_retention_pct,
    is_complete,
    {{ wilson_lower "lost" "base" }} as churn_lower,
    {{ wilson_upper "lost" "base" }} as churn_upper,
    customers_at_start_12m,
    lost_12m,
    {{ wilson_lower "lost_12m" "base_12m" }} as churn_12m_lower,
    {{ wilson_upper "lost_12m" "base_12m" }} as churn_12m_upper,
    lost_at_start,
    100 * returned_of_lost / lost_base as return_pct,
    {{ wilson_lower "returned_of_lost" "lost_base" }} as return_lower,
    {{ wilson_upper "returned_of_lost" "lost_base" }} as return_upper,
    lifetime_years,
    orders_per_year,
    100 * toFloat64(revenue_lost + revenue_shrunk - revenue_grown - revenue_returned) / toFloat64(revenue_base) as revenue_churn_net_pct,
    100 * (base - lost) / base as retention_pct,
    manager
from rates
