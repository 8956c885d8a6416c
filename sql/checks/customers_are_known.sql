-- customers_are_known: nobody is in a list who is not in mart.customers, and counts of some customers are not of more than there are.
-- severity: error
with

customers as (
    select customer_key, orders from {{ ref "customers" }}
),

known as (
    select count() as customers, countIf(customers.orders > 0) as buyers from customers
),

-- Records of nobody have no customer. churn_reconciliation_customers is held to the
-- customers in the .yml beside it, where it is new: it is the longest of all.
listed as (
    select 'customer_episodes' as list, customer_key from {{ ref "customer_episodes" }}
    union all
    select 'customer_predictions' as list, customer_key from {{ ref "customer_predictions" }}
    union all
    select 'deals' as list, customer_key from {{ ref "deals" }}
    union all
    select 'plan_fact' as list, nullIf(customer_key, '(none)') as customer_key from {{ ref "plan_fact" }}
    union all
    select 'loss_reasons' as list, customer_key from {{ ref "loss_reasons" }}
    union all
    select 'promises' as list, customer_key from {{ ref "promises" }}
    union all
    select 'quiet_leavers' as list, customer_key from {{ ref "quiet_leavers" }}
    union all
    select 'returned_watch' as list, customer_key from {{ ref "returned_watch" }}
    union all
    select 'rfm_segments' as list, customer_key from {{ ref "rfm_segments" }}
    union all
    select 'silent_customers' as list, customer_key from {{ ref "silent_customers" }}
    union all
    select 'winback_candidates' as list, customer_key from {{ ref "winback_candidates" }}
    union all
    select 'former_customer_keys' as list, customer_key from {{ ref "former_customer_keys" }}
    union all
    select 'cart_reminders_due' as list, customer_key from {{ ref "cart_reminders_due" }}
),

strangers as (
    select list, count() as rows
    from listed
    where listed.customer_key is not null and assumeNotNull(listed.customer_key) not in (select customer_key from customers)
    group by list
),

-- The largest count of each kind, beside what it is a part of.
counted as (
    select arrayJoin([
        ('customers of a leak', 'customers', max(greatest(customers, judged, lost))),
        ('customers beside a leak', 'customers', max(greatest(others_judged, others_lost)))
    ]) as line
    from {{ ref "callcenter_leaks" }}
    union all
    select arrayJoin([
        ('customers of broken promises', 'customers', max(greatest(customers_broken, broken_n, broken_lost))),
        ('customers of kept promises', 'customers', max(greatest(kept_n, kept_lost)))
    ]) as line
    from {{ ref "promises_monthly" }}
    union all
    select arrayJoin([
        ('buyers after complaints', 'buyers', sum(judged)),
        ('buyers who bought again after complaints', 'buyers', sum(repurchased))
    ]) as line
    from {{ ref "complaint_outcomes" }}
    union all
    select ('buyers that a model is fitted to', 'buyers', max(greatest(customers, repeat_customers))) as line
    from {{ ref "prediction_fits" }}
    union all
    select ('buyers that a model says it is fitted to', 'buyers', max(fitted_customers)) as line
    from {{ ref "customer_predictions" }}
    union all
    select ('buyers whose purchases were foretold', 'buyers', sum(customers)) as line
    from {{ ref "prediction_holdout" }}
    where segment = '(all)' and repeat_purchases = '(all)'
),

compared as (
    select line.1 as what, if(line.2 = 'buyers', known.buyers, known.customers) as expected, toUInt64(coalesce(line.3, 0)) as counted
    from counted
    cross join known
)

select what, expected, counted from compared where counted > expected
union all
select concat('strangers in ', list) as what, toUInt64(0) as expected, toUInt64(rows) as counted from strangers
