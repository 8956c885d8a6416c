-- kpi_monthly: the figures of the executive page, month by month, beside their targets and earlier values.
-- grain: one row per month and kpi
-- materialized: table
-- order_by: (kpi, month)
-- tags: monthly
with

churn as (
    select * from {{ ref "churn_monthly" }} where segment = '(all)' and is_complete
),

movements as (
    select * from {{ ref "base_movement" }} where segment = '(all)' and is_complete
),

managers as (
    select * from {{ ref "managers_monthly" }} where manager_id = '(all)' and is_complete
),

carts as (
    select * from {{ ref "carts_monthly" }} where category = '(all)' and is_complete
),

-- Nothing is computed here: a figure is what its own table says of a month that is
-- over, with the n of a rate and the interval.
figures as (
    select
        month,
        arrayJoin([
            ('churn_pct', toFloat64(churn_pct), toFloat64(customers_at_start), churn_lower, churn_upper),
            ('retention_pct', toFloat64(retention_pct), toFloat64(customers_at_start), null, null),
            ('churn_12m_pct', toFloat64(churn_12m_pct), toFloat64(customers_at_start_12m), churn_12m_lower, churn_12m_upper),
            ('return_pct', toFloat64(return_pct), toFloat64(lost_at_start), return_lower, return_upper),
            ('revenue_churn_pct', toFloat64(revenue_churn_pct), null, null, null),
            ('revenue_retention_pct', toFloat64(revenue_retention_pct), null, null, null)
        ]) as figure
    from churn
    union all
    select month, ('plan_fact_pct', toFloat64(fact_pct), null, null, null) as figure from managers
    union all
    select
        month,
        arrayJoin([
            ('cart_abandoned_pct', toFloat64(abandoned_pct), toFloat64(carts), abandoned_lower, abandoned_upper),
            ('cart_recovered_pct', toFloat64(recovered_pct), toFloat64(abandoned), recovered_lower, recovered_upper)
        ]) as figure
    from carts
),

rates as (
    select
        month,
        tupleElement(figure, 1) as kpi,
        -- Behind the null of a division there may be something that no decimal holds.
        if(tupleElement(figure, 2) is null, null, toDecimal128(round(coalesce(tupleElement(figure, 2), 0), 6), 6)) as value,
        cast(tupleElement(figure, 3) as Nullable(UInt64)) as n,
        cast(tupleElement(figure, 4) as Nullable(Float64)) as lower,
        cast(tupleElement(figure, 5) as Nullable(Float64)) as upper
    from figures
),

counts as (
    select
        month,
        arrayJoin([
            ('customers_at_start', toInt64(customers_at_start)),
            ('lost', toInt64(lost)),
            ('returned', toInt64(returned)),
            ('net_lost', toInt64(net_lost))
        ]) as figure
    from churn
    union all
    select
        month,
        arrayJoin([
            ('customers_at_end', toInt64(at_end)),
            ('new_customers', toInt64(new)),
            ('orders', toInt64(orders))
        ]) as figure
    from movements
),

money as (
    select
        month,
        arrayJoin([
            ('average_check', toNullable(average_check)),
            ('lost_revenue_simple', toNullable(lost_revenue_simple)),
            ('lost_ltv', toNullable(lost_ltv)),
            ('lost_revenue_observed', toNullable(lost_revenue_observed))
        ]) as figure
    from churn
    union all
    select
        month,
        arrayJoin([
            ('net_revenue', toNullable(revenue)),
            ('revenue_at_end', toNullable(revenue_at_end))
        ]) as figure
    from movements
    union all
    select month, ('overdue_debt', toNullable(overdue_debt)) as figure from managers
    union all
    select month, ('cart_recovered_revenue', toNullable(recovered_revenue)) as figure from carts where is_settled
),

told as (
    select month, kpi, value, n, lower, upper from rates
    union all
    select month, tupleElement(figure, 1) as kpi, toDecimal128(tupleElement(figure, 2), 6) as value, null as n, null as lower, null as upper from counts
    union all
    select month, tupleElement(figure, 1) as kpi, cast(tupleElement(figure, 2) as Nullable(Decimal(38, 6))) as value, null as n, null as lower, null as upper from money
),

-- What a target wants: sign is 1 where more is better, -1 where less is.
targets as (
    select '' as kpi, toNullable(toFloat64(0)) as target, toNullable(toFloat64(0)) as alarm, 0 as sign where false
    {{- range .Targets }}
    union all
    select {{ .KPI }} as kpi, {{ .Value }} as target, {{ .Alarm }} as alarm, {{ .Sign }} as sign
    {{- end }}
),

known as (
    select * from told where value is not null
),

compared as (
    select
        known.month as month,
        known.kpi as kpi,
        known.value as value,
        known.n as n,
        known.lower as lower,
        known.upper as upper,
        targets.target as target,
        targets.alarm as alarm,
        targets.sign as sign,
        month_before.value as previous,
        year_before.value as yoy
    from known
    left join targets on targets.kpi = known.kpi
    left join known as month_before on month_before.kpi = known.kpi and month_before.month = subtractMonths(known.month, 1)
    left join known as year_before on year_before.kpi = known.kpi and year_before.month = subtractMonths(known.month, 12)
)

select
    month,
    kpi,
    assumeNotNull(value) as value,
    cast(compared.target as Nullable(Decimal(38, 6))) as target,
    cast(multiIf(
        compared.target is null, null,
        sign * compared.value >= sign * compared.target, 'normal',
        coalesce(sign * compared.value <= sign * compared.alarm, false), 'alarm',
        'watch'
    ) as LowCardinality(Nullable(String))) as level,
    previous,
    yoy,
    n,
    lower,
    upper
from compared
