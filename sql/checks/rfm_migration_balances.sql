-- rfm_migration_balances: those who moved to a segment in a month are those who come from it in the next, and today's members of rfm_segments in the last.
-- severity: error
with

migration as (
    select * from {{ ref "rfm_migration" }}
),

members as (
    select
        toStartOfMonth({{ .AsOf }}) as month,
        arrayJoin(['(all)', segment]) as in_segment,
        cast(assumeNotNull(rfm_segments.rfm_segment) as String) as rfm_segment,
        toInt64(count()) as customers,
        sum(monetary) as revenue
    from {{ ref "rfm_segments" }}
    group by month, in_segment, rfm_segment
),

compared as (
    select month, segment, to_segment as rfm_segment, toInt64(customers) as difference, revenue_after as money
    from migration
    where to_segment != '(out)'
    union all
    select addMonths(month, -1), segment, from_segment as rfm_segment, -toInt64(customers) as difference, -revenue_before as money
    from migration
    where from_segment not in ('(new)', '(out)')
    union all
    select month, in_segment, rfm_segment, -customers as difference, -revenue as money from members
),

-- And the n of the shares is all who were in the segment the month before.
bases as (
    select month, segment, from_segment as rfm_segment, toInt64(max(migration.customers_before)) - toInt64(sum(migration.customers)) as difference
    from migration
    where from_segment not in ('(new)', '(out)')
    group by month, segment, from_segment
)

select month, segment, rfm_segment, sum(compared.difference) as difference, sum(compared.money) as money
from compared
group by month, segment, rfm_segment
having difference != 0 or money != 0
union all
select month, segment, rfm_segment, bases.difference as difference, toDecimal128(0, 4) as money from bases where difference != 0
