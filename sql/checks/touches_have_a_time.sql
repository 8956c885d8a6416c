-- touches_have_a_time: a touch that has no time, and whose campaign has none, cannot be placed and is in no figure.
-- severity: warn
with

touches as (
    select source, touch_id, campaign_id, touched_at from {{ ref "stg_winback__touches" }}
),

campaigns as (
    select source, campaign_id, started_at from {{ ref "stg_winback__campaigns" }}
)

select touches.source as source, touches.campaign_id as campaign_id, count() as touches
from touches
left join campaigns on campaigns.source = touches.source and campaigns.campaign_id = touches.campaign_id
where touches.touched_at is null and campaigns.started_at is null
group by source, campaign_id
