-- event_impact: churn in the three months before and after each event of the company's history.
-- grain: one row per source and event_id
-- materialized: table
-- order_by: (happened_on, source, event_id)
-- tags: history, churn
with

events as (
    select
        *,
        subtractMonths(happened_on, 3) as before_from,
        addMonths(happened_on, 3) as after_until
    from {{ ref "business_events" }}
),

stretches as (
    select
        segment,
        started_on,
        last_order_on,
        loss_date,
        -- Nobody ends a contract without deciding it; silence was decided with the last purchase.
        if(loss_kind = 'terminated', loss_date, last_order_on) as decided_on
    from {{ ref "int_episodes" }}
),

-- The longest limit tells when the last of those who stopped buying is known for lost.
limits as (
    select segment, {{ if .Churn.PersonalClock.Enabled }}greatest(max(lost_after), {{ .Churn.PersonalClock.MaxDays }}){{ else }}max(lost_after){{ end }} as lost_after
    from {{ ref "int_customers" }}
    group by segment
),

limits_of_events as (
    select events.source as source, events.event_id as event_id, max(limits.lost_after) as lost_after
    from events
    cross join limits
    where events.segment in ('(all)', limits.segment)
    group by source, event_id
),

-- Churn of a period: of those there on the day before it, the ones with a day of
-- loss in it. A stretch is there from its first purchase to its loss.
counted as (
    select
        events.source as source,
        events.event_id as event_id,
        countIf(stretches.started_on < events.before_from and coalesce(stretches.loss_date >= events.before_from, true)) as base_before,
        countIf(stretches.started_on < events.before_from
            and stretches.loss_date >= events.before_from and stretches.loss_date < events.happened_on) as lost_before,
        countIf(stretches.started_on < events.happened_on and coalesce(stretches.loss_date >= events.happened_on, true)) as base_after,
        countIf(stretches.started_on < events.happened_on
            and stretches.loss_date >= events.happened_on and stretches.loss_date < events.after_until) as lost_after,
        countIf(stretches.started_on < events.before_from and stretches.decided_on >= events.before_from
            and stretches.loss_date < events.happened_on) as decided_before,
        countIf(stretches.started_on < events.happened_on and stretches.decided_on >= events.happened_on
            and stretches.loss_date < events.after_until) as decided_after,
        countIf(stretches.started_on < events.before_from and stretches.loss_date is not null
            and stretches.last_order_on >= events.before_from and stretches.last_order_on < events.happened_on) as stopped_before,
        countIf(stretches.started_on < events.happened_on and stretches.loss_date is not null
            and stretches.last_order_on >= events.happened_on and stretches.last_order_on < events.after_until) as stopped_after
    from events
    cross join stretches
    where events.segment in ('(all)', stretches.segment)
    group by source, event_id
),

-- Nothing is said of a window before it is over, nor of one before the first customer.
known as (
    select
        events.source as source,
        events.event_id as event_id,
        events.event as event,
        events.kind as kind,
        events.segment as segment,
        events.scope as scope,
        events.happened_on as happened_on,
        toBool(events.after_until - 1 <= {{ .AsOf }}) as is_over,
        coalesce(limits_of_events.lost_after, {{ .Churn.LostAfter }}) as limit_days,
        events.happened_on - 1 + limit_days <= {{ .AsOf }} as is_before_settled,
        events.after_until - 1 + limit_days <= {{ .AsOf }} as is_after_settled,
        nullIf(counted.base_before, 0) as customers_before,
        if(counted.base_before > 0, counted.lost_before, null) as lost_before,
        if(is_over, nullIf(counted.base_after, 0), null) as customers_after,
        if(is_over and counted.base_after > 0, counted.lost_after, null) as lost_after,
        if(counted.base_before > 0, counted.decided_before, null) as decided_before,
        if(is_over and counted.base_after > 0, counted.decided_after, null) as decided_after,
        if(is_before_settled and counted.base_before > 0, counted.stopped_before, null) as stopped_before,
        if(is_after_settled and counted.base_after > 0, counted.stopped_after, null) as stopped_after
    from events
    left join counted on counted.source = events.source and counted.event_id = events.event_id
    left join limits_of_events on limits_of_events.source = events.source and limits_of_events.event_id = events.event_id
)

select
    source,
    event_id,
    event,
    kind,
    segment,
    scope,
    happened_on,
    customers_before,
    lost_before,
    100 * lost_before / customers_before as before_pct,
    customers_after,
    lost_after,
    100 * lost_after / customers_after as after_pct,
    after_pct - before_pct as diff_pp,
    {{ newcombe_lower "lost_after" "customers_after" "lost_before" "customers_before" }} as lower,
    {{ newcombe_upper "lost_after" "customers_after" "lost_before" "customers_before" }} as upper,
    decided_before,
    decided_after,
    100 * decided_after / customers_after - 100 * decided_before / customers_before as decided_diff_pp,
    {{ newcombe_lower "decided_after" "customers_after" "decided_before" "customers_before" }} as decided_lower,
    {{ newcombe_upper "decided_after" "customers_after" "decided_before" "customers_before" }} as decided_upper,
    stopped_before,
    stopped_after,
    100 * stopped_after / customers_after - 100 * stopped_before / customers_before as stopped_diff_pp,
    {{ newcombe_lower "stopped_after" "customers_after" "stopped_before" "customers_before" }} as stopped_lower,
    {{ newcombe_upper "stopped_after" "customers_after" "stopped_before" "customers_before" }} as stopped_upper,
    is_over
from known
