-- int_prediction_parameters: which fit holds for a segment: its own where there is one, else that of all customers.
-- grain: one row per segment
-- materialized: view
-- tags: prediction
with

fits as (
    select * from {{ ref "prediction_fits" }}
),

repeats as (
    select
        segment,
        any(is_converged) as is_fitted,
        any(fits.not_fitted_because) as reason,
        any(fits.customers) as customers,
        anyIf(estimate, parameter = 'r') as r,
        anyIf(estimate, parameter = 'alpha') as alpha,
        anyIf(estimate, parameter = 'a') as a,
        anyIf(estimate, parameter = 'b') as b
    from fits
    where model = 'MBG/NBD'
    group by segment
),

spends as (
    select
        segment,
        any(is_converged) as is_fitted,
        any(fits.not_fitted_because) as reason,
        anyIf(estimate, parameter = 'p') as p,
        anyIf(estimate, parameter = 'q') as q,
        anyIf(estimate, parameter = 'gamma') as gamma
    from fits
    where model = 'Gamma-Gamma'
    group by segment
),

chosen as (
    select
        segments.segment as segment,
        if(repeats.is_fitted, segments.segment, '(all)') as fitted_on,
        if(spends.is_fitted, segments.segment, '(all)') as spend_fitted_on
    from (select distinct segment from fits) as segments
    inner join repeats on repeats.segment = segments.segment
    inner join spends on spends.segment = segments.segment
)

select
    chosen.segment as segment,
    chosen.fitted_on as fitted_on,
    repeats.customers as customers,
    repeats.r as r,
    repeats.alpha as alpha,
    repeats.a as a,
    repeats.b as b,
    repeats.reason as not_fitted_because,
    chosen.spend_fitted_on as spend_fitted_on,
    spends.p as p,
    spends.q as q,
    spends.gamma as gamma,
    spends.reason as spend_not_fitted_because
from chosen
inner join repeats on repeats.segment = chosen.fitted_on
inner join spends on spends.segment = chosen.spend_fitted_on
