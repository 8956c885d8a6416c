-- deal_stages: every stage that a deal came to or passed, what became of it there, and whose deal it is.
-- grain: one row per source, deal_id and stage_no
-- materialized: table
-- order_by: (pipeline, month, stage_no, source, deal_id)
-- tags: funnel
with

deals as (
    select * from {{ ref "deals" }} where began_on is not null
),

passages as (
    select source, deal_id, stage_no, days, fate from {{ ref "int_deal_passages" }}
),

steps as (
    select source, pipeline_id, stage_no, stage from {{ ref "int_funnel_steps" }} where kind = 'open'
),

traits as (
    select customer_key, region from {{ ref "int_customer_traits" }}
)

select
    toStartOfMonth(assumeNotNull(deals.began_on)) as month,
    deals.pipeline as pipeline,
    passages.stage_no as stage_no,
    coalesce(steps.stage, '(none)') as stage,
    deals.source as source,
    deals.deal_id as deal_id,
    deals.segment as segment,
    coalesce(traits.region, '(none)') as region,
    deals.lead_source as lead_source,
    deals.manager_id as manager_id,
    deals.manager as manager,
    passages.fate as fate,
    deals.outcome as outcome,
    -- An ending that nobody dated was when the deal began; clocks that disagree let
    -- none end before it.
    if(deals.outcome = 'open', null, toStartOfMonth(greatest(coalesce(deals.ended_on, deals.began_on), deals.began_on))) as closed_in,
    passages.days as days,
    deals.amount as amount,
    if(passages.fate = 'dropped', deals.reason_category, null) as reason_category,
    -- Spelt in capitals or not, it is the same one.
    if(passages.fate = 'dropped' and (deals.reason_category = 'competitor_offer' or deals.competitor is not null),
        coalesce(min(deals.competitor) over (partition by lowerUTF8(deals.competitor)), '(none)'), null) as competitor,
    toBool(toStartOfMonth({{ .AsOf }} + 1) > month) as is_complete
from deals
inner join passages on passages.source = deals.source and passages.deal_id = deals.deal_id
left join steps on steps.source = deals.source and steps.pipeline_id = deals.pipeline_id and steps.stage_no = passages.stage_no
left join traits on traits.customer_key = deals.customer_key
