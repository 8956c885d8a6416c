-- managers_reconcile: the managers of a month add up to all of its customers, none of them counted twice; whom one takes over another hands over.
-- severity: error
with

movements as (
    select * from {{ ref "base_movement" }} where segment = '(all)'
),

churn as (
    select month, lost from {{ ref "churn_monthly" }} where segment = '(all)'
),

managers as (
    select * from {{ ref "managers_monthly" }}
),

expected as (
    select month, 'customers at start' as what, toDecimal128(at_start, 4) as value from movements
    union all
    select month, 'customers at end' as what, toDecimal128(at_end, 4) as value from movements
    union all
    select month, 'new' as what, toDecimal128(new, 4) as value from movements
    union all
    select month, 'won back' as what, toDecimal128(returned, 4) as value from movements
    union all
    select month, 'revenue' as what, toDecimal128(revenue, 4) as value from movements
    union all
    select month, 'lost' as what, toDecimal128(lost, 4) as value from churn
    union all
    select month, 'taken over' as what, toDecimal128(handed_over, 4) as value from managers where manager_id = '(all)'
    union all
    select month, 'handed over' as what, toDecimal128(taken_over, 4) as value from managers where manager_id = '(all)'
),

counted as (
    select
        month,
        manager_id = '(all)' as is_all,
        arrayJoin([
            ('customers at start', toDecimal128(portfolio, 4)),
            ('customers at end', toDecimal128(customers_at_end, 4)),
            ('new', toDecimal128(new_customers, 4)),
            ('won back', toDecimal128(won_back, 4)),
            ('revenue', toDecimal128(revenue, 4)),
            ('lost', toDecimal128(lost, 4)),
            ('taken over', toDecimal128(taken_over, 4)),
            ('handed over', toDecimal128(handed_over, 4))
        ]) as figure
    from managers
),

summed as (
    select
        month,
        tupleElement(figure, 1) as what,
        sumIf(tupleElement(figure, 2), is_all) as value_of_all,
        sumIf(tupleElement(figure, 2), not is_all) as sum_of_managers
    from counted
    group by month, what
)

select
    expected.month as month,
    expected.what as what,
    expected.value as expected_value,
    summed.value_of_all as value_of_all,
    summed.sum_of_managers as sum_of_managers
from expected
left join summed on summed.month = expected.month and summed.what = expected.what
where expected.value != coalesce(summed.value_of_all, 0) or expected.value != coalesce(summed.sum_of_managers, 0)
