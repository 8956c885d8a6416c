-- carts_monthly_by: how many carts were left, and how many of those came back, by category of goods and sales channel.
-- grain: one row per month, category and channel
-- materialized: table
-- order_by: (category, channel, month)
-- tags: carts, monthly
with

carts as (
    select * from {{ ref "int_carts" }}
),

contacts as (
    select customer_key, notEmpty(emails) or notEmpty(phones) as has_contact from {{ ref "int_customers" }}
),

benchmarks as (
    select benchmark, priority, pattern, abandoned_pct from {{ ref "cart_benchmarks" }}
),

-- A cart that is neither ordered nor abandoned yet is no cart to count.
decided as (
    select
        toStartOfMonth(carts.started_on) as month,
        carts.category as category,
        carts.channel as channel,
        not carts.is_ordered_at_once as is_abandoned,
        coalesce(carts.email, carts.phone) is not null or coalesce(contacts.has_contact, false) as has_contact,
        carts.reminded_at as reminded_at,
        carts.reminders_cost as reminders_cost,
        carts.is_recovered as is_recovered,
        carts.is_recovered_by_reminder as is_recovered_by_reminder,
        carts.revenue as revenue,
        carts.value as value
    from carts
    left join contacts on contacts.customer_key = carts.customer_key
    where carts.is_ordered_at_once or toDate(carts.left_at, {{ .Timezone }}) <= {{ .AsOf }}
),

of_parts as (
    select
        month,
        category,
        channel,
        count() as carts,
        countIf(is_abandoned) as abandoned,
        countIf(is_abandoned and (has_contact or notEmpty(reminded_at))) as contactable,
        countIf(is_abandoned and notEmpty(reminded_at)) as reminded,
        countIf(is_recovered) as recovered,
        sumIf(revenue, is_recovered) as recovered_revenue,
        countIf(is_recovered_by_reminder) as recovered_by_reminder,
        sumIf(revenue, is_recovered_by_reminder) as reminded_revenue,
        countIf(notEmpty(reminded_at)) as with_reminders,
        countIf(notEmpty(reminded_at) and reminders_cost is null) as costs_unknown,
        sum(reminders_cost) as cost,
        sumIf(value, is_abandoned) as abandoned_value
    from decided
    group by month, category, channel
),

monthly as (
    select
        month,
        arrayJoin(['(all)', of_parts.category]) as of_category,
        arrayJoin(['(all)', of_parts.channel]) as of_channel,
        sum(of_parts.carts) as carts,
        sum(of_parts.abandoned) as abandoned,
        sum(of_parts.contactable) as contactable,
        sum(of_parts.reminded) as reminded,
        sum(of_parts.recovered) as recovered,
        sum(of_parts.recovered_revenue) as recovered_revenue,
        sum(of_parts.recovered_by_reminder) as recovered_by_reminder,
        sum(of_parts.reminded_revenue) as reminded_revenue,
        -- One reminder of unknown cost makes the cost of all unknown.
        if(sum(of_parts.costs_unknown) > 0 or sum(of_parts.with_reminders) = 0, null, sum(of_parts.cost)) as cost,
        sum(of_parts.abandoned_value) as abandoned_value,
        toBool(toLastDayOfMonth(month) <= {{ .AsOf }}) as is_complete,
        -- The last reminder may still bring the last cart back.
        toBool(toLastDayOfMonth(month) + {{ .Carts.RemindUntil }} + {{ .Carts.RecoveredIn }} <= {{ .AsOf }}) as is_settled
    from of_parts
    group by month, of_category, of_channel
),

categories as (
    select distinct of_category from monthly
),

compared_with as (
    select
        categories.of_category as of_category,
        argMin(benchmarks.benchmark, benchmarks.priority) as benchmark,
        argMin(benchmarks.abandoned_pct, benchmarks.priority) as benchmark_pct
    from categories
    cross join benchmarks
    where match(categories.of_category, benchmarks.pattern)
    group by of_category
)

select
    monthly.month as month,
    monthly.of_category as category,
    monthly.of_channel as channel,
    carts,
    abandoned,
    100 * abandoned / carts as abandoned_pct,
    contactable,
    reminded,
    recovered,
    if(is_settled, 100 * recovered / nullIf(abandoned, 0), null) as recovered_pct,
    coalesce(recovered_revenue, toDecimal128(0, 4)) as recovered_revenue,
    monthly.cost as cost,
    if(is_settled, 100 * toFloat64(coalesce(reminded_revenue, 0) - monthly.cost) / nullIf(toFloat64(monthly.cost), 0), null) as romi_pct,
    {{ wilson_lower "abandoned" "carts" }} as abandoned_lower,
    {{ wilson_upper "abandoned" "carts" }} as abandoned_upper,
    if(is_settled, {{ wilson_lower "recovered" "abandoned" }}, null) as recovered_lower,
    if(is_settled, {{ wilson_upper "recovered" "abandoned" }}, null) as recovered_upper,
    recovered_by_reminder,
    coalesce(reminded_revenue, toDecimal128(0, 4)) as reminded_revenue,
    abandoned_value,
    compared_with.benchmark as benchmark,
    compared_with.benchmark_pct as benchmark_pct,
    is_complete,
    is_settled
from monthly
left join compared_with on compared_with.of_category = monthly.of_category
