-- churn_reconciliation: the churn of each month by the definitions that other products use, and how many customers make the difference.
-- grain: one row per month and definition
-- materialized: table
-- order_by: (month, definition)
-- tags: churn, monthly
with

-- One of the two clocks is the rule, and winback's own line.
definitions as (
    select definition, toNullable(name) as name, toNullable(words) as words
    from {{ ref "churn_definitions" }}
    where definition != {{ if .Churn.PersonalClock.Enabled }}'personal_clock'{{ else }}'fixed_clock'{{ end }}
),

months as (
    select month, customers_at_start, lost, is_complete from {{ ref "churn_monthly" }} where segment = '(all)'
),

differences as (
    select
        definition,
        month,
        count() as customers,
        sum(toInt64(is_in_base) - toInt64(is_in_winback_base)) as base,
        sum(toInt64(differing.lost) + toInt64(differing.returned) - toInt64(winback_lost)) as lost,
        sum(toInt64(differing.returned)) as returned
    from {{ ref "churn_reconciliation_customers" }} as differing
    group by definition, month
),

-- Winback's customers, and who makes the difference.
counted as (
    select
        months.month as month,
        definitions.definition as definition,
        definitions.name as name,
        definitions.words as words,
        months.is_complete as is_complete,
        toInt64(months.customers_at_start) + coalesce(differences.base, 0) as customers,
        toInt64(months.lost) + coalesce(differences.lost, 0) as lost,
        coalesce(differences.returned, 0) as back,
        coalesce(differences.customers, 0) as customers_differing
    from months
    cross join definitions
    left join differences on differences.definition = definitions.definition and differences.month = months.month
),

rated as (
    select
        *,
        if(is_complete, nullIf(customers, 0), null) as base,
        100 * (lost - back) / base as churn_pct
    from counted
)

select
    month,
    cast(rated.definition as LowCardinality(String)) as definition,
    churn_pct,
    toUInt64(customers_differing) as customers_differing,
    toUInt64(customers) as customers_at_start,
    toUInt64(lost) as lost,
    toUInt64(back) as returned,
    if(lost >= back, {{ wilson_lower "lost - back" "base" }}, null) as churn_lower,
    if(lost >= back, {{ wilson_upper "lost - back" "base" }}, null) as churn_upper,
    churn_pct - maxIf(churn_pct, definition = 'winback') over (partition by month) as difference_pp,
    name,
    words,
    is_complete
from rated
