-- stg_shop__exchange_rates: price of one unit of a currency in the project's currency, by day.
-- grain: one row per currency and rated_on
-- materialized: view
with

rates as (
    select * from {{ source "shop" "exchange_rates" }} final where not deleted and rate > 0
)

select
    upper(trimBoth(currency)) as currency,
    toDate(date) as rated_on,
    -- Two sources may quote the same day: the one read last counts.
    assumeNotNull(argMax(rate, (extracted_at, source))) as rate
from rates
group by 1, 2
