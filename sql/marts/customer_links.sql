-- customer_links: which customer each record of each system belongs to, and how that is known.
-- grain: one row per source, entity and entity_id
-- materialized: incremental
-- key: source, entity, entity_id
-- order_by: (customer_key, source, entity, entity_id)
with

keys as (
    select record_no, source, entity, entity_id, customer_key from {{ ref "int_customer_keys" }} where {{ touched "source, entity, entity_id" }}
),

matches as (
    select record_no, matched_record_no, evidence from {{ ref "int_customer_matches" }}
),

-- A match is evidence for both of its ends.
evidence_by_record as (
    select
        arrayJoin([record_no, matched_record_no]) as evident_record_no,
        arrayStringConcat(arraySort(groupUniqArray(matches.evidence)), '; ') as evidence
    from matches
    group by evident_record_no
)

select
    keys.source as source,
    keys.entity_id as entity_id,
    keys.customer_key as customer_key,
    coalesce(evidence_by_record.evidence, 'only record') as evidence,
    keys.entity as entity
from keys
left join evidence_by_record on evidence_by_record.evident_record_no = keys.record_no

{{ define "touched" }}
select source, entity, entity_id from {{ changed "int_customer_keys" }}
union all
select source, entity, entity_id from {{ ref "int_customer_keys" }}
where record_no in (select arrayJoin([record_no, matched_record_no]) from {{ changed "int_customer_matches" }})
{{ end }}
