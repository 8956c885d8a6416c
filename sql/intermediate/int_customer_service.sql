-- int_customer_service: what each customer complained of, thinks of the company, and owes.
-- grain: one row per customer_key with a complaint, a mark or an overdue payment
-- materialized: table
-- order_by: customer_key
-- tags: churn
with

owners as (
    select source, entity, entity_id, customer_key from {{ ref "int_record_owners" }} where entity in ('crm.payments', 'crm.surveys')
),

rates as (
    select currency, day, rate from {{ ref "int_daily_rates" }}
),

complaints as (
    select assumeNotNull(complaints.customer_key) as customer_key, count() as complaints
    from {{ ref "int_complaints" }} as complaints
    where complaints.customer_key is not null
    group by customer_key
),

-- Marks of other scales are brought to ten, as in satisfaction_monthly.
marks as (
    select
        source,
        survey_id,
        assumeNotNull(answered_at) as given_at,
        10 * toFloat64(assumeNotNull(score)) / toFloat64(coalesce(score_max, 10)) as mark
    from {{ ref "stg_crm__surveys" }}
    where answered_at is not null and toDate(assumeNotNull(answered_at), {{ .Timezone }}) <= {{ .AsOf }}
        and coalesce(kind, 'satisfaction') = 'satisfaction' and coalesce(respondent, 'customer') != 'employee'
        and score >= 0 and coalesce(score_max, 10) > 0 and score <= coalesce(score_max, 10)
),

satisfaction as (
    select owners.customer_key as customer_key, argMax(marks.mark, (marks.given_at, marks.survey_id)) as mark
    from marks
    inner join owners on owners.entity = 'crm.surveys' and owners.source = marks.source and owners.entity_id = marks.survey_id
    group by customer_key
),

payments as (
    select
        source,
        payment_id,
        toDate(assumeNotNull(due_at), {{ .Timezone }}) as due_on,
        payments.amount - coalesce(payments.written_off, toDecimal64(0, 4)) as owed,
        coalesce(payments.currency, {{ .Currency }}) as in_currency
    from {{ ref "stg_crm__payments" }} as payments
    where due_at is not null and due_on < {{ .AsOf }} and owed > 0
        and (paid_at is null or toDate(assumeNotNull(paid_at), {{ .Timezone }}) > {{ .AsOf }})
),

debts as (
    select
        owners.customer_key as customer_key,
        coalesce(sum(payments.owed * if(payments.in_currency = {{ .Currency }}, toDecimal64(1, 8), rates.rate)), 0) as debt,
        count() as payments_overdue
    from payments
    inner join owners on owners.entity = 'crm.payments' and owners.source = payments.source and owners.entity_id = payments.payment_id
    left join rates on rates.currency = payments.in_currency and rates.day = payments.due_on
    group by customer_key
),

parts as (
    select customer_key, complaints, cast(null as Nullable(Float64)) as mark, toDecimal128(0, 4) as debt, toUInt64(0) as payments_overdue from complaints
    union all
    select customer_key, toUInt64(0) as complaints, toNullable(mark) as mark, toDecimal128(0, 4) as debt, toUInt64(0) as payments_overdue from satisfaction
    union all
    select customer_key, toUInt64(0) as complaints, cast(null as Nullable(Float64)) as mark, toDecimal128(round(debt, 4), 4) as debt, payments_overdue from debts
)

select
    customer_key,
    sum(parts.complaints) as complaints,
    round(max(mark), 6) as satisfaction,
    cast(sum(debt) as Decimal(38, 4)) as overdue_debt,
    sum(payments_overdue) as overdue_payments
from parts
group by customer_key
