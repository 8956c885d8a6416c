-- promises: every call-back, delivery, refund and answer that was promised by a time: kept, late, never; and whether the customer left later.
-- grain: one row per kind, source and promise_id
-- materialized: view
-- tags: service
with

promises as (
    select *, coalesce(customer_key, '') as promised_to from {{ ref "int_promises" }}
),

episodes as (
    select customer_key, started_on, loss_date from {{ ref "int_episodes" }} where customer_key in (select promised_to from promises)
)

-- Whoever had left before the day, or never bought, cannot be lost by it.
select
    promises.kind as kind,
    promises.source as source,
    promises.promise_id as promise_id,
    promises.customer_key as customer_key,
    promises.team as team,
    promises.person as person,
    promises.promised_at as promised_at,
    promises.due_at as due_at,
    promises.due_on as due_on,
    promises.done_at as done_at,
    promises.status as status,
    if(promises.status in ('open', 'unknown'), null, toBool(promises.status = 'kept')) as is_kept,
    if(promises.status in ('open', 'unknown'), null, toBool(promises.status in ('late', 'never'))) as is_broken,
    if(promises.status = 'late', dateDiff('minute', promises.due_at, promises.done_at), null) as minutes_late,
    if(episodes.loss_date > promises.due_on, episodes.loss_date, null) as lost_on,
    multiIf(
        episodes.started_on is null or coalesce(episodes.loss_date <= promises.due_on, false), null,
        promises.due_on + {{ .Service.LossWithin }} > {{ .AsOf }}, null,
        toBool(coalesce(episodes.loss_date <= promises.due_on + {{ .Service.LossWithin }}, false))
    ) as lost_later
from promises
asof left join episodes on episodes.customer_key = promises.promised_to and episodes.started_on <= promises.due_on
