-- rfm_migration_balances: those who moved to a segment are its members at the month's end, those who moved from it its members a month before.
-- severity: error
with

members as (
    select
        arrayJoin(['(all)', segment]) as in_segment,
        month,
        rfm_segment,
        count() as customers,
        sum(monetary) as revenue
    from {{ ref "int_rfm_months" }}
    group by in_segment, month, rfm_segment
),

migration as (
    select * from {{ ref "rfm_migration" }}
),

compared as (
    select month, segment, to_segment as rfm_segment, 'at the end' as what, toInt64(customers) as difference, revenue_after as money
    from migration
    where to_segment != '(out)'
    union all
    select month, segment, from_segment as rfm_segment, 'a month before' as what, toInt64(customers) as difference, revenue_before as money
    from migration
    where from_segment not in ('(new)', '(out)')
    union all
    select month, in_segment, rfm_segment, 'at the end' as what, -toInt64(customers) as difference, -revenue as money from members
    union all
    select addMonths(month, 1), in_segment, rfm_segment, 'a month before' as what, -toInt64(customers) as difference, -revenue as money
    from members
    where addMonths(month, 1) <= {{ .AsOf }}
)

select month, segment, rfm_segment, what, sum(compared.difference) as difference, sum(compared.money) as money
from compared
group by month, segment, rfm_segment, what
having difference != 0 or money != 0
