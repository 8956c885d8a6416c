-- int_touch_states: every contact of a campaign, and every control, with the customer's state at that moment and the purchase that came next.
-- grain: one row per source and touch_id
-- materialized: incremental
-- key: source, touch_id
-- partition_by: toYYYYMM(touched_on)
-- order_by: (source, touch_id)
-- tags: winback
with

touches as (
    select * from {{ ref "stg_winback__touches" }} where {{ touched "source, touch_id" }}
),

campaigns as (
    select * from {{ ref "stg_winback__campaigns" }}
),

reminders as {{ once }} (
    select source, concat('cart reminder ', reminder_id) as touch_id, cart_id, sent_at, channel, cost, opened_at, clicked_at
    from {{ ref "stg_winback__cart_reminders" }}
    where {{ touched "source, concat('cart reminder ', reminder_id)" }}
),

carts as (
    select source, cart_id, currency from {{ ref "stg_shop__carts" }}
    where (source, cart_id) in (select source, assumeNotNull(reminders.cart_id) from reminders where reminders.cart_id is not null)
),

owners as {{ once }} (
    select source, entity, entity_id, customer_key
    from {{ ref "int_record_owners" }}
    where (entity = 'winback.touches' and {{ touched "source, entity_id" }})
        or (entity = 'shop.carts' and (source, entity_id) in (select source, assumeNotNull(reminders.cart_id) from reminders where reminders.cart_id is not null))
),

rates as (
    select currency, day, rate from {{ ref "int_daily_rates" }}
),

silences as (
    select * from {{ ref "int_silences" }} where {{ in_part "customer_key in (select customer_key from owners)" }}
),

customers as (
    select customer_key, segment from {{ ref "int_customers" }} where {{ in_part "customer_key in (select customer_key from owners)" }}
),

purchases as (
    select customer_key, purchase_no, ordered_at, ordered_on from {{ ref "int_purchases" }}
    where {{ in_part "customer_key in (select customer_key from owners)" }}
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
        reminders.touch_id as touch_id,
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

priced as (
    select
        seen.*,
        cast(round(seen.cost_written * if(seen.currency = {{ .Currency }}, toDecimal64(1, 8), rates.rate), 4) as Nullable(Decimal(18, 4))) as cost
    from seen
    left join rates on rates.currency = seen.currency and rates.day = seen.touched_on
),

with_segment as (
    select priced.*, customers.segment as segment
    from priced
    left join customers on customers.customer_key = priced.customer_key
),

-- The silence that the touch falls in, if any.
with_state as (
    select
        with_segment.*,
        silences.episode_no as silence_episode_no,
        toBool(coalesce(silences.sleeps_on <= with_segment.touched_on and (silences.next_at is null or silences.next_at > with_segment.touched_at), false)) as is_silent,
        if(is_silent and silences.lost_if_silent_on <= with_segment.touched_on, toInt32(with_segment.touched_on - silences.lost_if_silent_on), null) as days_since_loss
    from with_segment
    asof left join silences on silences.customer_key = with_segment.customer_key and silences.ordered_at <= with_segment.touched_at
),

with_next as (
    select
        with_state.*,
        purchases.purchase_no as next_purchase_no,
        purchases.ordered_on as next_on,
        -- Only an order counts, and only the first one after the touch.
        toBool(coalesce(purchases.ordered_on <= with_state.touched_on + with_state.attribution_days, false)) as is_returned
    from with_state
    asof left join purchases on purchases.customer_key = with_state.customer_key and purchases.ordered_at > with_state.touched_at
)

-- The last touch before an order has won it; nobody was touched as a control.
select
    source,
    touch_id,
    campaign_id,
    is_cart_reminder,
    customer_key,
    touched_at,
    touched_on,
    is_control,
    channel,
    offer,
    discount_pct,
    coupon,
    manager_id,
    cost,
    toBool(coalesce(opened_at is not null or clicked_at is not null, false)) as is_opened,
    toBool(clicked_at is not null) as is_clicked,
    toInt64(attribution_days) as attribution_days,
    toInt64(horizon_days) as horizon_days,
    silence_episode_no,
    coalesce(segment, '(none)') as segment,
    is_silent,
    days_since_loss,
    next_on,
    next_purchase_no,
    is_returned,
    toBool(is_returned and not is_control and row_number() over (
        partition by customer_key, next_purchase_no, is_returned, is_control order by touched_at desc, source desc, touch_id desc
    ) = 1) as is_winner
from with_next

{{ define "touched" }}
-- All touches of a customer are looked at when anything of theirs changed: the last
-- before an order has won it. Those of nobody stand for themselves.
with

carts as (
    select source, id as cart_id from {{ changed "shop.carts" }}
    union distinct
    select source, entity_id as cart_id from {{ changed "int_record_owners" }} where entity = 'shop.carts'
),

moved as {{ once }} (
    select source, id as touch_id from {{ changed "winback.touches" }}
    union distinct
    select source, entity_id as touch_id from {{ changed "int_record_owners" }} where entity = 'winback.touches'
    union distinct
    -- A campaign gives its touches what they do not say, and a new day brings what
    -- is dated up to it.
    select source, touch_id from {{ ref "stg_winback__touches" }} as touches
    where (source, campaign_id) in (select source, toNullable(id) from {{ changed "winback.campaigns" }})
        or (source, campaign_id) in (
            select source, toNullable(campaign_id) from {{ ref "stg_winback__campaigns" }}
            where toDate(assumeNotNull(started_at), {{ .Timezone }}) > {{ .SeenUntil }} and toDate(assumeNotNull(started_at), {{ .Timezone }}) <= {{ .SeenLast }}
        )
        or (toDate(assumeNotNull(touches.touched_at), {{ .Timezone }}) > {{ .SeenUntil }} and toDate(assumeNotNull(touches.touched_at), {{ .Timezone }}) <= {{ .SeenLast }})
        or (select count() from {{ changed "shop.exchange_rates" }}) > 0
),

moved_reminders as {{ once }} (
    select source, reminder_id, cart_id from {{ ref "stg_winback__cart_reminders" }} as reminders
    where (source, reminder_id) in (select source, id from {{ changed "winback.cart_reminders" }})
        or (source, cart_id) in (select source, toNullable(cart_id) from carts)
        or (toDate(assumeNotNull(reminders.sent_at), {{ .Timezone }}) > {{ .SeenUntil }} and toDate(assumeNotNull(reminders.sent_at), {{ .Timezone }}) <= {{ .SeenLast }})
        or (select count() from {{ changed "shop.exchange_rates" }}) > 0
),

-- Of a reminder that is gone only its own row tells whose it was.
gone as (
    select source, concat('cart reminder ', id) as touch_id from {{ changed "winback.cart_reminders" }}
),

customers as (
    select customer_key from {{ changed "int_purchases" }}
    union distinct
    select customer_key from {{ changed "int_silences" }}
    union distinct
    select customer_key from {{ changed "int_customers" }}
    union distinct
    select customer_key from {{ changed "int_record_owners" }} where entity = 'winback.touches'
    union distinct
    select customer_key from {{ changed "int_record_owners" }}
    where entity = 'shop.carts' and (source, entity_id) in (select source, assumeNotNull(cart_id) from moved_reminders where cart_id is not null)
    union distinct
    select customer_key from {{ ref "int_record_owners" }}
    where (entity = 'winback.touches' and (source, entity_id) in (select source, touch_id from moved))
        or (entity = 'shop.carts' and (source, entity_id) in (select source, assumeNotNull(cart_id) from moved_reminders where cart_id is not null))
    union distinct
    select customer_key from {{ this }}
    where (source, touch_id) in (select source, touch_id from moved union distinct select source, touch_id from gone)
)

select source, touch_id from {{ this }} where customer_key != '' and customer_key in (select customer_key from customers)
union all
select source, touch_id from moved
union all
select source, concat('cart reminder ', reminder_id) as touch_id from moved_reminders
union all
select source, touch_id from gone
{{ end }}
