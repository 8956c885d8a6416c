-- churn_reconciliation_balances: the customers who differ are the whole difference of every definition to churn_monthly, and those that the stretches alone tell of are counted again from these.
-- severity: error
with

reconciliation as (
    select month, definition, customers_at_start, customers_differing, toInt64(churn_reconciliation.lost) as lost, toInt64(churn_reconciliation.returned) as returned
    from {{ ref "churn_reconciliation" }} as churn_reconciliation
),

ours as (
    select month, customers_at_start, lost from {{ ref "churn_monthly" }} where segment = '(all)'
),

differences as (
    select
        month,
        definition,
        count() as customers,
        sum(returned) as returns,
        sum(toInt64(is_in_base) - toInt64(is_in_winback_base)) as base,
        sum(toInt64(lost) - toInt64(winback_lost)) as lost
    from {{ ref "churn_reconciliation_customers" }}
    group by month, definition
),

losses as (
    select
        customer_key,
        loss_date,
        toStartOfMonth(assumeNotNull(loss_date)) as lost_in,
        toStartOfMonth(returned_on) as back_in,
        coalesce(returned_on <= loss_date + 90, false) as is_back_in_time,
        toStartOfMonth(started_on) < lost_in as was_there
    from {{ ref "customer_episodes" }}
    where loss_date is not null
),

-- What became of a customer by the end of a month with losses.
ends as (
    select customer_key, lost_in, max(was_there) as was_there, argMax(tuple(back_in), loss_date).1 as back_in
    from losses
    group by customer_key, lost_in
),

counted_again as (
    select arrayJoin(['winback', 'profitwell', 'maxio_90d']) as definition, lost_in as month, 1 as lost, 0 as returned from losses where was_there
    union all
    select 'month_end' as definition, lost_in as month, 1 as lost, 0 as returned from ends where was_there and coalesce(back_in != lost_in, true)
    union all
    select 'chartmogul_net' as definition, lost_in as month, 1 as lost, 0 as returned from losses
    union all
    select 'chartmogul_net' as definition, assumeNotNull(back_in) as month, 0 as lost, 1 as returned from losses where back_in is not null
    union all
    select 'maxio_90d' as definition, assumeNotNull(back_in) as month, 0 as lost, 1 as returned from losses where was_there and is_back_in_time
),

recounted as (
    select definition, month, toInt64(sum(counted_again.lost)) as lost, toInt64(sum(counted_again.returned)) as returned
    from counted_again
    group by definition, month
)

select
    reconciliation.month as month,
    reconciliation.definition as definition,
    reconciliation.customers_at_start as customers_at_start,
    toInt64(ours.customers_at_start) + coalesce(differences.base, 0) as customers_expected,
    reconciliation.customers_differing as customers_differing,
    coalesce(differences.customers, 0) as customers_named,
    reconciliation.lost as lost,
    reconciliation.returned as returned,
    coalesce(differences.returns, 0) as returns_named,
    toInt64(ours.lost) + coalesce(differences.lost, 0) as net_lost_expected,
    if(reconciliation.definition in ('winback', 'profitwell', 'chartmogul_net', 'maxio_90d', 'month_end'), coalesce(recounted.lost, 0), null) as lost_again,
    if(reconciliation.definition in ('winback', 'profitwell', 'chartmogul_net', 'maxio_90d', 'month_end'), coalesce(recounted.returned, 0), null) as returned_again
from reconciliation
left join ours on ours.month = reconciliation.month
left join differences on differences.month = reconciliation.month and differences.definition = reconciliation.definition
left join recounted on recounted.month = reconciliation.month and recounted.definition = reconciliation.definition
where coalesce(toInt64(reconciliation.customers_at_start) != customers_expected, true)
    or reconciliation.customers_differing != customers_named
    or reconciliation.returned != returns_named
    or coalesce(reconciliation.lost - reconciliation.returned != net_lost_expected, true)
    or coalesce(reconciliation.lost != lost_again or reconciliation.returned != returned_again, false)
