-- churn_reconciliation_customers: who counts otherwise by another definition of churn, month by month.
-- grain: one row per definition, month and customer_key
-- materialized: table
-- order_by: (definition, month, customer_key)
-- settings: max_block_size=8192
-- tags: churn, monthly
with

stretches as (
    select
        *,
        if(base_from <= base_to, arrayMap(n -> addMonths(base_from, n), range(toUInt32(dateDiff('month', base_from, base_to) + 1))), []) as base_in
    from {{ ref "int_churn_stretches" }}
),

counted as (
    select
        definition,
        customer_key,
        arraySort(groupArrayArray(base_in)) as base_in,
        arraySort(groupArrayArray(stretches.lost_in)) as lost_in,
        arraySort(groupArrayArray(stretches.back_in)) as back_in
    from stretches
    group by definition, customer_key
),

ours as (
    select customer_key, base_in, lost_in from counted where definition = 'winback'
),

-- Customers who count alike in every month go no further.
compared as (
    select
        counted.definition as definition,
        counted.customer_key as customer_key,
        counted.base_in as base_in,
        counted.lost_in as lost_in,
        counted.back_in as back_in,
        ours.base_in as our_base_in,
        ours.lost_in as our_lost_in
    from counted
    inner join ours on ours.customer_key = counted.customer_key
    where counted.base_in != ours.base_in or counted.lost_in != ours.lost_in or notEmpty(counted.back_in)
),

by_month as (
    select
        definition,
        customer_key,
        arrayJoin(arrayDistinct(arrayConcat(
            arrayFilter(x -> not has(our_base_in, x), base_in),
            arrayFilter(x -> not has(base_in, x), our_base_in),
            arrayFilter(x -> not has(our_lost_in, x), lost_in),
            arrayFilter(x -> not has(lost_in, x), our_lost_in),
            back_in
        ))) as month,
        has(base_in, month) as is_in_base,
        toInt8(has(lost_in, month)) - toInt8(countEqual(back_in, month)) as lost,
        has(our_base_in, month) as is_in_our_base,
        toInt8(has(our_lost_in, month)) as our_lost
    from compared
)

select
    month,
    definition,
    customer_key,
    toBool(is_in_base) as is_in_base,
    toInt8(lost) as lost,
    toBool(is_in_our_base) as is_in_winback_base,
    our_lost as winback_lost,
    multiIf(
        lost > our_lost, 'lost by this definition alone',
        lost < our_lost and lost < 0, 'returned, taken off the lost of others',
        lost < our_lost and is_in_base, 'lost by winback, here still or again there',
        lost < our_lost, 'lost by winback, not there here',
        is_in_base, 'there by this definition alone',
        'there by winback alone'
    ) as why
from by_month
