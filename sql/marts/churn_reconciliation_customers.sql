-- churn_reconciliation_customers: who counts otherwise by another definition of churn, month by month.
-- grain: one row per definition, month and customer_key
-- materialized: incremental
-- key: customer_key, month
-- partition_by: toYYYYMM(month)
-- order_by: (month, definition, customer_key)
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
    where {{ touched "customer_key" }}
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
        toUInt8(countEqual(back_in, month)) as returned,
        toInt8(countEqual(lost_in, month)) - toInt8(returned) as lost,
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
    returned,
    multiIf(
        lost > our_lost, 'lost by this definition alone',
        lost < our_lost and lost < 0, 'returned, taken off the lost of others',
        lost < our_lost and is_in_base, 'lost by winback, here still or again there',
        lost < our_lost, 'lost by winback, not there here',
        returned > 0, 'lost and returned within the month',
        is_in_base, 'there by this definition alone',
        'there by winback alone'
    ) as why
from by_month

{{ define "touched" }}
-- A purchase or a visit concerns the months from its own on. Losses come with their
-- day, by either clock; windows of 30 days move every day; a new month has everybody
-- in it.
select customer_key, addMonths(toStartOfMonth(ordered_on), arrayJoin(range(toUInt32(dateDiff('month', ordered_on, {{ .SeenLast }}) + 1)))) as month
from {{ changed "int_purchases" }}
union all
select customer_key, addMonths(toStartOfMonth(visited_on), arrayJoin(range(toUInt32(dateDiff('month', visited_on, {{ .SeenLast }}) + 1)))) as month
from {{ changed "int_personal_clocks" }}
union all
select customer_key, addMonths(toStartOfMonth({{ .SeenUntil }}), arrayJoin(range(toUInt32(dateDiff('month', {{ .SeenUntil }}, {{ .SeenLast }}) + 1)))) as month
from (
    select customer_key from {{ changed "int_episodes" }}
    union all
    select customer_key
    from {{ ref "int_personal_clocks" }}
    where (lost_if_silent_on > {{ .SeenUntil }} and lost_if_silent_on <= {{ .SeenLast }})
        or (fixed_lost_if_silent_on > {{ .SeenUntil }} and fixed_lost_if_silent_on <= {{ .SeenLast }})
    union all
    select customer_key
    from {{ ref "int_episodes" }}
    where (started_on + 30 > {{ .SeenUntil }} and started_on + 30 <= {{ .SeenLast }})
        or (assumeNotNull(loss_date) + 30 > {{ .SeenUntil }} and assumeNotNull(loss_date) + 30 <= {{ .SeenLast }})
        or toStartOfMonth({{ .SeenUntil }}) != toStartOfMonth({{ .SeenLast }})
)
{{ end }}
