-- managers_monthly: each manager's month: customers kept, lost and won back, debts, plan, bonus.
-- grain: one row per month, manager_source and manager_id
-- materialized: table
-- order_by: (month, manager_source, manager_id)
-- tags: managers, monthly
with

months as (
    select * from {{ ref "int_manager_months" }}
),

owners as (
    select source, entity_id, customer_key from {{ ref "int_record_owners" }} where entity = 'crm.payments'
),

stretches as (
    select customer_key, stretches from {{ ref "int_customer_managers" }}
),

rates as (
    select currency, day, rate from {{ ref "int_daily_rates" }}
),

due as (
    select
        source,
        payment_id,
        assumeNotNull(toDate(due_at, {{ .Timezone }})) as due_on,
        toDate(paid_at, {{ .Timezone }}) as paid_on,
        payments.amount - coalesce(payments.written_off, toDecimal64(0, 4)) as amount,
        coalesce(payments.currency, {{ .Currency }}) as currency
    from {{ ref "stg_crm__payments" }} as payments
    where due_at is not null and due_on <= {{ .AsOf }} and amount > 0
),

-- A payment is overdue at the end of every month between the day after its own and the one it was paid on.
overdue as (
    select
        * except (due_on),
        due.due_on as due_on,
        addMonths(toStartOfMonth(due.due_on), arrayJoin(range(
            toUInt32(1 + dateDiff('month', due.due_on, greatest(due.due_on, least(coalesce(due.paid_on, {{ .AsOf }}), {{ .AsOf }}))))
        ))) as month,
        least(toLastDayOfMonth(month), {{ .AsOf }}) as day
    from due
),

overdue_of_managers as (
    select
        overdue.month as month,
        tupleElement(arrayLast(x -> tupleElement(x, 1) <= overdue.day and tupleElement(x, 2) > overdue.day, stretches.stretches) as stretch, 3) as manager_source,
        coalesce(nullIf(tupleElement(stretch, 4), ''), '(none)') as manager_id,
        sum(overdue.amount * if(overdue.currency = {{ .Currency }}, toDecimal64(1, 8), rates.rate)) as overdue_debt
    from overdue
    left join owners on owners.source = overdue.source and owners.entity_id = overdue.payment_id
    left join stretches on stretches.customer_key = owners.customer_key
    left join rates on rates.currency = overdue.currency and rates.day = overdue.due_on
    where overdue.due_on < overdue.day and coalesce(overdue.paid_on > overdue.day, true)
    group by month, manager_source, manager_id
),

plans as (
    select
        month,
        manager_source,
        manager_id,
        sum(plan_fact.plan) as plan,
        sumIf(plan_fact.fact, plan_fact.plan is not null) as fact
    from {{ ref "plan_fact" }} as plan_fact
    group by month, manager_source, manager_id
),

parts as (
    select
        month, manager_source, manager_id, customers_at_start, new_customers, won_back, lost, taken_over, handed_over, customers_at_end,
        lost_revenue, orders, revenue, tenure_bonus,
        toDecimal128(0, 4) as overdue_debt, null as plan, null as fact
    from months
    union all
    select
        month, manager_source, manager_id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        cast(round(coalesce(overdue_of_managers.overdue_debt, 0), 4) as Decimal(38, 4)) as overdue_debt, null as plan, null as fact
    from overdue_of_managers
    union all
    select
        month, manager_source, manager_id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        toDecimal128(0, 4) as overdue_debt, plans.plan as plan, plans.fact as fact
    from plans
),

-- (all) sums the managers up, (none) among them.
summed as (
    select
        month,
        tupleElement(arrayJoin([(manager_source, manager_id), ('', '(all)')]) as manager, 1) as of_source,
        tupleElement(manager, 2) as of_manager,
        sum(parts.customers_at_start) as customers_at_start,
        sum(parts.new_customers) as new_customers,
        sum(parts.won_back) as won_back,
        sum(parts.lost) as lost,
        sum(parts.taken_over) as taken_over,
        sum(parts.handed_over) as handed_over,
        sum(parts.customers_at_end) as customers_at_end,
        sum(parts.lost_revenue) as lost_revenue,
        sum(parts.orders) as orders,
        sum(parts.revenue) as revenue,
        sum(parts.tenure_bonus) as tenure_bonus,
        sum(parts.overdue_debt) as overdue_debt,
        sum(parts.plan) as plan,
        sum(parts.fact) as fact,
        toBool(toLastDayOfMonth(month) <= {{ .AsOf }}) as is_complete,
        least(toLastDayOfMonth(month), {{ .AsOf }}) as day
    from parts
    group by month, of_source, of_manager
),

with_month_before as (
    select
        *,
        lagInFrame(toNullable(month)) over history = subtractMonths(month, 1) as has_month_before,
        if(has_month_before, lagInFrame(toNullable(customers_at_start)) over history, null) as customers_before,
        if(has_month_before, lagInFrame(toNullable(lost)) over history, null) as lost_before
    from summed
    window history as (partition by of_source, of_manager order by month rows between unbounded preceding and unbounded following)
),

managers as (
    select source, manager_id, name, department, toDate(left_at, {{ .Timezone }}) as left_on, coalesce(is_active, true) as is_active
    from {{ ref "stg_crm__managers" }}
),

described as (
    select
        with_month_before.*,
        managers.name as name,
        managers.department as department,
        -- Where no day is known, only the present month knows that somebody left.
        toBool(coalesce(managers.left_on <= day, not managers.is_active and month = toStartOfMonth({{ .AsOf }}), false)) as has_left,
        100 * lost / nullIf(customers_at_start, 0) as churn_pct,
        100 * lost_before / nullIf(customers_before, 0) as churn_before_pct,
        -- Without rates nobody earns anything, not even nothing.
        of_manager not in ('(all)', '(none)') and is_complete and not has_left
            and ({{ .Bonus.LowerChurn }} > 0{{ range .Bonus.Tiers }} or {{ .Percent }} > 0{{ end }}) as earns,
        -- A drop among a handful of customers is chance.
        if(
            earns and customers_at_start >= {{ .Bonus.MinCustomers }} and coalesce(customers_before >= {{ .Bonus.MinCustomers }}, false),
            greatest(churn_before_pct - churn_pct, 0),
            0
        ) as points_lower
    from with_month_before
    left join managers on managers.source = with_month_before.of_source and managers.manager_id = with_month_before.of_manager
),

rewarded as (
    select
        *,
        if(earns, tenure_bonus, null) as bonus_tenure,
        if(earns, cast(round(revenue * toDecimal128(round(points_lower, 6), 6) * toDecimal128('{{ .Bonus.LowerChurn }}', 4) / 100, 4) as Decimal(38, 4)), null) as bonus_lower_churn
    from described
)

select
    month,
    of_source as manager_source,
    of_manager as manager_id,
    name as manager_name,
    department,
    has_left,
    customers_at_start as portfolio,
    lost,
    churn_pct,
    {{ wilson_lower "lost" "customers_at_start" }} as churn_lower,
    {{ wilson_upper "lost" "customers_at_start" }} as churn_upper,
    won_back,
    overdue_debt,
    new_customers,
    taken_over,
    handed_over,
    customers_at_end,
    orders,
    revenue,
    lost_revenue,
    plan,
    fact,
    100 * toFloat64(fact) / nullIf(toFloat64(plan), 0) as fact_pct,
    if(is_complete, churn_pct - churn_before_pct, null) as churn_change_pp,
    bonus_tenure,
    bonus_lower_churn,
    if(
        of_manager = '(all)',
        sum(bonus_tenure + bonus_lower_churn) over (partition by month),
        bonus_tenure + bonus_lower_churn
    ) as bonus,
    is_complete
from rewarded
