-- unmapped_reasons: reasons written in words that no pattern knows, the most costly first.
-- grain: one row per reason
-- materialized: view
-- tags: reasons
with

statements as (
    select reason, origin, said_on from {{ ref "int_reason_statements" }} where reason is not null
),

unmapped as (
    select reason from {{ ref "int_reasons" }} where reason_category = 'unmapped'
),

losses as (
    select reason, revenue_12m from {{ ref "customer_episodes" }} where reason_category = 'unmapped'
),

written as (
    select
        assumeNotNull(statements.reason) as reason,
        arraySort(groupUniqArray(origin)) as origins,
        count() as times,
        max(said_on) as last_said_on
    from statements
    where statements.reason in (select reason from unmapped)
    group by reason
),

costs as (
    select losses.reason as reason, count() as lost, sum(losses.revenue_12m) as lost_revenue
    from losses
    group by reason
)

select
    written.reason as reason,
    written.origins as origins,
    written.times as times,
    written.last_said_on as last_said_on,
    coalesce(costs.lost, 0) as lost,
    coalesce(costs.lost_revenue, toDecimal128(0, 4)) as lost_revenue
from written
left join costs on costs.reason = written.reason
order by lost_revenue desc, times desc, reason
