-- reason_disagreement: how often the reason found after asking on is another than the one stated.
-- grain: one row per month and segment
-- materialized: view
-- tags: reasons, monthly
with

-- Of those of whom both are known: who said nothing, or something that no pattern
-- knows, has not said anything else.
compared as (
    select *, arrayJoin(['(all)', segment]) as in_segment
    from {{ ref "int_lost_customers" }}
    where verified_category not in ('unmapped', 'unknown') and stated_category not in ('unmapped', 'unknown')
)

select
    month,
    in_segment as segment,
    count() as compared,
    countIf(compared.stated_category != compared.verified_category) as disagreed,
    100 * countIf(compared.stated_category != compared.verified_category) / count() as disagreement_pct,
    {{ wilson_lower "countIf(compared.stated_category != compared.verified_category)" "count()" }} as disagreement_lower,
    {{ wilson_upper "countIf(compared.stated_category != compared.verified_category)" "count()" }} as disagreement_upper,
    any(compared.is_complete) as is_complete
from compared
group by month, in_segment
