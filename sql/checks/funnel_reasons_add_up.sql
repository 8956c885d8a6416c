-- funnel_reasons_add_up: the reasons of a month, funnel and stage are as many as the deals dropped there, and cost as much; and every dated deal is in the funnel.
-- severity: error
with

reasons as (
    select month, pipeline, dimension, value, stage_no, sum(deals) as given_reasons, sum(amount) as given_amount
    from {{ ref "int_funnel_reasons" }}
    group by month, pipeline, dimension, value, stage_no
),

funnel as (
    select month, pipeline, dimension, value, stage_no, dropped, dropped_amount from {{ ref "int_funnel" }}
),

entered as (
    select month, dimension, sum(int_funnel.entered) as came from {{ ref "int_funnel" }} where stage_no = 1 group by month, dimension
),

made as (
    select toStartOfMonth(assumeNotNull(began_on)) as month, count() as deals from {{ ref "int_deals" }} where began_on is not null group by month
)

select
    funnel.month as month, concat(funnel.pipeline, ', ', funnel.dimension, ' ', funnel.value) as what,
    toFloat64(funnel.dropped) as expected, toFloat64(coalesce(reasons.given_reasons, 0)) as found
from funnel
left join reasons
    on reasons.month = funnel.month and reasons.pipeline = funnel.pipeline and reasons.dimension = funnel.dimension
        and reasons.value = funnel.value and reasons.stage_no = funnel.stage_no
where funnel.dropped != coalesce(reasons.given_reasons, 0) or funnel.dropped_amount != coalesce(reasons.given_amount, toDecimal128(0, 4))
union all
select made.month as month, concat('deals by ', entered.dimension) as what, toFloat64(made.deals) as expected, toFloat64(coalesce(entered.came, 0)) as found
from made
left join entered on entered.month = made.month
where coalesce(entered.came, 0) != made.deals
