-- months_follow_each_other: each month starts with the customers and the money that the one before ended with.
-- severity: error
with

movements as (
    select * from {{ ref "base_movement" }}
),

with_previous as (
    select
        month,
        segment,
        at_start,
        revenue_at_start,
        lagInFrame(toNullable(month)) over history as month_before,
        lagInFrame(toNullable(at_end)) over history as at_end_before,
        lagInFrame(toNullable(revenue_at_end)) over history as revenue_at_end_before
    from movements
    window history as (partition by segment order by month rows between unbounded preceding and unbounded following)
)

select *
from with_previous
where coalesce(month_before != addMonths(month, -1), false)
    or at_start != coalesce(at_end_before, 0)
    or revenue_at_start != coalesce(revenue_at_end_before, toDecimal128(0, 4))
