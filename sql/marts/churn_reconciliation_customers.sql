-- churn_reconciliation_customers: who counts otherwise by another definition of churn, month by month.
-- grain: one row per definition, month and customer_key
-- materialized: table
-- order_by: (definition, month, customer_key)
-- settings: max_block_size=8192
-- tags: churn, monthly
with

-- A customer's stretches by all definitions in one row: small arrays.
customers as (
    select
        customer_key,
        arraySort(groupArrayIf((base_from, base_to, lost_in, back_in), definition = 'winback')) as ours,
        arraySort(groupArrayIf((definition, base_from, base_to, lost_in, back_in), definition != 'winback')) as others
    from {{ ref "int_churn_stretches" }}
    group by customer_key
),

-- Who counts alike by a definition goes no further.
differing as (
    select
        customer_key,
        ours,
        arrayJoin(arrayDistinct(tupleElement(others, 1))) as definition,
        arrayMap(s -> (s.2, s.3, s.4, s.5), arrayFilter(s -> s.1 = definition, others)) as theirs
    from customers
    where theirs != ours
),

compared as (
    select
        customer_key,
        definition,
        arrayFlatten(arrayMap(s -> arrayMap(n -> addMonths(s.1, n), range(toUInt32(greatest(dateDiff('month', s.1, s.2) + 1, 0)))), theirs)) as base_in,
        arrayFlatten(arrayMap(s -> s.3, theirs)) as lost_in,
        arrayFlatten(arrayMap(s -> s.4, theirs)) as back_in,
        arrayFlatten(arrayMap(s -> arrayMap(n -> addMonths(s.1, n), range(toUInt32(greatest(dateDiff('month', s.1, s.2) + 1, 0)))), ours)) as our_base_in,
        arrayFlatten(arrayMap(s -> s.3, ours)) as our_lost_in
    from differing
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
    cast(by_month.definition as LowCardinality(String)) as definition,
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
