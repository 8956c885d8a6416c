-- int_winback_evidence: how often customers in each state returned, contacted and left alone: what P(return), channels and offers are judged by.
-- grain: one row per what, segment, reason_category, recency_bucket and value
-- materialized: table
-- order_by: (what, segment, reason_category, recency_bucket, value)
-- tags: winback
with

members as (
    select * from {{ ref "int_campaign_members" }} where not is_control
),

silences as (
    select customer_key, episode_no, segment, sleeps_on, lost_if_silent_on, next_on from {{ ref "int_silences" }}
),

reasons as (
    select customer_key, episode_no, reason_category from {{ ref "int_loss_reasons" }}
),

-- Contacts whose window is over; at the next run their results are here. Whoever was
-- reminded of a cart was about to buy: that tells nothing of those who are silent.
contacted as (
    select segment, reason_category, recency_bucket, channel, offer, is_returned
    from members
    where not is_cart_reminder and recency_bucket != 'active' and touched_on + attribution_days <= {{ .AsOf }}
),

contacts_by_customer as (
    select customer_key, groupArray(touched_on) as days from members group by customer_key
),

-- The days on which each silence came to a new state, as far as their window is over.
entered as (
    select
        customer_key,
        episode_no,
        segment,
        next_on,
        tupleElement(entry, 1) as recency_bucket,
        tupleElement(entry, 2) as entered_on
    from silences
    array join arrayFilter(
        x -> tupleElement(x, 2) + {{ .Winback.AttributionDays }} <= {{ .AsOf }}
            and coalesce(next_on >= tupleElement(x, 2), true)
            and (tupleElement(x, 1) != 'sleeping' or sleeps_on < lost_if_silent_on),
        [
            ('sleeping', sleeps_on), ('0-30', lost_if_silent_on), ('31-90', lost_if_silent_on + 31), ('91-180', lost_if_silent_on + 91),
            ('181-360', lost_if_silent_on + 181), ('360+', lost_if_silent_on + 361)
        ]
    ) as entry
),

left_alone as (
    select
        entered.segment as segment,
        if(entered.recency_bucket = 'sleeping', '(none)', coalesce(reasons.reason_category, 'unknown')) as reason_category,
        entered.recency_bucket as recency_bucket,
        coalesce(entered.next_on <= entered.entered_on + {{ .Winback.AttributionDays }}, false) as is_returned
    from entered
    left join contacts_by_customer on contacts_by_customer.customer_key = entered.customer_key
    left join reasons on reasons.customer_key = entered.customer_key and reasons.episode_no = entered.episode_no
    where not arrayExists(
        day -> day >= entered.entered_on - {{ .Winback.AttributionDays }} and day <= entered.entered_on + {{ .Winback.AttributionDays }},
        contacts_by_customer.days
    )
),

observed as (
    select segment, reason_category, recency_bucket, true as is_contacted, is_returned, count() as customers from contacted group by all
    union all
    select segment, reason_category, recency_bucket, false as is_contacted, is_returned, count() as customers from left_alone group by all
),

counted as (
    -- Those in each state, and all together.
    select
        tupleElement(state, 1) as what,
        tupleElement(state, 2) as segment,
        tupleElement(state, 3) as reason_category,
        tupleElement(state, 4) as recency_bucket,
        '' as value,
        is_contacted,
        is_returned,
        customers
    from observed
    array join [('customers', observed.segment, observed.reason_category, observed.recency_bucket), ('all', '(all)', '(all)', '(all)')] as state
    union all
    select 'channel' as what, '(all)' as segment, '(all)' as reason_category, in_bucket as recency_bucket, channel as value, true as is_contacted, is_returned, count() as customers
    from contacted
    array join [recency_bucket, '(all)'] as in_bucket
    group by all
    union all
    select 'offer' as what, '(all)' as segment, '(all)' as reason_category, '(all)' as recency_bucket, offer as value, true as is_contacted, is_returned, count() as customers
    from contacted
    group by all
)

select
    what,
    segment,
    reason_category,
    recency_bucket,
    value,
    toUInt64(sumIf(customers, is_contacted)) as contacted,
    toUInt64(sumIf(customers, is_contacted and is_returned)) as contacted_returned,
    toUInt64(sumIf(customers, not is_contacted)) as left_alone,
    toUInt64(sumIf(customers, not is_contacted and is_returned)) as left_alone_returned
from counted
group by what, segment, reason_category, recency_bucket, value
