-- int_sales_rates: deals made, won and lost in each month with win rates by count and by value.
-- grain: one row per month, pipeline, dimension and value
-- materialized: view
-- tags: funnel, monthly
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
    100 * won / nullIf(won + lost, 0) as win_rate_pct,
    {{ wilson_lower "won" "won + lost" }} as win_rate_lower,
    {{ wilson_upper "won" "won + lost" }} as win_rate_upper,
    100 * toFloat64(won_amount) / nullIf(toFloat64(won_amount + lost_amount), 0) as win_rate_value_pct,
    won_amount,
    lost_amount,
    open_amount,
    100 * won_3m / nullIf(won_3m + lost_3m, 0) as win_rate_3m_pct,
    {{ wilson_lower "won_3m" "won_3m + lost_3m" }} as win_rate_3m_lower,
    {{ wilson_upper "won_3m" "won_3m + lost_3m" }} as win_rate_3m_upper,
    won_3m + lost_3m as closed_3m,
    average_won_amount,
    cycle_days,
    velocity_per_day,
    is_complete
from {{ ref "int_sales_months" }}
