-- customers_reconcile: every table counts the customers of mart.customers, no more and no fewer.
-- severity: error
with

customers as (
    select customer_key, orders, status, losses, returns, last_order_on from {{ ref "customers" }}
),

customer_months as (
    select customer_key, month, status from {{ ref "customer_months" }}
),

customer_episodes as (
    select loss_date, returned_on from {{ ref "customer_episodes" }}
),

movements as (
    select * from {{ ref "base_movement" }} where segment = '(all)'
),

cohorts as (
    select size from {{ ref "churn_cohorts" }} where segment = '(all)' and month_no = 0
),

survival as (
    select at_risk from {{ ref "survival" }} where segment = '(all)' and day = 0
),

rfm_segments as (
    select customer_key from {{ ref "rfm_segments" }}
),

links as (
    select customer_key from {{ ref "customer_links" }}
),

compared as (
    select
        'customers linked' as what,
        (select count() from customers) as expected,
        (select uniqExact(customer_key) from links) as counted
    union all
    select 'buyers with a status today', (select countIf(orders > 0) from customers),
        (select count() from customer_months where month = toStartOfMonth({{ .AsOf }}))
    union all
    select 'buyers who were new once', (select countIf(orders > 0) from customers), (select sum(new) from movements)
    union all
    select 'buyers in cohorts', (select countIf(orders > 0) from customers), (select sum(size) from cohorts)
    union all
    select 'buyers in the survival curve', (select countIf(orders > 0) from customers), (select sum(at_risk) from survival)
    union all
    select 'buyers not lost today',
        (select countIf(orders > 0 and coalesce(status, '') not in ('lost', 'lost_twice')) from customers),
        (select sum(at_end) from movements where month = toStartOfMonth({{ .AsOf }}))
    union all
    select 'losses in stretches', (select sum(losses) from customers), (select countIf(loss_date is not null) from customer_episodes)
    union all
    select 'losses in months', (select sum(losses) from customers), (select sum(lost) from movements)
    union all
    select 'returns in stretches', (select sum(returns) from customers), (select countIf(returned_on is not null) from customer_episodes)
    union all
    select 'returns in months', (select sum(returns) from customers), (select sum(returned) from movements)
    union all
    select 'buyers of the last 365 days', (select countIf(coalesce(last_order_on > {{ .AsOf }} - 365, false)) from customers),
        (select count() from rfm_segments)
)

select * from compared where coalesce(expected, 0) != coalesce(counted, 0)
