-- complaint_outcomes: do customers buy again: those who never complained, who were answered well, who were answered badly.
-- grain: one row per outcome
-- materialized: table
-- order_by: outcome
-- settings: optimize_aggregation_in_order=1
-- tags: service
with

purchases as (
    select customer_key, source, order_id, ordered_at, ordered_on from {{ ref "int_purchases" }}
),

complaints as {{ once }} (
    select assumeNotNull(all_complaints.customer_key) as customer_key, complaint_id, opened_at, opened_on, outcome, opened_on + {{ .Service.RepurchaseWithin }} <= {{ .AsOf }} as is_over
    from {{ ref "int_complaints" }} as all_complaints
    where all_complaints.customer_key is not null
),

buyers as (
    select customer_key from {{ ref "customers" }} where orders > 0 and customer_key in (select customer_key from complaints)
),

-- The last complaint whose days for buying again are over; else the last one.
complained as (
    select
        customer_key,
        argMax(complaints.outcome, (is_over, opened_on, complaint_id)) as outcome,
        argMax((complaints.opened_at, complaints.opened_on), (is_over, opened_on, complaint_id)) as since,
        max(is_over) as is_judged
    from complaints
    group by customer_key
),

bought as (
    select customer_key, groupArray((ordered_at, ordered_on)) as bought
    from purchases
    where customer_key in (select customer_key from complaints)
    group by customer_key
),

-- Who never complained is watched from one purchase of theirs, drawn by lot: the
-- first one would say how newcomers behave, the last one what long gaps do.
content as (
    select
        customer_key,
        argMinIf((ordered_at, ordered_on), sipHash64(source, order_id), ordered_on + {{ .Service.RepurchaseWithin }} <= {{ .AsOf }}) as since,
        max(ordered_on + {{ .Service.RepurchaseWithin }} <= {{ .AsOf }}) as is_judged,
        groupArray((ordered_at, ordered_on)) as bought
    from purchases
    where customer_key not in (select customer_key from complaints)
    group by customer_key
),

watched as (
    select complained.outcome as outcome, complained.since as since, complained.is_judged as is_judged, ifNull(bought.bought, []) as bought
    from complained
    inner join buyers on buyers.customer_key = complained.customer_key
    left join bought on bought.customer_key = complained.customer_key
    union all
    select 'no_complaint' as outcome, since, is_judged, bought from content
),

counted as (
    select
        outcome,
        count() as customers,
        countIf(is_judged) as judged,
        countIf(is_judged and arrayExists(
            purchase -> purchase.1 > since.1 and purchase.2 <= since.2 + {{ .Service.RepurchaseWithin }}, bought
        )) as repurchased
    from watched
    group by outcome
)

select
    outcome,
    customers,
    judged,
    repurchased,
    100 * repurchased / nullIf(judged, 0) as repurchase_pct,
    {{ wilson_lower "repurchased" "judged" }} as repurchase_lower,
    {{ wilson_upper "repurchased" "judged" }} as repurchase_upper,
    transform(outcome, ['no_complaint', 'answered_well', 'answered_badly'], [91, 96, 54], null) as literature_pct
from counted
