-- customer_predictions: the chance that each customer is still alive, what to expect of them in a year, and what that is worth.
-- grain: one row per customer_key with a purchase
-- materialized: table
-- order_by: customer_key
-- tags: prediction
with

histories as (
    select
        *,
        toUInt32(last_on - first_on) as last_days,
        toUInt32({{ .AsOf }} - first_on) as age_days,
        coalesce(toFloat64(repeat_revenue), 0) as spent,
        -- A segment that is younger than the fits has none.
        if(segment in (select segment from {{ ref "int_prediction_parameters" }}), segment, '(all)') as fit_segment
    from {{ ref "int_purchase_histories" }}
),

fits as (
    select * from {{ ref "int_prediction_parameters" }}
),

outlook as (
    select * from {{ ref "int_purchase_outlook" }}
),

-- MBG/NBD: gone with the odds a / (b + x) ((alpha + T) / (alpha + t))^(r + x) for x
-- repeats, the last at t, and age T in weeks. Gamma-Gamma: a purchase brings
-- p (gamma + money of the repeats) / (p x + q - 1).
predicted as (
    select
        histories.customer_key as customer_key,
        histories.segment as segment,
        histories.repeat_days as repeat_days,
        histories.last_days as last_days,
        histories.age_days as age_days,
        histories.terminated_on as terminated_on,
        fits.fitted_on as fitted_on,
        fits.spend_fitted_on as spend_fitted_on,
        fits.customers as fitted_customers,
        if(histories.terminated_on is null, 1 / (1 + fits.a / (fits.b + repeat_days) * exp(least(
            (fits.r + repeat_days) * (log(fits.alpha + age_days / 7) - log(fits.alpha + last_days / 7)), 700))), null) as alive,
        outlook.orders_365d_if_alive * alive as expected_orders,
        -- Without known money a customer is taken to spend as everybody does.
        if(spent > 0, repeat_days, 0) as paid_days,
        fits.p * (fits.gamma + greatest(spent, 0)) / (fits.p * paid_days + fits.q - 1) as spend,
        spend * outlook.discounted_orders_if_alive * alive as worth,
        multiIf(histories.terminated_on is not null, 'the contract was terminated', fits.not_fitted_because) as not_predicted_because,
        coalesce(not_predicted_because, fits.spend_not_fitted_because) as no_clv_because
    from histories
    left join fits on fits.segment = histories.fit_segment
    left join outlook on outlook.segment = fits.fitted_on and outlook.repeat_days = histories.repeat_days and outlook.age_days = histories.age_days
)

select
    customer_key,
    segment,
    repeat_days,
    last_days,
    age_days,
    round(alive, 6) as p_alive,
    round(expected_orders, 6) as expected_orders_365d,
    -- Under a null there may be a NaN, which no decimal can be.
    if(spend is null, null, toDecimal128(coalesce(spend, 0), 4)) as expected_spend,
    if(worth is null, null, toDecimal128(coalesce(worth, 0), 4)) as clv,
    if(alive is null, null, 'MBG/NBD') as model,
    fitted_on,
    spend_fitted_on,
    fitted_customers,
    not_predicted_because,
    no_clv_because
from predicted
