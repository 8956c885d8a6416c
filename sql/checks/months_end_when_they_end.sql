-- months_end_when_they_end: no table tells of a month that has not begun, and a month is complete from its last day on.
-- severity: error
with

months as (
    select 'churn_monthly' as what, month, is_complete from {{ ref "churn_monthly" }}
    union all
    select 'base_movement' as what, month, is_complete from {{ ref "base_movement" }}
    union all
    select 'churn_cohorts' as what, addMonths(cohort_month, month_no) as month, is_complete from {{ ref "churn_cohorts" }}
)

select what, month, is_complete, count() as times
from months
where month > {{ .AsOf }} or is_complete != (toLastDayOfMonth(month) <= {{ .AsOf }})
group by what, month, is_complete
