-- int_campaign_members: each customer of each campaign, in the group they were put in first, with what came of it.
-- grain: one row per source, campaign_id and customer_key
-- materialized: incremental
-- key: customer_key
-- partition_by: sipHash64(customer_key) % 4
-- order_by: (source, campaign_id, customer_key)
-- tags: winback
with

touches as {{ once }} (
    select * from {{ ref "int_touches" }} where customer_key is not null and {{ touched "assumeNotNull(customer_key)" }}
),

owners as {{ once }} (
    select source, entity_id, customer_key
    from {{ ref "int_record_owners" }}
    where entity = 'crm.activities'
        and {{ touched "customer_key" }}
        and customer_key in (select assumeNotNull(customer_key) from {{ ref "int_touches" }} where is_control and customer_key is not null and {{ touched "assumeNotNull(customer_key)" }})
),

activities as (
    select source, activity_id, toDate(assumeNotNull(coalesce(done_at, happened_at)), {{ .Timezone }}) as contacted_on
    from {{ ref "stg_crm__activities" }}
    where (source, activity_id) in (select source, entity_id from owners)
        and kind in ('call', 'email', 'meeting', 'letter', 'sms')
        and direction = 'outbound'
        and coalesce(done_at, happened_at) is not null
        and contacted_on <= {{ .AsOf }}
),

-- By intention to treat: whatever happened later, a customer belongs to the group
-- of the first row, and what counts is what they did after that moment.
firsts as {{ once }} (
    select * from touches order by touched_at, touch_id limit 1 by source, campaign_id, customer_key
),

sums as (
    select
        source,
        campaign_id,
        customer_key,
        countIf(not touches.is_control) as sent,
        maxIf(touches.touched_on, not touches.is_control) as last_contacted_on,
        countIf(touches.is_opened and not touches.is_control) > 0 as was_opened,
        countIf(touches.is_clicked and not touches.is_control) > 0 as was_clicked,
        sumIf(touches.cost, not touches.is_control) as touch_cost,
        countIf(touches.cost is null and not touches.is_control) as costs_unknown,
        countIf(touches.is_winner) > 0 as was_attributed,
        sumIf(touches.net_revenue, touches.is_winner) as attributed_net_revenue,
        sumIf(touches.discount_given, touches.is_winner) as attributed_discount,
        countIf(touches.is_winner and touches.margin is null) as margins_unknown,
        sumIf(touches.margin, touches.is_winner) as attributed_margin,
        argMinIf(touches.trial_amount, (touches.touched_at, touches.touch_id), touches.is_winner) as attributed_trial,
        countIf(touches.is_full_price and touches.is_winner) > 0 as was_full_price
    from touches
    group by source, campaign_id, customer_key
),

-- Whoever was to be left alone and was contacted all the same, by this campaign,
-- another one or a manager, while it was watched what they would do.
contacts as (
    select assumeNotNull(customer_key) as customer_key, touched_on as contacted_on from touches where not is_control
    union all
    select owners.customer_key as customer_key, activities.contacted_on as contacted_on
    from activities
    inner join owners on owners.source = activities.source and owners.entity_id = activities.activity_id
),

contaminated as (
    select firsts.source as source, firsts.campaign_id as campaign_id, assumeNotNull(firsts.customer_key) as customer_key
    from firsts
    inner join contacts on contacts.customer_key = firsts.customer_key
    where firsts.is_control
        and contacts.contacted_on >= firsts.touched_on
        and contacts.contacted_on <= firsts.touched_on + firsts.attribution_days
    group by source, campaign_id, customer_key
)

select
    firsts.source as source,
    firsts.campaign_id as campaign_id,
    assumeNotNull(firsts.customer_key) as customer_key,
    firsts.is_cart_reminder as is_cart_reminder,
    firsts.is_control as is_control,
    firsts.touched_on as touched_on,
    greatest(firsts.touched_on, sums.last_contacted_on) as last_touched_on,
    firsts.channel as channel,
    firsts.offer as offer,
    if(coalesce(firsts.discount_pct, 0) > 0, concat(toString(assumeNotNull(firsts.discount_pct)), ' %'), 'none') as discount,
    firsts.manager_id as manager_id,
    firsts.segment as segment,
    firsts.recency_bucket as recency_bucket,
    firsts.reason_category as reason_category,
    if(firsts.severity is null, '(none)', toString(assumeNotNull(firsts.severity))) as severity,
    firsts.attribution_days as attribution_days,
    firsts.horizon_days as horizon_days,
    toUInt64(sums.sent) as sent,
    toBool(sums.was_opened) as is_opened,
    toBool(sums.was_clicked) as is_clicked,
    sums.touch_cost as touch_cost,
    toUInt64(sums.costs_unknown) as costs_unknown,
    toBool(sums.was_attributed) as is_attributed,
    coalesce(sums.attributed_net_revenue, toDecimal128(0, 4)) as attributed_net_revenue,
    coalesce(sums.attributed_discount, toDecimal128(0, 4)) as attributed_discount,
    if(sums.margins_unknown > 0, null, sums.attributed_margin) as attributed_margin,
    sums.attributed_trial as attributed_trial,
    toBool(sums.was_full_price) as is_full_price,
    firsts.next_on as next_on,
    firsts.is_returned as is_returned,
    firsts.net_revenue + firsts.discount_given as revenue,
    firsts.margin as margin,
    toBool(contaminated.customer_key is not null) as is_contaminated
from firsts
inner join sums on sums.source = firsts.source and sums.campaign_id = firsts.campaign_id and sums.customer_key = firsts.customer_key
left join contaminated
    on contaminated.source = firsts.source and contaminated.campaign_id = firsts.campaign_id and contaminated.customer_key = firsts.customer_key

{{ define "touched" }}
-- A customer's campaigns are looked at together: any contact spoils a control group. A
-- new day brings the contacts dated up to it.
select assumeNotNull(customer_key) as customer_key from {{ changed "int_touches" }} where customer_key is not null
union all
select customer_key from {{ changed "int_record_owners" }} where entity = 'crm.activities'
union all
select customer_key
from {{ ref "int_record_owners" }}
where entity = 'crm.activities'
    and (source, entity_id) in (
        select source, id from {{ changed "crm.activities" }}
        union all
        select source, activity_id
        from {{ ref "stg_crm__activities" }}
        where toDate(assumeNotNull(coalesce(done_at, happened_at)), {{ .Timezone }}) > {{ .SeenUntil }}
            and toDate(assumeNotNull(coalesce(done_at, happened_at)), {{ .Timezone }}) <= {{ .SeenLast }}
    )
{{ end }}
