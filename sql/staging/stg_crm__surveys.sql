-- stg_crm__surveys: answers to surveys, newest version of each.
-- grain: one row per source and survey_id
-- materialized: view
with

surveys as (
    select * from {{ source "crm" "surveys" }} final where not deleted
)

select
    source,
    id as survey_id,
    nullIf(trimBoth(customer_id), '') as customer_id,
    nullIf(lower(trimBoth(toString(kind))), '') as kind,
    at as answered_at,
    score,
    score_max,
    nullIf(trimBoth(stated_reason), '') as stated_reason,
    nullIf(trimBoth(verified_reason), '') as verified_reason,
    nullIf(trimBoth(wish), '') as wish,
    nullIf(lower(trimBoth(toString(respondent))), '') as respondent
from surveys
