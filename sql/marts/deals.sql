-- deals: every deal with its customer, manager, stage, money and the reason it was lost for.
-- grain: one row per source and deal_id
-- materialized: table
-- order_by: (source, deal_id)
-- tags: funnel
with

deals as (
    select *, coalesce(pipeline_id, '') as pipeline_key from {{ ref "int_deals" }}
),

pipelines as (
    select source, pipeline_id, coalesce(name, pipeline_id) as name, count() over (partition by coalesce(name, pipeline_id)) as namesakes
    from {{ ref "stg_crm__pipelines" }}
),

steps as {{ once }} (
    select source, pipeline_id, stage_no, stage from {{ ref "int_funnel_steps" }} where kind = 'open'
),

managers as (
    select source, manager_id, name from {{ ref "stg_crm__managers" }}
),

customers as (
    select customer_key, segment
    from {{ ref "int_customers" }}
    where customer_key in (select assumeNotNull(deals.customer_key) from deals where deals.customer_key is not null)
),

reasons as (
    select reason, reason_category, competitor, bare_name from {{ ref "int_reasons" }}
),

described as (
    select
        deals.source as source,
        deals.deal_id as deal_id,
        deals.customer_key as customer_key,
        coalesce(customers.segment, '(none)') as segment,
        deals.title as title,
        deals.pipeline_key as pipeline_id,
        -- Two funnels of one name are two.
        coalesce(
            if(pipelines.namesakes > 1, concat(pipelines.name, ' (', deals.source, ':', deals.pipeline_key, ')'), pipelines.name),
            nullIf(deals.pipeline_key, ''),
            '(none)'
        ) as pipeline,
        coalesce(deals.manager_id, '(none)') as manager_id,
        coalesce(managers.name, deals.manager_id, '(none)') as manager,
        coalesce(deals.lead_source, '(none)') as lead_source,
        deals.product as product,
        deals.began_on as began_on,
        deals.ended_on as ended_on,
        deals.outcome as outcome,
        deals.amount as amount,
        deals.furthest_no as furthest_no,
        coalesce(furthest.stage, '(none)') as furthest_stage,
        deals.last_no as last_no,
        coalesce(last.stage, '(none)') as last_stage,
        deals.is_unplaced as is_unplaced,
        -- A deal that was closed before it was made, by another clock, took no time.
        toNullable(dateDiff('day', deals.began_on, multiIf(
            deals.outcome = 'open', toNullable({{ .AsOf }}), deals.ended_on < deals.began_on, deals.began_on, deals.ended_on
        ))) as days,
        coalesce(stated.reason_category, if(deals.competitor is not null, 'competitor_offer', null)) as stated_category,
        verified.reason_category as verified_category,
        deals.lost_reason as stated_reason,
        deals.lost_reason_verified as verified_reason,
        coalesce(named.competitor, nullIf(named.bare_name, ''), verified.competitor, stated.competitor) as competitor
    from deals
    left join pipelines on pipelines.source = deals.source and pipelines.pipeline_id = deals.pipeline_key
    left join steps as furthest on furthest.source = deals.source and furthest.pipeline_id = deals.pipeline_key and furthest.stage_no = deals.furthest_no
    left join steps as last on last.source = deals.source and last.pipeline_id = deals.pipeline_key and last.stage_no = deals.last_no
    left join managers on managers.source = deals.source and managers.manager_id = deals.manager_id
    left join customers on customers.customer_key = deals.customer_key
    left join reasons as stated on stated.reason = deals.lost_reason
    left join reasons as verified on verified.reason = deals.lost_reason_verified
    left join reasons as named on named.reason = deals.competitor
)

select
    source,
    deal_id,
    customer_key,
    segment,
    title,
    pipeline_id,
    pipeline,
    manager_id,
    manager,
    lead_source,
    product,
    began_on,
    ended_on,
    outcome,
    amount,
    furthest_no,
    furthest_stage,
    last_no,
    last_stage,
    is_unplaced,
    days,
    -- The verified reason counts, unless the stated one alone says something.
    multiIf(
        outcome != 'lost', null,
        coalesce(verified_category, 'unknown') not in ('unmapped', 'unknown'), verified_category,
        coalesce(stated_category, 'unknown') not in ('unmapped', 'unknown'), stated_category,
        'unmapped' in (verified_category, stated_category), 'unmapped',
        'unknown'
    ) as reason_category,
    stated_category,
    verified_category,
    stated_reason,
    verified_reason,
    competitor
from described
