-- churn_reconciliation_balances: winback's line is that of churn_monthly, and the customers who differ are the whole difference of every other.
-- severity: error
with

reconciliation as (
    select * from {{ ref "churn_reconciliation" }}
),

ours as (
    select month, customers_at_start, lost from {{ ref "churn_monthly" }} where segment = '(all)'
),

differences as (
    select
        month,
        definition,
        sum(toInt64(is_in_base) - toInt64(is_in_winback_base)) as base,
        sum(toInt64(lost) - toInt64(winback_lost)) as lost
    from {{ ref "churn_reconciliation_customers" }}
    group by month, definition
)

select
    reconciliation.month as month,
    reconciliation.definition as definition,
    reconciliation.customers_at_start as customers_at_start,
    toInt64(ours.customers_at_start) + coalesce(differences.base, 0) as customers_expected,
    toInt64(reconciliation.lost) - toInt64(reconciliation.returned) as lost,
    toInt64(ours.lost) + coalesce(differences.lost, 0) as lost_expected
from reconciliation
left join ours on ours.month = reconciliation.month
left join differences on differences.month = reconciliation.month and differences.definition = reconciliation.definition
where coalesce(toInt64(reconciliation.customers_at_start) != customers_expected, true)
    or coalesce(toInt64(reconciliation.lost) - toInt64(reconciliation.returned) != lost_expected, true)
