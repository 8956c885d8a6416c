-- int_movements_by: customers and money of each month: of all, of each segment, region, sales channel and manager, and of any two of these together.
-- grain: one row per month, segment, region, channel and manager_id
-- materialized: table
-- order_by: (segment, region, channel, manager_id, month)
-- tags: churn, monthly
with

cells as (
    select * from {{ ref "int_month_cells" }}
),

traits as (
    select customer_key, region, channel, manager_id from {{ ref "int_customer_traits" }}
),

-- The thirty with the most customers in the last month; the others are one.
large_regions as (
    select region
    from cells
    where month = (select max(month) from cells)
    group by region
    order by sum(customers_at_end) desc, region
    limit 30
),

-- Stretches that ended in loss, by the months they ran in: of the customers at a
-- month's start those whom the next twelve months lost.
losses as (
    select
        episodes.segment as segment,
        coalesce(traits.region, '(none)') as region,
        coalesce(traits.channel, '(none)') as channel,
        coalesce(traits.manager_id, '(none)') as manager_id,
        toStartOfMonth(episodes.started_on) as started_in,
        toStartOfMonth(assumeNotNull(episodes.loss_date)) as lost_in,
        count() as times
    from {{ ref "int_episodes" }} as episodes
    left join traits on traits.customer_key = episodes.customer_key
    where episodes.loss_date is not null
    group by segment, region, channel, manager_id, started_in, lost_in
),

lost_ahead as (
    select
        segment,
        region,
        channel,
        manager_id,
        arrayJoin(arrayMap(n -> addMonths(lost_in, -n), range(toUInt32(least(12, dateDiff('month', started_in, lost_in)))))) as month,
        sum(losses.times) as lost_within_12m
    from losses
    group by segment, region, channel, manager_id, month
),

-- One by one and two by two: all four together may be as many as the customers.
grouped as (
    select
        cells.* except (segment, region, channel, manager_id, manager),
        coalesce(lost_ahead.lost_within_12m, 0) as lost_within_12m,
        if(cells.region in (select region from large_regions), cells.region, '(other)') as place,
        arrayJoin([
            ('(all)', '(all)', '(all)', '(all)', '(all)'),
            (cells.segment, '(all)', '(all)', '(all)', '(all)'),
            ('(all)', place, '(all)', '(all)', '(all)'),
            ('(all)', '(all)', cells.channel, '(all)', '(all)'),
            ('(all)', '(all)', '(all)', cells.manager_id, cells.manager),
            (cells.segment, place, '(all)', '(all)', '(all)'),
            (cells.segment, '(all)', cells.channel, '(all)', '(all)'),
            (cells.segment, '(all)', '(all)', cells.manager_id, cells.manager),
            ('(all)', place, cells.channel, '(all)', '(all)'),
            ('(all)', place, '(all)', cells.manager_id, cells.manager),
            ('(all)', '(all)', cells.channel, cells.manager_id, cells.manager)
        ]) as of_group
    from cells
    left join lost_ahead
        on lost_ahead.month = cells.month and lost_ahead.segment = cells.segment and lost_ahead.region = cells.region
            and lost_ahead.channel = cells.channel and lost_ahead.manager_id = cells.manager_id
),

monthly as (
    select
        grouped.month as month,
        tupleElement(grouped.of_group, 1) as segment,
        tupleElement(grouped.of_group, 2) as region,
        tupleElement(grouped.of_group, 3) as channel,
        tupleElement(grouped.of_group, 4) as manager_id,
        any(tupleElement(grouped.of_group, 5)) as manager,
        max(grouped.is_complete) as is_complete,
        sum(grouped.customers_at_start) as customers_at_start,
        sum(grouped.new_customers) as new_customers,
        sum(grouped.returned_times) as returned_times,
        sum(grouped.lost_times) as lost_times,
        sum(grouped.customers_at_end) as customers_at_end,
        sum(grouped.lost) as lost,
        sum(grouped.returned) as returned,
        sum(grouped.lost_at_start) as lost_at_start,
        sum(grouped.returned_of_lost) as returned_of_lost,
        sum(grouped.buyers) as buyers,
        sum(grouped.orders) as orders,
        sum(grouped.revenue) as revenue,
        sum(grouped.revenue_lost_observed) as revenue_lost_observed,
        sum(grouped.revenue_at_start) as revenue_at_start,
        sum(grouped.revenue_new) as revenue_new,
        sum(grouped.revenue_returned) as revenue_returned,
        sum(grouped.revenue_grown) as revenue_grown,
        sum(grouped.revenue_shrunk) as revenue_shrunk,
        sum(grouped.revenue_lost) as revenue_lost,
        sum(grouped.revenue_at_end) as revenue_at_end,
        sum(grouped.lost_within_12m) as lost_within_12m
    from grouped
    group by month, segment, region, channel, manager_id
),

-- Twelve months up to and with this one; null until there are twelve.
yearly as (
    select
        *,
        count() over last_12_months as months_seen,
        row_number() over (partition by segment, region, channel, manager_id order by month) - 1 as months_seen_before,
        first_value(customers_at_start) over last_12_months as customers_12m_ago,
        first_value(lost_within_12m) over last_12_months as lost_since,
        sum(orders) over last_12_months as orders_12m,
        sum(revenue) over last_12_months as revenue_12m,
        sum(customers_at_end) over last_12_months as month_ends_12m
    from monthly
    window last_12_months as (partition by segment, region, channel, manager_id order by month rows between 11 preceding and current row)
)

select
    month,
    segment,
    region,
    channel,
    manager_id,
    manager,
    is_complete,
    customers_at_start,
    new_customers,
    returned_times,
    lost_times,
    customers_at_end,
    lost,
    returned,
    lost_at_start,
    returned_of_lost,
    buyers,
    orders,
    revenue,
    revenue_lost_observed,
    -- Revenue of twelve months only means something after twelve months.
    toBool(months_seen_before >= 12) as has_year_before,
    if(is_complete and months_seen = 12, toNullable(customers_12m_ago), null) as customers_at_start_12m,
    if(is_complete and months_seen = 12, toNullable(lost_since), null) as lost_12m,
    if(is_complete and months_seen = 12, toNullable(orders_12m), null) as orders_12m,
    if(is_complete and months_seen = 12, toNullable(revenue_12m), null) as revenue_12m,
    -- Twelve times the customers there on an average month's end.
    if(is_complete and months_seen = 12, toNullable(month_ends_12m), null) as customer_months_12m,
    revenue_at_start,
    revenue_new,
    revenue_returned,
    revenue_grown,
    revenue_shrunk,
    revenue_lost,
    revenue_at_end
from yearly
