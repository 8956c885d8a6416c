-- competitors: customers and deals that went to competitors, month by month.
-- grain: one row per month and competitor
-- materialized: table
-- order_by: (month, competitor)
-- tags: churn, reasons, funnel, monthly
with

losses as (
    select * from {{ ref "int_lost_customers" }} where reason_category = 'competitor_offer' or competitor is not null
),

deals as (
    select * from {{ ref "deals" }}
    where outcome = 'lost' and (reason_category = 'competitor_offer' or competitor is not null) and coalesce(ended_on, began_on) is not null
),

taken as (
    select month, coalesce(competitor, '(none)') as name, 1 as lost, revenue_12m, toUInt8(returned_on is not null) as won_back, 0 as deal, toDecimal64(0, 4) as amount
    from losses
    union all
    select toStartOfMonth(assumeNotNull(coalesce(ended_on, began_on))), coalesce(competitor, '(none)'), 0, toDecimal128(0, 4), 0, 1, coalesce(deals.amount, toDecimal64(0, 4))
    from deals
)

select
    month,
    -- Spelt in capitals or not, it is the same one.
    min(taken.name) as competitor,
    toUInt64(sum(taken.lost)) as lost,
    sum(taken.revenue_12m) as lost_revenue,
    toUInt64(sum(taken.won_back)) as won_back,
    100 * won_back / nullIf(lost, 0) as won_back_pct,
    {{ wilson_lower "won_back" "lost" }} as won_back_lower,
    {{ wilson_upper "won_back" "lost" }} as won_back_upper,
    toUInt64(sum(taken.deal)) as deals_lost,
    sum(taken.amount) as deals_amount
from taken
group by month, lowerUTF8(taken.name)
