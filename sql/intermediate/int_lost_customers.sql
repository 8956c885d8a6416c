-- int_lost_customers: each loss that counts in a month's churn, with its reason.
-- grain: one row per customer_key and episode_no
-- materialized: view
-- tags: churn, reasons
with

episodes as (
    select * from {{ ref "customer_episodes" }}
    -- Who began and was lost within the month was no customer at its start.
    where loss_date is not null and started_on < toStartOfMonth(loss_date)
)

select
    toStartOfMonth(assumeNotNull(loss_date)) as month,
    segment,
    customer_key,
    episode_no,
    assumeNotNull(reason_category) as reason_category,
    coalesce(stated_category, 'unknown') as stated_category,
    verified_category,
    severity,
    competitor,
    revenue_12m,
    returned_on,
    toBool(toStartOfMonth({{ .AsOf }} + 1) > month) as is_complete
from episodes
