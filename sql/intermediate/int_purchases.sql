-- int_purchases: every purchase in its place in the customer's history: gap, stretch, loss, running sums. Nothing later changes it.
-- grain: one row per source and order_id
-- materialized: incremental
-- key: customer_key
-- changes: ordered_on
-- partition_by: sipHash64(customer_key) % 4
-- order_by: (customer_key, purchase_no)
with

orders as (
    select * from {{ ref "int_orders" }} where is_purchase and {{ touched "assumeNotNull(customer_key)" }}
),

customers as (
    select customer_key, segment, sleeping_after, lost_after, contract_terminations
    from {{ ref "int_customers" }}
    where {{ touched "customer_key" }}
),
{{- if .Churn.PersonalClock.Enabled }}

clocks as (
    select customer_key, visited_on, sleeping_after, lost_after from {{ ref "int_personal_clocks" }} where {{ touched "customer_key" }}
),
{{- end }}

-- lost_if_silent_on: the day on which the customer is lost unless something is
-- bought before it. A purchase on the day of a termination comes after it.
purchases as (
    select
        assumeNotNull(orders.customer_key) as customer_key,
        customers.segment as segment,
        orders.source as source,
        orders.order_id as order_id,
        orders.ordered_at as ordered_at,
        orders.ordered_on as ordered_on,
        orders.net_revenue as revenue,
        orders.margin as margin,
        {{ if .Churn.PersonalClock.Enabled }}clocks{{ else }}customers{{ end }}.sleeping_after as sleeping_after,
        arrayFirstOrNull(day -> day > orders.ordered_on, customers.contract_terminations) as terminated_on,
        orders.ordered_on + {{ if .Churn.PersonalClock.Enabled }}clocks{{ else }}customers{{ end }}.lost_after as silent_until,
        toBool(coalesce(terminated_on < silent_until, false)) as is_terminated_next,
        if(is_terminated_next, assumeNotNull(terminated_on), silent_until) as lost_if_silent_on
    from orders
    inner join customers on customers.customer_key = orders.customer_key
    {{- if .Churn.PersonalClock.Enabled }}
    inner join clocks on clocks.customer_key = orders.customer_key and clocks.visited_on = orders.ordered_on
    {{- end }}
),

numbered as (
    select
        *,
        row_number() over history as purchase_no,
        min(ordered_on) over (partition by customer_key) as first_on,
        lagInFrame(toNullable(ordered_on)) over history as previous_on,
        lagInFrame(toNullable(lost_if_silent_on)) over history as previous_lost_on,
        sum(coalesce(revenue, toDecimal64(0, 4))) over (
            partition by customer_key order by ordered_at, source, order_id rows unbounded preceding
        ) as revenue_so_far,
        -- The year up to and with the day of this purchase.
        sum(coalesce(revenue, toDecimal64(0, 4))) over (
            partition by customer_key order by ordered_on range between 364 preceding and current row
        ) as revenue_12m
    from purchases
    window history as (
        partition by customer_key order by ordered_at, source, order_id rows between unbounded preceding and unbounded following
    )
),

stretched as (
    select
        *,
        toBool(coalesce(ordered_on >= previous_lost_on, false)) as is_return,
        toUInt32(1 + sum(is_return) over (
            partition by customer_key order by ordered_at, source, order_id rows unbounded preceding
        )) as episode_no
    from numbered
),

placed as (
    select
        *,
        min(ordered_on) over stretch as episode_started_on,
        -- The loss that the stretch began after; null in the first one.
        max(if(is_return, previous_lost_on, null)) over stretch as loss_before
    from stretched
    window stretch as (partition by customer_key, episode_no)
)

select
    customer_key,
    segment,
    source,
    order_id,
    ordered_at,
    ordered_on,
    revenue,
    margin,
    purchase_no,
    toNullable(dateDiff('day', previous_on, ordered_on)) as gap_days,
    first_on,
    sleeping_after,
    lost_if_silent_on,
    is_terminated_next,
    is_return,
    episode_no,
    episode_started_on,
    loss_before,
    revenue_so_far,
    revenue_12m
from placed

{{ define "touched" }}
select assumeNotNull(customer_key) as customer_key from {{ changed "int_orders" }} where customer_key is not null
union all
select customer_key from {{ changed "int_customers" }}
{{- if .Churn.PersonalClock.Enabled }}
union all
select customer_key from {{ changed "int_personal_clocks" }}
{{- end }}
{{ end }}
