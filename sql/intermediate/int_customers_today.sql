-- int_customers_today: where each customer stands on the day the warehouse describes.
-- grain: one row per customer_key
-- materialized: view
-- tags: churn
with

cards as (
    select *, toStartOfMonth({{ .AsOf }}) as month, {{ .AsOf }} as day from {{ ref "int_customer_cards" }}
)

select
    cards.*,
    toInt32(day - last_order_on) as gap_days,
    toBool(coalesce(lost_if_silent_on <= day, false)) as is_lost,
    toUInt32(coalesce(episode_no - 1 + is_lost, 0)) as losses,
    toUInt32(coalesce(episode_no - 1, 0)) as returns,
    toBool(coalesce(lost_if_silent_on_at_start >= month, false)) as was_customer,
    toUInt32(coalesce(episode_no_at_start, 1) - 1 + coalesce(lost_if_silent_on_at_start < month, false)) as losses_at_start,
    -- Who never bought has no status, unless a contract was terminated.
    cast(multiIf(
        orders = 0, if(contract_terminated_on is not null, 'lost', null),
        is_lost and losses >= 2, 'lost_twice',
        is_lost, 'lost',
        gap_days >= order_sleeping_after, 'sleeping',
        coalesce(day - loss_before < {{ .Churn.ReturnedFor }}, false), 'returned',
        day - first_order_on < {{ .Churn.NewFor }}, 'new',
        'active'
    ) as LowCardinality(Nullable(String))) as status,
    multiIf(orders = 0, contract_terminated_on, is_lost, lost_if_silent_on, null) as loss_date,
    multiIf(loss_date is null, null, orders = 0 or is_terminated_next, 'terminated', 'inactivity') as loss_kind
from cards
