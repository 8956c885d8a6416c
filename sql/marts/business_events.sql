-- business_events: what happened in the company that customers may have felt, by day: annotations of every chart.
-- grain: one row per source and event_id
-- materialized: view
-- tags: history
with

business_events as (
    select * from {{ ref "stg_crm__business_events" }}
    where happened_at is not null and toDate(assumeNotNull(happened_at), {{ .Timezone }}) <= {{ .AsOf }}
)

select
    source,
    event_id,
    coalesce(title, kind, event_id) as event,
    coalesce(kind, 'other') as kind,
    coalesce(segment, '(all)') as segment,
    scope,
    assumeNotNull(happened_at) as happened_at,
    toDate(assumeNotNull(happened_at), {{ .Timezone }}) as happened_on,
    toStartOfMonth(happened_on) as month
from business_events
