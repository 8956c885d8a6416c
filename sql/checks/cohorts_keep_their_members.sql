-- cohorts_keep_their_members: a cohort has as many members in every month as customers were new in its first, and losses only add up.
-- severity: error
with

cohorts as (
    select * from {{ ref "churn_cohorts" }}
),

movements as (
    select month, segment, new from {{ ref "base_movement" }}
),

with_previous as (
    select
        *,
        lagInFrame(toNullable(lost_cum)) over history as lost_before,
        lagInFrame(toNullable(active_or_later)) over history as active_or_later_before
    from cohorts
    window history as (
        partition by segment, cohort_month order by month_no rows between unbounded preceding and unbounded following
    )
)

select
    with_previous.cohort_month as cohort_month,
    with_previous.month_no as month_no,
    with_previous.segment as segment,
    with_previous.size as size,
    movements.new as new
from with_previous
left join movements on movements.month = with_previous.cohort_month and movements.segment = with_previous.segment
where coalesce(movements.new != with_previous.size, true)
    or coalesce(with_previous.lost_cum < with_previous.lost_before, false)
    or coalesce(with_previous.active_or_later > with_previous.active_or_later_before, false)
