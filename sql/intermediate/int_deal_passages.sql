-- int_deal_passages: each stage that a deal passed, how long it stayed there, and what became of it there.
-- grain: one row per source, deal_id and stage_no
-- materialized: view
-- tags: funnel
with

deals as (
    select source, deal_id, outcome, furthest_no, arrayJoin(passages) as passage from {{ ref "int_deals" }}
)

select
    source,
    deal_id,
    toUInt16(tupleElement(passage, 1)) as stage_no,
    tupleElement(passage, 2) as entered_at,
    -- Who is there now has been so up to the end of the day.
    (tupleElement(passage, 3) + coalesce(
        greatest(dateDiff('second', tupleElement(passage, 4), toDateTime64({{ .AsOf }} + 1, 6, {{ .Timezone }})), 0), 0
    )) / 86400 as days,
    toBool(tupleElement(passage, 4) is not null) as is_staying,
    multiIf(
        stage_no < deals.furthest_no or deals.outcome = 'won', 'advanced',
        deals.outcome = 'lost', 'dropped',
        'open'
    ) as fate
from deals
