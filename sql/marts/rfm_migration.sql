-- rfm_migration: from which RFM segment to which the customers moved between the ends of two months.
-- grain: one row per month, segment, from_segment and to_segment
-- materialized: table
-- order_by: (segment, month, from_segment, to_segment)
-- tags: rfm, monthly
with

-- Wilson's 95 % interval of k out of n, in percent.
(k, n) -> round(abs(100 * (k / n + 1.9207294105 / n - 1.959963985 * sqrt(k / n * (1 - k / n) / n + 0.96036470525 / n / n)) / (1 + 3.841458821 / n)), 6) as wilson_low,
(k, n) -> round(100 * (k / n + 1.9207294105 / n + 1.959963985 * sqrt(k / n * (1 - k / n) / n + 0.96036470525 / n / n)) / (1 + 3.841458821 / n), 6) as wilson_high,

scored as (
    select customer_key, month, segment, is_new, monetary, cast(assumeNotNull(rfm_months.rfm_segment) as String) as rfm_segment
    from {{ ref "int_rfm_months" }} as rfm_months
),

neighbours as (
    select
        *,
        lagInFrame(toNullable(month)) over history as month_before,
        lagInFrame(toNullable(rfm_segment)) over history as segment_before,
        lagInFrame(toNullable(monetary)) over history as monetary_before,
        leadInFrame(toNullable(month)) over history as month_after
    from scored
    window history as (partition by customer_key order by month rows between unbounded preceding and unbounded following)
),

-- Who is scored at this month's end came from somewhere; who is not at the next
-- one fell out of the 365 days.
moves as (
    select
        segment as customer_segment,
        coalesce(month_before = addMonths(month, -1), false) as was_scored,
        arrayJoin(arrayConcat(
            [(
                month,
                multiIf(was_scored, assumeNotNull(segment_before), is_new, '(new)', '(out)'),
                rfm_segment,
                if(was_scored, assumeNotNull(monetary_before), toDecimal128(0, 4)),
                monetary
            )],
            if(coalesce(month_after != addMonths(month, 1), true) and addMonths(month, 1) <= {{ .AsOf }},
                [(addMonths(month, 1), rfm_segment, '(out)', monetary, toDecimal128(0, 4))], [])
        )) as move
    from neighbours
),

counted as (
    select
        tupleElement(move, 1) as month,
        arrayJoin(['(all)', customer_segment]) as in_segment,
        tupleElement(move, 2) as from_segment,
        tupleElement(move, 3) as to_segment,
        count() as customers,
        sum(tupleElement(move, 4)) as revenue_before,
        sum(tupleElement(move, 5)) as revenue_after
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
