-- int_sales_months: deals made, won, lost and open in each month, and what the last three months say of winning them.
-- grain: one row per month, pipeline, dimension and value
-- materialized: table
-- order_by: (dimension, pipeline, value, month)
-- tags: funnel, monthly
with

deals as (
    select
        *,
        arrayJoin(['(all)', pipeline]) as in_pipeline,
        toStartOfMonth(began_on) as began_in,
        -- An ending that nobody dated was when the deal began; clocks that disagree
        -- let none end before it.
        if(outcome = 'open', null, greatest(coalesce(ended_on, began_on), began_on)) as closed_on
    from {{ ref "int_deal_dimensions" }}
),

groups as (
    select in_pipeline as pipeline, dimension, value, any(label) as label, min(began_in) as first_month
    from deals
    group by in_pipeline, dimension, value
),

months as (
    select
        pipeline, dimension, value, label,
        addMonths(first_month, arrayJoin(range(toUInt32(dateDiff('month', first_month, {{ .AsOf }}) + 1)))) as month
    from groups
),

made as (
    select in_pipeline as pipeline, dimension, value, began_in as month, count() as made, coalesce(sum(deals.amount), toDecimal128(0, 4)) as made_amount
    from deals
    group by in_pipeline, dimension, value, month
),

closed as (
    select
        in_pipeline as pipeline,
        dimension,
        value,
        toStartOfMonth(assumeNotNull(closed_on)) as month,
        countIf(outcome = 'won') as won,
        countIf(outcome = 'lost') as lost,
        countIf(outcome = 'won' and deals.amount is not null) as won_priced,
        coalesce(sumIf(deals.amount, outcome = 'won'), toDecimal128(0, 4)) as won_amount,
        coalesce(sumIf(deals.amount, outcome = 'lost'), toDecimal128(0, 4)) as lost_amount,
        sumIf(dateDiff('day', began_on, assumeNotNull(closed_on)), outcome = 'won') as days_to_win
    from deals
    where closed_on is not null
    group by in_pipeline, dimension, value, month
),

monthly as (
    select
        months.pipeline as pipeline,
        months.dimension as dimension,
        months.value as value,
        months.label as label,
        months.month as month,
        coalesce(made.made, 0) as made,
        coalesce(made.made_amount, toDecimal128(0, 4)) as made_amount,
        coalesce(closed.won, 0) as won,
        coalesce(closed.lost, 0) as lost,
        coalesce(closed.won_priced, 0) as won_priced,
        coalesce(closed.won_amount, toDecimal128(0, 4)) as won_amount,
        coalesce(closed.lost_amount, toDecimal128(0, 4)) as lost_amount,
        coalesce(closed.days_to_win, 0) as days_to_win
    from months
    left join made on made.pipeline = months.pipeline and made.dimension = months.dimension and made.value = months.value and made.month = months.month
    left join closed on closed.pipeline = months.pipeline and closed.dimension = months.dimension and closed.value = months.value and closed.month = months.month
),

-- A month alone closes too few deals to tell how they go.
windowed as (
    select
        *,
        toUInt64(sum(made - won - lost) over so_far) as open,
        sum(made_amount - won_amount - lost_amount) over so_far as open_amount,
        sum(won) over last_three as won_3m,
        sum(lost) over last_three as lost_3m,
        sum(won_priced) over last_three as won_priced_3m,
        sum(won_amount) over last_three as won_amount_3m,
        sum(days_to_win) over last_three as days_to_win_3m
    from monthly
    window
        so_far as (partition by pipeline, dimension, value order by month rows unbounded preceding),
        last_three as (partition by pipeline, dimension, value order by month rows between 2 preceding and current row)
)

select
    month,
    pipeline,
    dimension,
    value,
    label,
    made,
    won,
    lost,
    open,
    won_amount,
    lost_amount,
    open_amount,
    won_3m,
    lost_3m,
    won_amount_3m / nullIf(won_priced_3m, 0) as average_won_amount,
    days_to_win_3m / nullIf(won_3m, 0) as cycle_days,
    -- Open deals x win rate x average won value / average days to win.
    accurateCastOrNull(round(
        open * (won_3m / nullIf(won_3m + lost_3m, 0)) * toFloat64(average_won_amount) / nullIf(cycle_days, 0), 4
    ), 'Decimal(38, 4)') as velocity_per_day,
    toBool(toStartOfMonth({{ .AsOf }} + 1) > month) as is_complete
from windowed
