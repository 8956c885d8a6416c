-- int_daily_rates: what a unit of each other currency is worth in the project's, day by day.
-- grain: one row per currency and day
-- materialized: view
with

rates as (
    select currency, rated_on, rate from {{ ref "stg_shop__exchange_rates" }}
)

-- Banks publish no rates at weekends: the last one serves for ten days.
select
    rates.currency as currency,
    rates.rated_on + days as day,
    argMax(rates.rate, rates.rated_on) as rate
from rates
array join range(10) as days
group by currency, day
