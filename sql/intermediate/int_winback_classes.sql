-- int_winback_classes: how much each customer who ever fell silent is worth winning back: class A, B, C or do not return, with the reasons.
-- grain: one row per customer_key
-- materialized: table
-- order_by: customer_key
-- tags: winback
with

histories as (
    select * from {{ ref "int_silent_histories" }}
),

purchases as (
    select ordered_on, revenue, margin from {{ ref "int_purchases" }}
),

customers as (
    select customer_key, is_showcase from {{ ref "int_customers" }} where is_showcase
),

owners as (
    select source, entity, entity_id, customer_key from {{ ref "int_record_owners" }} where entity in ('crm.payments', 'crm.complaints', 'crm.deals')
),

payments as (
    select source, payment_id, due_at, paid_at, written_off from {{ ref "stg_crm__payments" }} where due_at is not null
),

complaints as (
    select source, complaint_id, opened_at from {{ ref "stg_crm__complaints" }}
),

deals as (
    select source, deal_id, competitor, closed_at from {{ ref "stg_crm__deals" }} where competitor is not null
),

bad_payments as (
    select owners.customer_key as customer_key, count() as payments
    from payments
    inner join owners on owners.entity = 'crm.payments' and owners.source = payments.source and owners.entity_id = payments.payment_id
    where coalesce(payments.written_off, toDecimal64(0, 4)) > 0
        or toDate(assumeNotNull(payments.due_at), {{ .Timezone }}) + 30 < least(coalesce(toDate(payments.paid_at, {{ .Timezone }}), {{ .AsOf }}), {{ .AsOf }})
    group by customer_key
),

complaints_by_customer as (
    select owners.customer_key as customer_key, count() as complaints
    from complaints
    inner join owners on owners.entity = 'crm.complaints' and owners.source = complaints.source and owners.entity_id = complaints.complaint_id
    where toDate(complaints.opened_at, {{ .Timezone }}) between {{ .AsOf }} - 730 and {{ .AsOf }}
    group by customer_key
),

competitors as (
    select owners.customer_key as customer_key, argMax(deals.competitor, (deals.closed_at, deals.deal_id)) as competitor
    from deals
    inner join owners on owners.entity = 'crm.deals' and owners.source = deals.source and owners.entity_id = deals.deal_id
    where coalesce(toDate(deals.closed_at, {{ .Timezone }}) <= {{ .AsOf }}, false)
    group by customer_key
),

company as (
    select
        sumIf(revenue, ordered_on > {{ .AsOf }} - 365) as turnover_12m,
        toFloat64(sumIf(margin, margin is not null)) / nullIf(toFloat64(sumIf(revenue, margin is not null)), 0) as margin_share
    from purchases
),

facts as (
    select
        histories.customer_key as customer_key,
        histories.revenue_12m as revenue_12m,
        histories.margin_12m as margin_12m,
        histories.orders as orders,
        histories.orders_12m as orders_12m,
        histories.revenue_year_before as revenue_year_before,
        histories.orders_with_coupon as orders_with_coupon,
        coalesce(bad_payments.payments, 0) as bad_payments,
        coalesce(complaints_by_customer.complaints, 0) as complaints,
        competitors.competitor as competitor,
        coalesce(customers.is_showcase, false) as is_showcase,
        company.turnover_12m as turnover_12m,
        -- What the customer brought in a year; where costs are not known, at the
        -- company's usual margin, and where none are, as revenue.
        coalesce(toFloat64(histories.margin_12m), toFloat64(histories.revenue_12m) * coalesce(company.margin_share, 1)) as worth,
        multiIf(histories.margin_12m is not null, 'margin', company.margin_share is not null, 'revenue at the usual margin', 'revenue') as worth_basis
    from histories
    cross join company
    left join bad_payments on bad_payments.customer_key = histories.customer_key
    left join complaints_by_customer on complaints_by_customer.customer_key = histories.customer_key
    left join competitors on competitors.customer_key = histories.customer_key
    left join customers on customers.customer_key = histories.customer_key
),

limits as (
    select
        quantileExactInclusive(1 - {{ .Winback.LargeMargin }} / 100)(worth) as large,
        quantileExactInclusive(0.5)(worth) as middle,
        quantileExactInclusive(0.2)(toFloat64(revenue_12m)) as small_revenue
    from facts
),

reasoned as (
    select
        facts.*,
        limits.middle as middle,
        arrayFilter(x -> x != '', [
            if(facts.margin_12m <= 0, 'brings no margin', ''),
            if(facts.bad_payments >= {{ .Winback.LatePayments }}, concat('bad payer: ', toString(facts.bad_payments), ' payments late by more than 30 days or written off'), ''),
            if(facts.orders_12m <= 1 and facts.orders <= 2 and toFloat64(facts.revenue_12m) < limits.small_revenue, 'rare and small buyer', ''),
            if(facts.complaints * {{ .Winback.ServiceCost }} > greatest(facts.worth, 0) and facts.complaints > 0, concat('costs more to serve than it brings: ', toString(facts.complaints), ' complaints'), ''),
            if(facts.orders >= 3 and facts.orders_with_coupon = facts.orders, 'disloyal: never bought without a coupon', '')
        ]) as against,
        arrayFilter(x -> x != '', [
            if(facts.worth >= limits.large and facts.worth > 0, 'large margin', ''),
            if(toFloat64(facts.revenue_12m) * 100 >= {{ .Winback.TurnoverPart }} * toFloat64(facts.turnover_12m) and facts.turnover_12m > 0,
                'notable share of turnover', ''),
            if(facts.orders_12m >= 3 and facts.revenue_year_before > 0 and facts.revenue_12m >= 1.5 * facts.revenue_year_before, 'promising: bought half as much again as the year before', ''),
            if(facts.is_showcase, 'a name that attracts others', ''),
            if(has({{ .Winback.Competitors }}, lower(assumeNotNull(facts.competitor))), concat('taken by ', assumeNotNull(facts.competitor), ', whom we want to beat'), '')
        ]) as for_a
    from facts
    cross join limits
)

select
    customer_key,
    multiIf(notEmpty(against), 'do not return', notEmpty(for_a), 'A', worth >= middle, 'B', 'C') as class,
    arrayStringConcat(multiIf(
        notEmpty(against), against,
        notEmpty(for_a), for_a,
        worth >= middle, ['worth as much as most, or more'],
        ['worth less than most']
    ), '; ') as class_reasons,
    worth,
    worth_basis,
    cast(revenue_12m as Decimal(38, 4)) as revenue_12m,
    competitor
from reasoned
