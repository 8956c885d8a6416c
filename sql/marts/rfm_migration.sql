-- rfm_migration: from which RFM segment to which the customers moved between the ends of two months.
-- grain: one row per month, segment, from_segment and to_segment
-- materialized: table
-- order_by: (segment, month, from_segment, to_segment)
-- tags: rfm, monthly
with

moves as (
    select *, arrayJoin(['(all)', segment]) as in_segment from {{ ref "int_rfm_moves" }}
),

counted as (
    select
        moves.month as month,
        in_segment,
        from_segment,
        to_segment,
        sum(moves.customers) as customers,
        sum(moves.revenue_before) as revenue_before,
        sum(moves.revenue_after) as revenue_after
    from moves
    group by month, in_segment, from_segment, to_segment
),

-- The n of a share: those who were in the segment before. Who came from outside
-- are a share of nobody known.
with_base as (
    select
        *,
        if(from_segment in ('(new)', '(out)'), null, toNullable(sum(customers) over (partition by month, in_segment, from_segment))) as customers_before,
        toBool(toLastDayOfMonth(month) <= {{ .AsOf }}) as is_complete,
        if(is_complete, customers_before, null) as base
    from counted
)

select
    month,
    in_segment as segment,
    from_segment,
    to_segment,
    toUInt64(customers) as customers,
    customers_before,
    100 * customers / base as share_pct,
    {{ wilson_lower "customers" "base" }} as share_lower,
    {{ wilson_upper "customers" "base" }} as share_upper,
    revenue_before,
    revenue_after,
    is_complete
from with_base
