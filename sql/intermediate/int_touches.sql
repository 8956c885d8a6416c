-- int_touches: every contact of a campaign, and every control, with the customer's state at that moment and what they bought next.
-- grain: one row per source and touch_id
-- materialized: table
-- order_by: (source, touch_id)
-- tags: winback
with

touches as (
    select * from {{ ref "stg_winback__touches" }}
),

campaigns as (
    select * from {{ ref "stg_winback__campaigns" }}
),

reminders as (
    select source, reminder_id, cart_id, sent_at, channel, cost, opened_at, clicked_at from {{ ref "stg_winback__cart_reminders" }}
),

carts as (
    select source, cart_id, currency from {{ ref "stg_shop__carts" }}
),

owners as (
    select source, entity, entity_id, customer_key from {{ ref "int_record_owners" }} where entity in ('winback.touches', 'shop.carts')
),

rates as (
    select currency, rated_on, rate from {{ ref "stg_shop__exchange_rates" }}
),

silences as (
    select * from {{ ref "int_silences" }} where customer_key in (select customer_key from owners)
),

episodes as (
    select customer_key, episode_no, reason_category, severity from {{ ref "int_loss_reasons" }}
),

purchases as (
    select customer_key, purchase_no, source, order_id, ordered_at, ordered_on, revenue, margin, lost_if_silent_on
    from {{ ref "int_purchases" }}
    where customer_key in (select customer_key from owners)
),

orders as (
    select source, order_id, coupon, exchange_rate
    from {{ ref "int_orders" }}
    where (source, order_id) in (select source, order_id from purchases)
),

order_discounts as (
    select source, order_id, discount from {{ ref "stg_shop__orders" }} where (source, order_id) in (select source, order_id from purchases)
),

line_discounts as (
    select source, order_id, sum(discount) as discount
    from {{ ref "stg_shop__order_lines" }}
    where (source, order_id) in (select source, order_id from purchases)
    group by source, order_id
),

-- Cart reminders are a campaign of each month, so that it is over one day.
contacts as (
    select
        touches.source as source,
        touches.touch_id as touch_id,
        coalesce(touches.campaign_id, '(none)') as campaign_id,
        owners.customer_key as customer_key,
        coalesce(touches.touched_at, campaigns.started_at) as touched_at,
        coalesce(touches.is_control, false) as is_control,
        coalesce(touches.channel, campaigns.channel, '(none)') as channel,
        coalesce(touches.offer, campaigns.offer, '(none)') as offer,
        coalesce(touches.discount_pct, campaigns.discount_pct) as discount_pct,
        touches.coupon as coupon,
        touches.cost as cost_written,
        coalesce(campaigns.currency, {{ .Currency }}) as currency,
        coalesce(touches.manager_id, '(none)') as manager_id,
        touches.opened_at as opened_at,
        coalesce(touches.clicked_at, touches.replied_at) as clicked_at,
        coalesce(campaigns.attribution_days, {{ .Winback.AttributionDays }}) as attribution_days,
        coalesce(campaigns.horizon_days, {{ .Winback.HorizonDays }}) as horizon_days,
        false as is_cart_reminder
    from touches
    left join campaigns on campaigns.source = touches.source and campaigns.campaign_id = touches.campaign_id
    left join owners on owners.source = touches.source and owners.entity = 'winback.touches' and owners.entity_id = touches.touch_id
    union all
    select
        reminders.source as source,
        concat('cart reminder ', reminders.reminder_id) as touch_id,
        concat('cart reminders ', formatDateTime(assumeNotNull(reminders.sent_at), '%Y-%m', {{ .Timezone }})) as campaign_id,
        owners.customer_key as customer_key,
        reminders.sent_at as touched_at,
        false as is_control,
        coalesce(reminders.channel, '(none)') as channel,
        'cart reminder' as offer,
        null as discount_pct,
        null as coupon,
        reminders.cost as cost_written,
        coalesce(carts.currency, {{ .Currency }}) as currency,
        '(none)' as manager_id,
        reminders.opened_at as opened_at,
        reminders.clicked_at as clicked_at,
        {{ .Winback.AttributionDays }} as attribution_days,
        {{ .Winback.HorizonDays }} as horizon_days,
        true as is_cart_reminder
    from reminders
    left join carts on carts.source = reminders.source and carts.cart_id = reminders.cart_id
    left join owners on owners.source = reminders.source and owners.entity = 'shop.carts' and owners.entity_id = reminders.cart_id
),

-- Somebody whom no record knows has no purchases either.
seen as (
    select
        contacts.* except (touched_at, customer_key),
        assumeNotNull(contacts.touched_at) as touched_at,
        toDate(assumeNotNull(contacts.touched_at), {{ .Timezone }}) as touched_on,
        coalesce(contacts.customer_key, '') as customer_key
    from contacts
    where contacts.touched_at is not null and touched_on <= {{ .AsOf }}
),

daily_rates as (
    select rates.currency as currency, rates.rated_on + days as day, argMax(rates.rate, rates.rated_on) as rate
    from rates
    array join range(10) as days
    where rates.currency in (select currency from seen)
    group by currency, day
),

priced as (
    select
        seen.*,
        cast(round(seen.cost_written * if(seen.currency = {{ .Currency }}, toDecimal64(1, 8), daily_rates.rate), 4) as Nullable(Decimal(18, 4))) as cost
    from seen
    left join daily_rates on daily_rates.currency = seen.currency and daily_rates.day = seen.touched_on
),

-- The silence that the touch falls in, if any.
with_state as (
    select
        priced.*,
        silences.episode_no as silence_episode_no,
        silences.segment as segment,
        toBool(coalesce(silences.sleeps_on <= priced.touched_on and (silences.next_at is null or silences.next_at > priced.touched_at), false)) as is_silent,
        if(is_silent and silences.lost_if_silent_on <= priced.touched_on, toInt32(priced.touched_on - silences.lost_if_silent_on), null) as days_since_loss
    from priced
    asof left join silences on silences.customer_key = priced.customer_key and silences.ordered_at <= priced.touched_at
),

with_next as (
    select
        with_state.*,
        purchases.purchase_no as next_purchase_no,
        purchases.ordered_on as next_on,
        purchases.source as next_source,
        purchases.order_id as next_order_id,
        -- Only an order counts, and only the first one after the touch.
        toBool(coalesce(purchases.ordered_on <= with_state.touched_on + with_state.attribution_days, false)) as is_returned
    from with_state
    asof left join purchases on purchases.customer_key = with_state.customer_key and purchases.ordered_at > with_state.touched_at
),

discounts as (
    select
        purchases.customer_key as customer_key,
        purchases.purchase_no as purchase_no,
        purchases.ordered_on as ordered_on,
        purchases.revenue as revenue,
        purchases.margin as margin,
        orders.coupon as coupon,
        cast(round((coalesce(order_discounts.discount, toDecimal64(0, 4)) + coalesce(line_discounts.discount, toDecimal64(0, 4))) * orders.exchange_rate, 4) as Nullable(Decimal(18, 4))) as discount
    from purchases
    left join orders on orders.source = purchases.source and orders.order_id = purchases.order_id
    left join order_discounts on order_discounts.source = purchases.source and order_discounts.order_id = purchases.order_id
    left join line_discounts on line_discounts.source = purchases.source and line_discounts.order_id = purchases.order_id
    where purchases.customer_key in (select customer_key from with_next where is_returned)
),

-- A discount belongs to the campaign where its coupon was used; without a coupon,
-- where a discount was offered and the first order had one.
followed as (
    select
        with_next.source as source,
        with_next.touch_id as touch_id,
        sum(coalesce(discounts.revenue, toDecimal64(0, 4))) as revenue,
        if(countIf(discounts.margin is null) = 0, sum(discounts.margin), null) as margin,
        count() as orders,
        anyIf(discounts.revenue, discounts.purchase_no = with_next.next_purchase_no) as trial_amount,
        toBool(countIf(discounts.purchase_no = with_next.next_purchase_no and coalesce(discounts.discount, 0) <= 0 and discounts.coupon is null) > 0) as is_full_price,
        sumIf(
            assumeNotNull(discounts.discount),
            discounts.discount > 0 and not with_next.is_control and (
                lower(with_next.coupon) = lower(discounts.coupon)
                or (with_next.coupon is null and with_next.discount_pct > 0 and discounts.purchase_no = with_next.next_purchase_no)
            )
        ) as discount_given
    from with_next
    inner join discounts on discounts.customer_key = with_next.customer_key
    where with_next.is_returned
        and discounts.purchase_no >= with_next.next_purchase_no
        and discounts.ordered_on <= with_next.next_on + with_next.horizon_days
    group by source, touch_id
),

-- The last touch before an order has won it; nobody was touched as a control.
with_winner as (
    select
        *,
        toBool(is_returned and not is_control and row_number() over (
            partition by customer_key, next_purchase_no, is_returned, is_control order by touched_at desc, source desc, touch_id desc
        ) = 1) as is_winner
    from with_next
)

select
    with_winner.source as source,
    with_winner.touch_id as touch_id,
    with_winner.campaign_id as campaign_id,
    with_winner.is_cart_reminder as is_cart_reminder,
    nullIf(with_winner.customer_key, '') as customer_key,
    with_winner.touched_at as touched_at,
    with_winner.touched_on as touched_on,
    with_winner.is_control as is_control,
    with_winner.channel as channel,
    with_winner.offer as offer,
    with_winner.discount_pct as discount_pct,
    with_winner.manager_id as manager_id,
    with_winner.cost as cost,
    toBool(coalesce(with_winner.opened_at is not null or with_winner.clicked_at is not null, false)) as is_opened,
    toBool(with_winner.clicked_at is not null) as is_clicked,
    with_winner.attribution_days as attribution_days,
    with_winner.horizon_days as horizon_days,
    coalesce(with_winner.segment, '(none)') as segment,
    multiIf(not with_winner.is_silent, 'active', with_winner.days_since_loss is null, 'sleeping', {{ recency_bucket "assumeNotNull(with_winner.days_since_loss)" }}) as recency_bucket,
    with_winner.days_since_loss as days_since_loss,
    if(with_winner.days_since_loss is null, '(none)', coalesce(episodes.reason_category, 'unknown')) as reason_category,
    cast(if(with_winner.days_since_loss is null, null, episodes.severity) as Nullable(Int64)) as severity,
    with_winner.next_on as next_on,
    with_winner.next_purchase_no as next_purchase_no,
    with_winner.is_returned as is_returned,
    with_winner.is_winner as is_winner,
    coalesce(followed.orders, 0) as orders,
    cast(coalesce(followed.revenue, toDecimal128(0, 4)) as Decimal(38, 4)) as net_revenue,
    cast(coalesce(followed.discount_given, toDecimal128(0, 4)) as Decimal(38, 4)) as discount_given,
    cast(if(with_winner.is_returned, followed.margin, toDecimal128(0, 4)) as Nullable(Decimal(38, 4))) as margin,
    cast(followed.trial_amount as Nullable(Decimal(38, 4))) as trial_amount,
    followed.is_full_price as is_full_price
from with_winner
left join followed on followed.source = with_winner.source and followed.touch_id = with_winner.touch_id
left join episodes on episodes.customer_key = with_winner.customer_key and episodes.episode_no = with_winner.silence_episode_no
