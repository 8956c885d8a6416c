-- events_reconcile: customers around an event are the stretches begun less those lost by then, and its lost are losses of its months.
-- severity: error
with

events as (
    select * from {{ ref "event_impact" }}
),

stretches as (
    select segment, started_on, last_order_on, loss_date from {{ ref "customer_episodes" }}
),

counted as (
    select
        events.source as source,
        events.event_id as event_id,
        subtractMonths(events.happened_on, 3) as before_from,
        addMonths(events.happened_on, 3) as after_until,
        countIf(started_on < before_from) - countIf(coalesce(loss_date < before_from, false)) as there_before,
        countIf(started_on < events.happened_on) - countIf(coalesce(loss_date < events.happened_on, false)) as there_after,
        countIf(coalesce(loss_date >= before_from and loss_date < events.happened_on, false)) as lost_before,
        countIf(coalesce(loss_date >= events.happened_on and loss_date < after_until, false)) as lost_after
    from events
    cross join stretches
    where events.segment in ('(all)', stretches.segment)
    group by source, event_id, events.happened_on
),

compared as (
    select
        events.event as event,
        arrayJoin([
            ('customers before', counted.there_before, toInt64(coalesce(events.customers_before, counted.there_before)), false),
            ('customers after', counted.there_after, toInt64(coalesce(events.customers_after, counted.there_after)), false),
            ('lost before', toInt64(counted.lost_before), toInt64(coalesce(events.lost_before, 0)), true),
            ('lost after', toInt64(counted.lost_after), toInt64(coalesce(events.lost_after, 0)), true),
            ('decided before', toInt64(counted.lost_before), toInt64(coalesce(events.decided_before, 0)), true),
            ('decided after', toInt64(counted.lost_after), toInt64(coalesce(events.decided_after, 0)), true),
            ('stopped before', counted.there_before, toInt64(coalesce(events.stopped_before, 0)), true),
            ('stopped after', counted.there_after, toInt64(coalesce(events.stopped_after, 0)), true)
        ]) as line
    from events
    inner join counted on counted.source = events.source and counted.event_id = events.event_id
)

select event, line.1 as what, line.2 as expected, line.3 as counted
from compared
where counted != expected and not (line.4 and counted < expected)
