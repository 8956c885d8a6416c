-- reasons_find_their_examples: the example beside each pattern is of the pattern's category, or names its competitor, by all patterns together.
-- severity: error
with

patterns as (
    select reason_category, example from {{ ref "reasons" }}
),

spellings as (
    select competitor, example from {{ ref "competitor_names" }}
),

reasons as (
    select reason, reason_category, competitor, pattern from {{ ref "int_reasons" }}
),

expected as (
    select example, toString(reason_category) as expected, 'category' as what from patterns
    union all
    select example, competitor as expected, 'competitor' as what from spellings
)

select
    expected.example as example,
    expected.what as what,
    expected.expected as expected,
    if(expected.what = 'category', reasons.reason_category, reasons.competitor) as found,
    reasons.pattern as decided_by
from expected
left join reasons on reasons.reason = expected.example
where coalesce(found, '') != expected.expected
