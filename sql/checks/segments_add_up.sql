-- segments_add_up: the segments of a month sum up to its (all) row.
-- severity: error
with

movements as (
    select * from {{ ref "base_movement" }}
),

churn as (
    select * from {{ ref "churn_monthly" }}
),

counts as (
    select month, segment, 'customers at end' as what, toDecimal128(at_end, 4) as value from movements
    union all
    select month, segment, 'new' as what, toDecimal128(new, 4) as value from movements
    union all
    select month, segment, 'lost' as what, toDecimal128(lost, 4) as value from movements
    union all
    select month, segment, 'revenue at end' as what, toDecimal128(revenue_at_end, 4) as value from movements
    union all
    select month, segment, 'churned' as what, toDecimal128(lost, 4) as value from churn
)

select
    month,
    what,
    sumIf(value, segment = '(all)') as value_of_all,
    sumIf(value, segment != '(all)') as sum_of_segments
from counts
group by month, what
having value_of_all != sum_of_segments
