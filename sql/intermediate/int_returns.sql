-- int_returns: each return of a lost customer, and what it brought.
-- grain: one row per customer_key and returned_on
-- materialized: incremental
-- key: customer_key
-- partition_by: sipHash64(customer_key) % 4
-- order_by: (customer_key, returned_on)
-- tags: winback
with

episodes as (
    select
        customer_key,
        episode_no,
        segment,
        loss_date,
        returned_on,
        revenue_12m,
        last_order_on,
        min(started_on) over (partition by customer_key) as customer_since,
        leadInFrame(loss_date) over (
            partition by customer_key order by episode_no rows between unbounded preceding and unbounded following
        ) as lost_again_on
    from {{ ref "int_episodes" }}
    where {{ touched "customer_key" }}
),

returns as (
    select
        customer_key,
        segment,
        assumeNotNull(loss_date) as lost_on,
        assumeNotNull(returned_on) as returned_on,
        revenue_12m as revenue_before,
        toUInt16(least(365, last_order_on - customer_since + 1)) as days_before,
        lost_again_on
    from episodes
    where episodes.returned_on is not null and loss_date is not null
),

purchases as (
    select customer_key, purchase_no, ordered_on, revenue
    from {{ ref "int_purchases" }}
    where {{ touched "customer_key" }}
),

monthly as (
    select
        purchases.customer_key as customer_key,
        returns.returned_on as returned_on,
        toStartOfMonth(purchases.ordered_on) as month,
        sumIf(coalesce(purchases.revenue, toDecimal64(0, 4)), purchases.ordered_on < returns.returned_on + 365) as year_revenue,
        sumIf(coalesce(purchases.revenue, toDecimal64(0, 4)), purchases.ordered_on < returns.returned_on + 183) as early_revenue,
        argMinIf(purchases.revenue, purchases.purchase_no, purchases.ordered_on = returns.returned_on) as trial
    from purchases
    inner join returns on returns.customer_key = purchases.customer_key
    where purchases.ordered_on >= returns.returned_on and purchases.ordered_on < returns.returned_on + 365
    group by customer_key, returned_on, month
),

after_return as (
    select
        customer_key,
        returned_on,
        sum(year_revenue) as revenue_after,
        max(early_revenue) as best_month,
        anyIf(trial, trial is not null) as trial_order
    from monthly
    group by customer_key, returned_on
)

select
    returns.customer_key as customer_key,
    returns.segment as segment,
    returns.lost_on as lost_on,
    returns.returned_on as returned_on,
    returns.revenue_before as revenue_before,
    returns.days_before as days_before,
    returns.lost_again_on as lost_again_on,
    cast(after_return.trial_order as Nullable(Decimal(18, 4))) as trial_order,
    cast(after_return.revenue_after as Decimal(38, 4)) as revenue_after,
    cast(after_return.best_month as Decimal(38, 4)) as best_month
from returns
inner join after_return on after_return.customer_key = returns.customer_key and after_return.returned_on = returns.returned_on

{{ define "touched" }}
select customer_key from {{ changed "int_episodes" }}
union all
select customer_key from {{ changed "int_purchases" }}
{{ end }}
