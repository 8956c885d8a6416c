-- restatements: figures of past months that are others now than they were told, and what moved them.
-- grain: one row per kpi, month and now_at
-- materialized: view
-- tags: monthly
with

restated as (
    select * from {{ source "ops" "restated" }} where model = 'kpi_monthly' and kpi is not null and month is not null
)

-- What was told of a later day than the one described is not known yet.
select
    assumeNotNull(restated.kpi) as kpi,
    assumeNotNull(restated.month) as month,
    toDecimal128OrNull(restated.was, 6) as reported,
    was_reported_at as reported_at,
    toDecimal128OrNull(restated.now, 6) as now,
    restated_at as now_at,
    cause,
    run_id
from restated
where as_of <= {{ .AsOf }}
