-- plan_fact: what was planned to be sold to each customer in each month, and what was.
-- grain: one row per customer_key and month
-- materialized: table
-- order_by: (month, customer_key)
-- tags: managers, monthly
with

owners as (
    select source, entity_id, customer_key from {{ ref "int_record_owners" }} where entity = 'crm.sales_plans'
),

rates as (
    select currency, day, rate from {{ ref "int_daily_rates" }}
),

written as (
    select
        source,
        customer_id,
        toDate(toStartOfMonth(plans.month)) as month,
        plans.amount as amount,
        coalesce(plans.currency, {{ .Currency }}) as currency
    from {{ ref "stg_crm__sales_plans" }} as plans
    where plans.month <= {{ .AsOf }} and plans.amount is not null
),

-- A customer may be several records, each with a plan.
planned as {{ once }} (
    select
        coalesce(owners.customer_key, '(none)') as customer_key,
        written.month as month,
        sum(written.amount * if(written.currency = {{ .Currency }}, toDecimal64(1, 8), rates.rate)) as plan
    from written
    left join owners on owners.source = written.source and owners.entity_id = written.customer_id
    left join rates on rates.currency = written.currency and rates.day = written.month
    group by customer_key, month
),

-- A month without a plan between two with one is a plan of nothing known, and what was sold in it counts.
planned_time as (
    select customer_key, min(month) as first_month, max(month) as last_month from planned group by customer_key
),

sold as (
    select
        customer_months.customer_key as customer_key,
        customer_months.month as month,
        customer_months.revenue as revenue
    from {{ ref "customer_months" }} as customer_months
    inner join planned_time on planned_time.customer_key = customer_months.customer_key
    where customer_months.month between planned_time.first_month and planned_time.last_month
),

compared as (
    select
        coalesce(planned.customer_key, sold.customer_key) as customer_key,
        coalesce(planned.month, sold.month) as month,
        cast(planned.plan as Nullable(Decimal(38, 4))) as plan,
        coalesce(sold.revenue, toDecimal128(0, 4)) as fact,
        least(toLastDayOfMonth(coalesce(planned.month, sold.month)), {{ .AsOf }}) as day
    from planned
    full join sold on sold.customer_key = planned.customer_key and sold.month = planned.month
    where planned.customer_key is not null or sold.revenue != 0
),

managers as (
    select customer_key, stretches from {{ ref "int_customer_managers" }}
),

customers as (
    select customer_key, segment from {{ ref "int_customers" }}
)

select
    assumeNotNull(compared.month) as month,
    assumeNotNull(compared.customer_key) as customer_key,
    coalesce(customers.segment, '(none)') as segment,
    tupleElement(arrayLast(x -> tupleElement(x, 1) <= day and tupleElement(x, 2) > day, managers.stretches) as stretch, 3) as manager_source,
    coalesce(nullIf(tupleElement(stretch, 4), ''), '(none)') as manager_id,
    compared.plan as plan,
    compared.fact as fact,
    if(is_complete, compared.fact - compared.plan, null) as difference,
    if(is_complete, 100 * toFloat64(compared.fact) / nullIf(toFloat64(compared.plan), 0), null) as fact_pct,
    toBool(assumeNotNull(toLastDayOfMonth(compared.month) <= {{ .AsOf }})) as is_complete
from compared
left join managers on managers.customer_key = compared.customer_key
left join customers on customers.customer_key = compared.customer_key
