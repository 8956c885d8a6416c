-- churn_reconciliation: the churn of each month by the definitions that other products use, and how many customers make the difference.
-- grain: one row per month and definition
-- materialized: table
-- order_by: (month, definition)
-- tags: churn, monthly
with

-- Wilson's 95 % interval of k out of n, in percent; null when n is 0.
(k, n) -> round(abs(100 * (k / n + 1.9207294105 / n - 1.959963985 * sqrt(k / n * (1 - k / n) / n + 0.96036470525 / n / n)) / (1 + 3.841458821 / n)), 6) as wilson_low,
(k, n) -> round(100 * (k / n + 1.9207294105 / n + 1.959963985 * sqrt(k / n * (1 - k / n) / n + 0.96036470525 / n / n)) / (1 + 3.841458821 / n), 6) as wilson_high,

stretches as (
    select * from {{ ref "int_churn_stretches" }}
),

definitions as (
    select definition, name, words from {{ ref "churn_definitions" }}
),

differing as (
    select definition, month, count() as customers from {{ ref "churn_reconciliation_customers" }} group by definition, month
),

months as (
    select month, is_complete from {{ ref "base_movement" }} where segment = '(all)'
),

-- Who comes into the base in a month and who leaves it after one: their running
-- sum is the base.
changes as (
    select definition, base_from as month, 1 as base_change, 0 as lost, 0 as back from stretches where base_from <= base_to
    union all
    select definition, addMonths(base_to, 1) as month, -1 as base_change, 0 as lost, 0 as back from stretches where base_from <= base_to
    union all
    select definition, arrayJoin(lost_in) as month, 0 as base_change, 1 as lost, 0 as back from stretches
    union all
    select definition, arrayJoin(back_in) as month, 0 as base_change, 0 as lost, 1 as back from stretches
    union all
    select used.definition as definition, months.month as month, 0 as base_change, 0 as lost, 0 as back
    from (select distinct definition from stretches) as used
    cross join months
),

monthly as (
    select definition, month, sum(changes.base_change) as base_change, sum(changes.lost) as lost, sum(changes.back) as back
    from changes
    group by definition, month
),

counted as (
    select
        monthly.definition as definition,
        monthly.month as month,
        monthly.lost as lost,
        monthly.back as back,
        sum(base_change) over (partition by monthly.definition order by monthly.month rows unbounded preceding) as customers
    from monthly
),

rated as (
    select
        counted.month as month,
        counted.definition as definition,
        definitions.name as name,
        definitions.words as words,
        counted.customers as customers,
        counted.lost as lost,
        counted.back as back,
        coalesce(differing.customers, 0) as customers_differing,
        months.is_complete as is_complete,
        if(months.is_complete, nullIf(counted.customers, 0), null) as base,
        100 * (counted.lost - counted.back) / base as churn_pct
    from counted
    inner join months on months.month = counted.month
    left join definitions on definitions.definition = counted.definition
    left join differing on differing.definition = counted.definition and differing.month = counted.month
)

select
    month,
    definition,
    churn_pct,
    toUInt64(customers_differing) as customers_differing,
    toUInt64(customers) as customers_at_start,
    toUInt64(lost) as lost,
    toUInt64(back) as returned,
    if(lost >= back, wilson_low(lost - back, base), null) as churn_lower,
    if(lost >= back, wilson_high(lost - back, base), null) as churn_upper,
    churn_pct - maxIf(churn_pct, definition = 'winback') over (partition by month) as difference_pp,
    name,
    words,
    is_complete
from rated
