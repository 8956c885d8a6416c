-- int_purchase_outlook: what customers of a number of repeat purchases and an age will buy if they are still alive.
-- grain: one row per segment, repeat_days and age_days
-- materialized: table
-- computed_by: purchase_outlook
-- order_by: (segment, repeat_days, age_days)
-- tags: prediction
with

customers as (
    select
        -- A segment that is younger than the fits has none.
        if(segment in (select segment from {{ ref "int_prediction_parameters" }}), segment, '(all)') as fit_segment,
        repeat_days,
        toUInt32({{ .AsOf }} - first_on) as age_days
    from {{ ref "int_purchase_histories" }}
),

fits as (
    select * from {{ ref "int_prediction_parameters" }} where r is not null
)

-- When they bought last decides whether they are alive, and not what the living
-- buy.
select distinct
    fits.fitted_on as segment,
    customers.repeat_days as repeat_days,
    customers.age_days as age_days,
    assumeNotNull(fits.r) as r,
    assumeNotNull(fits.alpha) as alpha,
    assumeNotNull(fits.a) as a,
    assumeNotNull(fits.b) as b,
    toUInt32({{ .Predictions.Months }}) as months,
    toFloat64({{ .Predictions.MonthlyRate }}) as monthly_rate
from customers
inner join fits on fits.segment = customers.fit_segment
