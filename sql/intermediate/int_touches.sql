-- int_touches: every contact of a campaign, and every control, with the customer's state at that moment and what they bought next.
-- grain: one row per source and touch_id
-- materialized: incremental
-- key: source, touch_id
-- changes: customer_key
-- partition_by: toYYYYMM(touched_on)
-- order_by: (source, touch_id)
-- tags: winback
with

states as {{ once }} (
    select * from {{ ref "int_touch_states" }} where {{ touched "source, touch_id" }}
),

returned as (
    select source, touch_id, customer_key, is_control, coupon, discount_pct, horizon_days, next_on, next_purchase_no
    from states
    where is_returned
),

episodes as (
    select customer_key, episode_no, reason_category, severity from {{ ref "int_loss_reasons" }}
),

purchases as {{ once }} (
    select customer_key, purchase_no, source, order_id, ordered_on, revenue, margin
    from {{ ref "int_purchases" }}
    where customer_key in (select customer_key from returned)
),

orders as (
    select source, order_id, coupon, discount
    from {{ ref "int_orders" }}
    where (source, order_id) in (select source, order_id from purchases)
),

discounts as (
    select
        purchases.customer_key as customer_key,
        purchases.purchase_no as purchase_no,
        purchases.ordered_on as ordered_on,
        purchases.revenue as revenue,
        purchases.margin as margin,
        orders.coupon as coupon,
        orders.discount as discount
    from purchases
    left join orders on orders.source = purchases.source and orders.order_id = purchases.order_id
),

-- A discount belongs to the campaign where its coupon was used; without a coupon,
-- where a discount was offered and the first order had one.
followed as (
    select
        returned.source as source,
        returned.touch_id as touch_id,
        sum(coalesce(discounts.revenue, toDecimal64(0, 4))) as revenue,
        if(countIf(discounts.margin is null) = 0, sum(discounts.margin), null) as margin,
        count() as orders,
        anyIf(discounts.revenue, discounts.purchase_no = returned.next_purchase_no) as trial_amount,
        toBool(countIf(discounts.purchase_no = returned.next_purchase_no and coalesce(discounts.discount, 0) <= 0 and discounts.coupon is null) > 0) as is_full_price,
        sumIf(
            assumeNotNull(discounts.discount),
            discounts.discount > 0 and not returned.is_control and (
                lower(returned.coupon) = lower(discounts.coupon)
                or (returned.coupon is null and returned.discount_pct > 0 and discounts.purchase_no = returned.next_purchase_no)
            )
        ) as discount_given
    from returned
    inner join discounts on discounts.customer_key = returned.customer_key
    where discounts.purchase_no >= returned.next_purchase_no
        and discounts.ordered_on <= returned.next_on + returned.horizon_days
    group by source, touch_id
)

select
    states.source as source,
    states.touch_id as touch_id,
    states.campaign_id as campaign_id,
    states.is_cart_reminder as is_cart_reminder,
    nullIf(states.customer_key, '') as customer_key,
    states.touched_at as touched_at,
    states.touched_on as touched_on,
    states.is_control as is_control,
    states.channel as channel,
    states.offer as offer,
    states.discount_pct as discount_pct,
    states.manager_id as manager_id,
    states.cost as cost,
    states.is_opened as is_opened,
    states.is_clicked as is_clicked,
    states.attribution_days as attribution_days,
    states.horizon_days as horizon_days,
    states.segment as segment,
    multiIf(not states.is_silent, 'active', states.days_since_loss is null, 'sleeping', {{ recency_bucket "assumeNotNull(states.days_since_loss)" }}) as recency_bucket,
    states.days_since_loss as days_since_loss,
    if(states.days_since_loss is null, '(none)', coalesce(episodes.reason_category, 'unknown')) as reason_category,
    cast(if(states.days_since_loss is null, null, episodes.severity) as Nullable(Int64)) as severity,
    states.next_on as next_on,
    states.next_purchase_no as next_purchase_no,
    states.is_returned as is_returned,
    states.is_winner as is_winner,
    coalesce(followed.orders, 0) as orders,
    cast(coalesce(followed.revenue, toDecimal128(0, 4)) as Decimal(38, 4)) as net_revenue,
    cast(coalesce(followed.discount_given, toDecimal128(0, 4)) as Decimal(38, 4)) as discount_given,
    cast(if(states.is_returned, followed.margin, toDecimal128(0, 4)) as Nullable(Decimal(38, 4))) as margin,
    cast(followed.trial_amount as Nullable(Decimal(38, 4))) as trial_amount,
    followed.is_full_price as is_full_price
from states
left join followed on followed.source = states.source and followed.touch_id = states.touch_id
left join episodes on episodes.customer_key = states.customer_key and episodes.episode_no = states.silence_episode_no

{{ define "touched" }}
select source, touch_id from {{ changed "int_touch_states" }}
union all
select source, touch_id from {{ ref "int_touch_states" }}
where customer_key in (
    select customer_key from {{ changed "int_purchases" }}
    union distinct
    select customer_key from {{ changed "int_loss_reasons" }}
    union distinct
    select assumeNotNull(customer_key) from {{ changed "int_orders" }} where customer_key is not null
)
{{ end }}
