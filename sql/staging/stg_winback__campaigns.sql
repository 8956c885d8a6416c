-- stg_winback__campaigns: efforts to win customers back, newest version of each.
-- grain: one row per source and campaign_id
-- materialized: view
with

campaigns as (
    select * from {{ source "winback" "campaigns" }} final where not deleted
)

select
    source,
    id as campaign_id,
    nullIf(trimBoth(name), '') as name,
    nullIf(trimBoth(channel), '') as channel,
    nullIf(trimBoth(offer), '') as offer,
    discount_pct,
    started_at,
    ended_at,
    fixed_cost,
    nullIf(upper(trimBoth(currency)), '') as currency,
    attribution_days,
    horizon_days,
    -- Campaigns drawn by winback remember which share was kept as a control group.
    JSONExtract(assumeNotNull(payload), 'control_pct', 'Nullable(Float64)') as control_pct
from campaigns
