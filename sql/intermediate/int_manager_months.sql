-- int_manager_months: each month's customers and money by the manager who looked after them.
-- grain: one row per month, manager_source and manager_id
-- materialized: incremental
-- key: month
-- order_by: (month, manager_source, manager_id)
-- tags: managers, monthly
with

customer_months as (
    select
        customer_key,
        month,
        day,
        month_no,
        was_customer,
        is_customer,
        is_new,
        is_churned,
        returned_times,
        orders,
        revenue,
        revenue_lost,
        is_complete
    from {{ ref "customer_months" }}
    where {{ touched "month" }}
),

managers as (
    select customer_key, stretches from {{ ref "int_customer_managers" }}
),

-- Whose customer it was on the day before the month, and on its last day.
looked_after as {{ once }} (
    select
        customer_months.*,
        arrayLast(x -> tupleElement(x, 1) < month and tupleElement(x, 2) >= month, managers.stretches) as stretch_at_start,
        arrayLast(x -> tupleElement(x, 1) <= day and tupleElement(x, 2) > day, managers.stretches) as stretch_at_end,
        tupleElement(stretch_at_start, 3) as source_at_start,
        tupleElement(stretch_at_start, 4) as manager_at_start,
        tupleElement(stretch_at_end, 3) as source_at_end,
        tupleElement(stretch_at_end, 4) as manager_at_end,
        (source_at_start, manager_at_start) != (source_at_end, manager_at_end) as has_moved
    from customer_months
    left join managers on managers.customer_key = customer_months.customer_key
),

-- A loss counts for the manager who had the customer at the start of the month,
-- as only those there at the start can be lost of them.
starts as (
    select
        month,
        source_at_start as manager_source,
        manager_at_start as manager_id,
        max(looked_after.is_complete) as is_complete,
        countIf(was_customer) as customers_at_start,
        countIf(is_churned) as lost,
        sum(coalesce(revenue_lost, toDecimal128(0, 4))) as lost_revenue,
        countIf(was_customer and is_customer and has_moved) as handed_over
    from looked_after
    group by month, manager_source, manager_id
    having customers_at_start > 0
),

-- Everything that was won counts for the one who has the customer in the end.
ends as (
    select
        month,
        source_at_end as manager_source,
        manager_at_end as manager_id,
        max(looked_after.is_complete) as is_complete,
        countIf(is_customer) as customers_at_end,
        countIf(is_new) as new_customers,
        sum(returned_times) as won_back,
        countIf(was_customer and is_customer and has_moved) as taken_over,
        sum(looked_after.orders) as orders,
        sum(looked_after.revenue) as revenue,
        -- The longest tenure that fits tells the rate, in percent.
        sumIf(looked_after.revenue * tupleElement(arrayLast(
            x -> tupleElement(x, 1) <= intDiv(month_no, 12),
            [(toUInt32(0), toDecimal64('0', 4)){{ range .Bonus.Tiers }}, (toUInt32({{ .Years }}), toDecimal64('{{ .Percent }}', 4)){{ end }}]
        ), 2), is_customer) / 100 as tenure_bonus
    from looked_after
    group by month, manager_source, manager_id
    having customers_at_end > 0 or new_customers > 0 or won_back > 0 or orders > 0
)

select
    assumeNotNull(coalesce(starts.month, ends.month)) as month,
    assumeNotNull(coalesce(starts.manager_source, ends.manager_source)) as manager_source,
    coalesce(nullIf(coalesce(starts.manager_id, ends.manager_id), ''), '(none)') as manager_id,
    assumeNotNull(coalesce(starts.is_complete, ends.is_complete)) as is_complete,
    coalesce(starts.customers_at_start, 0) as customers_at_start,
    coalesce(ends.new_customers, 0) as new_customers,
    coalesce(ends.won_back, 0) as won_back,
    coalesce(starts.lost, 0) as lost,
    coalesce(ends.taken_over, 0) as taken_over,
    coalesce(starts.handed_over, 0) as handed_over,
    coalesce(ends.customers_at_end, 0) as customers_at_end,
    coalesce(starts.lost_revenue, toDecimal128(0, 4)) as lost_revenue,
    coalesce(ends.orders, 0) as orders,
    coalesce(ends.revenue, toDecimal128(0, 4)) as revenue,
    cast(round(coalesce(ends.tenure_bonus, 0), 4) as Decimal(38, 4)) as tenure_bonus
from starts
full join ends on ends.month = starts.month and ends.manager_source = starts.manager_source and ends.manager_id = starts.manager_id

{{ define "touched" }}
-- The month of the day is another one every day. A customer who was handed over is
-- counted otherwise from the first day that differs on. Of more than two states in
-- turn it is not known which was the one that was counted last.
with handed_over as (
    select customer_key, min(since) as since
    from (
        select customer_key, tupleElement(turn, 1) as since
        from (
            select customer_key, states, arrayJoin(arrayConcat(
                arrayMap(x -> (tupleElement(x, 1), tupleElement(x, 3), tupleElement(x, 4), 'from'), stretches),
                arrayMap(x -> (tupleElement(x, 2), tupleElement(x, 3), tupleElement(x, 4), 'until'), stretches)
            )) as turn
            from (
                select customer_key, count() as states, arrayJoin(groupArray(stretches)) as stretches
                from (select distinct customer_key, stretches from {{ changed "int_customer_managers" }})
                group by customer_key
            )
        )
        group by customer_key, states, turn
        having count() = 1 or states > 2
    )
    group by customer_key
)

select month from {{ changed "int_months_closed" }}
union all
select toStartOfMonth({{ .SeenLast }}) as month from {{ changed "int_customer_cards" }} limit 1
union all
select toStartOfMonth({{ .SeenUntil }}) as month
union all
select toStartOfMonth({{ .SeenLast }}) as month
union all
select customer_months.month as month
from {{ ref "customer_months" }} as customer_months
inner join handed_over on handed_over.customer_key = customer_months.customer_key
where customer_months.day >= handed_over.since
group by month
{{ end }}
