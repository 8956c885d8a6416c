-- int_deals: every deal up to as_of: how it ended, how far it came, which stages it passed and how long it stayed.
-- grain: one row per source and deal_id
-- materialized: incremental
-- key: source, deal_id
-- changes: customer_key
-- partition_by: sipHash64(source, deal_id) % 4
-- order_by: (source, deal_id)
-- tags: funnel
with

deals as {{ once }} (
    select
        *,
        coalesce(pipeline_id, '') as pipeline_key,
        toDate(created_at, {{ .Timezone }}) as made_on,
        toDate(closed_at, {{ .Timezone }}) as closed_day
    from {{ ref "stg_crm__deals" }}
    where {{ touched "source, deal_id" }}
),

history as (
    select source, deal_id, seq, stage_id, assumeNotNull(moves.entered_at) as entered_at, left_at
    from {{ ref "stg_crm__deal_stages" }} as moves
    where moves.entered_at is not null and {{ touched "source, deal_id" }}
),

steps as (
    select source, pipeline_id, stage_id, kind, stage_no from {{ ref "int_funnel_steps" }}
),

lengths as (
    select source, pipeline_id, any(stages_in_pipeline) as stages_in_pipeline from {{ ref "int_funnel_steps" }} group by source, pipeline_id
),

owners as (
    select source, entity_id, customer_key from {{ ref "int_record_owners" }} where entity = 'crm.deals' and {{ touched "source, entity_id" }}
),

rates as (
    select currency, day, rate from {{ ref "int_daily_rates" }}
),

-- Stages in the order in which they were entered, at equal times as the CRM counts
-- them. A stage that the funnel does not have any more has number 0, as won and
-- lost have: it ends the stay before it.
moves_by_deal as (
    select
        history.source as source,
        history.deal_id as deal_id,
        arraySort(groupArray((
            history.entered_at, history.seq, toUInt16(coalesce(steps.stage_no, 0)), coalesce(steps.kind, ''), history.left_at
        ))) as all_moves
    from history
    inner join deals on deals.source = history.source and deals.deal_id = history.deal_id
    left join steps on steps.source = history.source and steps.pipeline_id = deals.pipeline_key and steps.stage_id = history.stage_id
    group by source, deal_id
),

-- What happened after as_of is not known yet; if anything did, neither the status
-- nor the stage that the CRM shows are those of the day.
seen as (
    select
        deals.source as source,
        deals.deal_id as deal_id,
        deals.title as title,
        deals.pipeline_id as pipeline_id,
        deals.manager_id as manager_id,
        deals.lead_source as lead_source,
        deals.product as product,
        deals.created_at as created_at,
        deals.closed_at as closed_at,
        deals.closed_day as closed_day,
        deals.amount as amount,
        deals.currency as currency,
        deals.lost_reason as lost_reason,
        deals.lost_reason_verified as lost_reason_verified,
        deals.competitor as competitor,
        deals.status as status_now,
        coalesce(lengths.stages_in_pipeline, 0) as steps_there,
        coalesce(steps.stage_no, 0) as stage_no_now,
        coalesce(steps.kind, '') as stage_kind_now,
        ifNull(moves_by_deal.all_moves, []) as known_moves,
        arrayFilter(move -> toDate(tupleElement(move, 1), {{ .Timezone }}) <= {{ .AsOf }}, known_moves) as moves,
        length(known_moves) > length(moves) or coalesce(deals.closed_day > {{ .AsOf }}, false) as moved_later
    from deals
    left join moves_by_deal on moves_by_deal.source = deals.source and moves_by_deal.deal_id = deals.deal_id
    left join lengths on lengths.source = deals.source and lengths.pipeline_id = deals.pipeline_key
    left join steps on steps.source = deals.source and steps.pipeline_id = deals.pipeline_key and steps.stage_id = deals.stage_id
    where coalesce(deals.made_on <= {{ .AsOf }}, true)
),

ended as (
    select
        *,
        arrayFilter(move -> tupleElement(move, 3) > 0, moves) as visits,
        multiIf(
            moved_later, if(length(moves) > 0 and tupleElement(moves[-1], 4) in ('won', 'lost'), tupleElement(moves[-1], 4), 'open'),
            coalesce(status_now, stage_kind_now) in ('won', 'lost'), coalesce(status_now, stage_kind_now),
            'open'
        ) as outcome,
        arrayLastOrNull(move -> tupleElement(move, 4) in ('won', 'lost'), moves) as last_ending,
        -- An ending that the CRM does not date was when its history says, or not
        -- before the last that is known of the deal.
        if(outcome = 'open', null, coalesce(
            if(closed_day <= {{ .AsOf }}, closed_at, null),
            tupleElement(last_ending, 1),
            if(length(moves) > 0, coalesce(tupleElement(moves[-1], 5), tupleElement(moves[-1], 1)), null)
        )) as ended_at,
        -- Clocks disagree: the first that is known of a deal is its beginning.
        coalesce(
            if(length(moves) > 0, least(coalesce(created_at, tupleElement(moves[1], 1)), tupleElement(moves[1], 1)), created_at),
            ended_at
        ) as began_at
    from seen
),

-- Who skips stages has passed those between, who wins all of them; who goes back
-- has been where they were. Of whom nothing is known but that they were there,
-- they were in the first.
placed as (
    select
        *,
        toUInt16(if(not moved_later, stage_no_now, 0)) as known_no,
        toUInt16(greatest(
            1,
            if(length(visits) > 0, arrayMax(visit -> tupleElement(visit, 3), visits), 0),
            known_no,
            if(outcome = 'won', steps_there, 0)
        )) as furthest_no,
        toUInt16(multiIf(
            known_no > 0, known_no,
            outcome = 'won', furthest_no,
            length(visits) > 0, tupleElement(visits[-1], 3),
            1
        )) as last_no,
        toBool(outcome = 'lost' and known_no = 0 and length(visits) = 0) as is_unplaced,
        -- A stay lasts until the next move, or until the deal was closed.
        arrayMap(
            (move, no) -> (
                tupleElement(move, 3),
                tupleElement(move, 1),
                if(no < length(moves), toNullable(tupleElement(moves[no + 1], 1)), ended_at)
            ),
            moves,
            arrayEnumerate(moves)
        ) as stays
    from ended
),

passed as (
    select
        *,
        arrayMap(
            no -> (
                toUInt16(no),
                multiIf(
                    no = 1, began_at,
                    arrayExists(visit -> tupleElement(visit, 3) >= no, visits),
                    toNullable(arrayMin(visit -> tupleElement(visit, 1), arrayFilter(visit -> tupleElement(visit, 3) >= no, visits))),
                    outcome = 'won', ended_at,
                    null
                ),
                if(
                    arrayExists(stay -> tupleElement(stay, 1) = no, stays),
                    toNullable(arraySum(
                        stay -> if(tupleElement(stay, 1) = no and tupleElement(stay, 3) is not null,
                            greatest(dateDiff('second', tupleElement(stay, 2), assumeNotNull(tupleElement(stay, 3))), 0), 0),
                        stays
                    )),
                    null
                ),
                if(outcome = 'open' and length(stays) > 0 and tupleElement(stays[-1], 1) = no, toNullable(tupleElement(stays[-1], 2)), null)
            ),
            range(1, toUInt32(furthest_no) + 1)
        ) as passages
    from placed
)

select
    passed.source as source,
    passed.deal_id as deal_id,
    owners.customer_key as customer_key,
    passed.title as title,
    passed.pipeline_id as pipeline_id,
    passed.manager_id as manager_id,
    passed.lead_source as lead_source,
    passed.product as product,
    passed.began_at as began_at,
    toDate(passed.began_at, {{ .Timezone }}) as began_on,
    passed.ended_at as ended_at,
    toDate(passed.ended_at, {{ .Timezone }}) as ended_on,
    passed.outcome as outcome,
    passed.furthest_no as furthest_no,
    passed.last_no as last_no,
    passed.is_unplaced as is_unplaced,
    cast(round(passed.amount * if(coalesce(passed.currency, {{ .Currency }}) = {{ .Currency }}, toDecimal64(1, 8), rates.rate), 4) as Nullable(Decimal(18, 4))) as amount,
    if(passed.outcome = 'lost', passed.lost_reason, null) as lost_reason,
    if(passed.outcome = 'lost', passed.lost_reason_verified, null) as lost_reason_verified,
    if(passed.outcome = 'lost', passed.competitor, null) as competitor,
    passed.passages as passages
from passed
left join owners on owners.source = passed.source and owners.entity_id = passed.deal_id
left join rates on rates.currency = passed.currency and rates.day = coalesce(ended_on, began_on)
where coalesce(began_on <= {{ .AsOf }}, true)

{{ define "touched" }}
-- A new day brings what is dated up to it. A rate serves for ten days.
select source, id as deal_id from {{ changed "crm.deals" }}
union all
select source, deal_id from {{ changed "crm.deal_stages" }}
union all
select source, entity_id as deal_id from {{ changed "int_record_owners" }} where entity = 'crm.deals'
union all
select source, deal_id from {{ ref "stg_crm__deals" }}
where (toDate(assumeNotNull(created_at), {{ .Timezone }}) > {{ .SeenUntil }} and toDate(assumeNotNull(created_at), {{ .Timezone }}) <= {{ .SeenLast }})
    or (toDate(assumeNotNull(closed_at), {{ .Timezone }}) > {{ .SeenUntil }} and toDate(assumeNotNull(closed_at), {{ .Timezone }}) <= {{ .SeenLast }})
union all
select source, deal_id from {{ ref "stg_crm__deal_stages" }}
where toDate(assumeNotNull(entered_at), {{ .Timezone }}) > {{ .SeenUntil }} and toDate(assumeNotNull(entered_at), {{ .Timezone }}) <= {{ .SeenLast }}
union all
select source, deal_id from {{ ref "stg_crm__deals" }}
where currency in (select upper(trimBoth(currency)) from {{ changed "shop.exchange_rates" }})
{{ end }}
