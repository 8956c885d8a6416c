-- churn_reasons_add_up: the stated reasons of a month and segment are as many as its losses in churn_monthly.
-- severity: error
with

reasons as (
    select month, segment, sum(lost) as given_reasons from {{ ref "churn_reasons" }} where basis = 'stated' group by month, segment
),

churn as (
    select month, segment, lost from {{ ref "churn_monthly" }}
)

select coalesce(churn.month, reasons.month) as month, coalesce(churn.segment, reasons.segment) as segment, churn.lost as lost, reasons.given_reasons as given_reasons
from churn
full join reasons on reasons.month = churn.month and reasons.segment = churn.segment
where coalesce(churn.lost, 0) != coalesce(reasons.given_reasons, 0)
