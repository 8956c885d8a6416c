-- rfm_migration: from which RFM segment to which the customers moved between the ends of two months.
-- grain: one row per month, segment, from_segment and to_segment
-- materialized: table
-- order_by: (segment, month, from_segment, to_segment)
-- tags: rfm, monthly
with

-- Wilson's 95 % interval of k out of n, in percent.
(k, n) -> round(abs(100 * (k / n + 1.9207294105 / n - 1.959963985 * sqrt(k / n * (1 - k / n) / n + 0.96036470525 / n / n)) / (1 + 3.841458821 / n)), 6) as wilson_low,
(k, n) -> round(100 * (k / n + 1.9207294105 / n + 1.959963985 * sqrt(k / n * (1 - k / n) / n + 0.96036470525 / n / n)) / (1 + 3.841458821 / n), 6) as wilson_high,

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
    wilson_low(customers, base) as share_lower,
    wilson_high(customers, base) as share_upper,
    revenue_before,
    revenue_after,
    is_complete
from with_base
