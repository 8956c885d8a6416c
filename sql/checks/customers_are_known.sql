-- customers_are_known: nobody is in a list who is not in mart.customers, and counts of some customers are not of more than there are.
-- severity: error
with

customers as (
    select customer_key, orders from {{ ref "customers" }}
),

known as (
    select count() as customers, countIf(customers.orders > 0) as buyers from customers
),

-- Records of nobody have no customer.
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
    select 'churn_reconciliation_customers' as list, customer_key from {{ ref "churn_reconciliation_customers" }}
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

leaks as (
    select
        max(greatest(callcenter_leaks.customers, callcenter_leaks.judged, callcenter_leaks.lost)) as affected,
        max(greatest(callcenter_leaks.others_judged, callcenter_leaks.others_lost)) as others
    from {{ ref "callcenter_leaks" }} as callcenter_leaks
),

promises_monthly as (
    select
        max(greatest(customers_broken, broken_n, broken_lost)) as broken,
        max(greatest(kept_n, kept_lost)) as kept
    from {{ ref "promises_monthly" }}
),

outcomes as (
    select sum(complaint_outcomes.judged) as judged, sum(complaint_outcomes.repurchased) as repurchased from {{ ref "complaint_outcomes" }} as complaint_outcomes
),

fits as (
    select max(greatest(prediction_fits.customers, prediction_fits.repeat_customers)) as fitted from {{ ref "prediction_fits" }} as prediction_fits
),

holdout as (
    select sum(prediction_holdout.customers) as foretold from {{ ref "prediction_holdout" }} as prediction_holdout where segment = '(all)' and repeat_purchases = '(all)'
),

predictions as (
    select max(customer_predictions.fitted_customers) as fitted from {{ ref "customer_predictions" }} as customer_predictions
),

compared as (
    select arrayJoin([
        ('customers of a leak', known.customers, leaks.affected),
        ('customers beside a leak', known.customers, leaks.others),
        ('customers of broken promises', known.customers, promises_monthly.broken),
        ('customers of kept promises', known.customers, promises_monthly.kept),
        ('buyers after complaints', known.buyers, outcomes.judged),
        ('buyers who bought again after complaints', known.buyers, outcomes.repurchased),
        ('buyers that a model is fitted to', known.buyers, fits.fitted),
        ('buyers that a model says it is fitted to', known.buyers, predictions.fitted),
        ('buyers whose purchases were foretold', known.buyers, holdout.foretold)
    ]) as line
    from known
    cross join leaks
    cross join promises_monthly
    cross join outcomes
    cross join fits
    cross join holdout
    cross join predictions
)

select line.1 as what, toUInt64(line.2) as expected, toUInt64(coalesce(line.3, 0)) as counted from compared where counted > expected
union all
select concat('strangers in ', list) as what, toUInt64(0) as expected, toUInt64(rows) as counted from strangers
