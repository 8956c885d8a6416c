-- cohorts_conserve_their_members: the lost of a cohort, counted again from the stretches, and those kept and those not yet observed make its size.
-- severity: error
with

cohorts as (
    select cohort_month, month_no, segment, size, kept, lost_cum, not_observed from {{ ref "churn_cohorts" }}
),

-- The first loss of each customer, by the months since the first purchase.
first_losses as (
    select
        arrayJoin(['(all)', segment]) as in_segment,
        toStartOfMonth(started_on) as cohort_month,
        toUInt32(dateDiff('month', started_on, assumeNotNull(loss_date))) as month_no,
        count() as lost
    from {{ ref "customer_episodes" }}
    where episode_no = 1 and loss_date is not null
    group by in_segment, cohort_month, month_no
),

recounted as (
    select
        cohorts.*,
        sum(coalesce(first_losses.lost, 0)) over (
            partition by cohorts.segment, cohorts.cohort_month order by cohorts.month_no rows unbounded preceding
        ) as lost_recounted
    from cohorts
    left join first_losses on first_losses.in_segment = cohorts.segment
        and first_losses.cohort_month = cohorts.cohort_month and first_losses.month_no = cohorts.month_no
)

select *
from recounted
where lost_recounted != lost_cum or kept + lost_recounted + not_observed != size
