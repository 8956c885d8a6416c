-- int_winback_chances: how likely each customer to win back is to return, and what a return is worth.
-- grain: one row per customer_key
-- materialized: table
-- order_by: customer_key
-- tags: winback
with

cases as (
    select customer_key, segment, reason_category, recency_bucket, worth from {{ ref "int_winback_cases" }}
),

evidence as (
    select * from {{ ref "int_winback_evidence" }} where what in ('all', 'customers')
),

-- How much of their old business returned customers bring, once a year is over. A
-- year after the return is set against a whole year before: of who had been a
-- customer for a few weeks it would seem many times their old business.
kept as (
    select if(count() >= 30, least(toFloat64(sum(revenue_after)) / nullIf(toFloat64(sum(revenue_before)), 0), 2), null) as share
    from {{ ref "int_returns" }}
    where returned_on + 365 <= {{ .AsOf }} and days_before >= 365
),

-- P(return): those contacted count in full, those left alone for NaturalWeight
-- customers at most; the overall rate counts for Shrink customers more (a Beta
-- prior of that mean and weight).
overall as (
    select
        sum(contacted) + sum(left_alone) as observed,
        (sum(contacted_returned) + least(1, {{ .Winback.NaturalWeight }} / greatest(sum(left_alone), 1)) * sum(left_alone_returned))
            / nullIf(sum(contacted) + least({{ .Winback.NaturalWeight }}, sum(left_alone)), 0) as rate
    from evidence
    where what = 'all'
),

chances as (
    select
        evidence.segment as in_segment,
        evidence.reason_category as for_reason,
        evidence.recency_bucket as in_bucket,
        evidence.contacted + evidence.left_alone as similar_observed,
        evidence.contacted as similar_contacted,
        evidence.contacted + least({{ .Winback.NaturalWeight }}, evidence.left_alone) as similar_weight,
        evidence.contacted_returned
            + least(1, {{ .Winback.NaturalWeight }} / greatest(evidence.left_alone, 1)) * evidence.left_alone_returned as similar_returned
    from evidence
    where what = 'customers'
),

weighed as (
    select
        cases.customer_key as customer_key,
        coalesce(chances.similar_observed, 0) as similar,
        coalesce(chances.similar_contacted, 0) as contacted,
        overall.observed as observed,
        overall.rate as overall_rate,
        coalesce(chances.similar_weight, 0) + {{ .Winback.Shrink }} as weight,
        coalesce(chances.similar_returned, 0) + {{ .Winback.Shrink }} * overall.rate as expected_returns,
        if(cases.worth > 0, round(cases.worth * coalesce(kept.share, 1), 4), null) as value_12m
    from cases
    cross join overall
    cross join kept
    left join chances
        on chances.in_segment = cases.segment and chances.for_reason = cases.reason_category and chances.in_bucket = cases.recency_bucket
)

select
    customer_key,
    round(expected_returns / weight, 6) as p_return,
    round({{ wilson_lower "expected_returns" "weight" }} / 100, 6) as p_return_lower,
    round({{ wilson_upper "expected_returns" "weight" }} / 100, 6) as p_return_upper,
    toUInt64(if(similar > 0, similar, observed)) as p_return_n,
    toUInt64(contacted) as p_return_contacted,
    overall_rate,
    value_12m
from weighed
