-- churn_reasons_add_up: the stated reasons of a month and segment are as many as its losses in churn_monthly, the verified ones no more, and shares are of all of them.
-- severity: error
with

reasons as (
    select
        month,
        segment,
        sumIf(churn_reasons.lost, basis = 'stated') as given_reasons,
        sumIf(churn_reasons.lost, basis = 'verified') as verified_reasons,
        countIf(churn_reasons.lost_of_all_reasons != of_basis) as wrong_shares
    from (
        select *, sum(of_reason.lost) over (partition by month, segment, basis) as of_basis from {{ ref "churn_reasons" }} as of_reason
    ) as churn_reasons
    group by month, segment
),

churn as (
    select month, segment, lost from {{ ref "churn_monthly" }}
)

select
    coalesce(churn.month, reasons.month) as month,
    coalesce(churn.segment, reasons.segment) as segment,
    churn.lost as lost,
    reasons.given_reasons as given_reasons,
    reasons.verified_reasons as verified_reasons,
    reasons.wrong_shares as wrong_shares
from churn
full join reasons on reasons.month = churn.month and reasons.segment = churn.segment
where coalesce(churn.lost, 0) != coalesce(reasons.given_reasons, 0)
    or coalesce(reasons.verified_reasons, 0) > coalesce(churn.lost, 0)
    or coalesce(reasons.wrong_shares, 0) > 0
