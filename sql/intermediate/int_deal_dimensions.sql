-- int_deal_dimensions: every dated deal, once for all deals and once for each thing by which sales are looked at.
-- grain: one row per source, deal_id and dimension
-- materialized: view
-- tags: funnel
with

deals as (
    select * from {{ ref "deals" }} where began_on is not null
)

select
    source,
    deal_id,
    customer_key,
    pipeline_id,
    pipeline,
    assumeNotNull(began_on) as began_on,
    ended_on,
    outcome,
    amount,
    furthest_no,
    is_unplaced,
    reason_category,
    tupleElement(arrayJoin([
        ('(all)', '(all)', '(all)'),
        ('manager', deals.manager_id, deals.manager),
        ('lead_source', deals.lead_source, deals.lead_source),
        ('segment', deals.segment, deals.segment)
    ]) as seen_by, 1) as dimension,
    tupleElement(seen_by, 2) as value,
    tupleElement(seen_by, 3) as label
from deals
