-- int_customer_matches: pairs of records that are the same customer, with the evidence.
-- grain: one row per record_no, matched_record_no and evidence
-- materialized: incremental
-- key: record_no
-- changes: matched_record_no
-- order_by: (record_no, matched_record_no, evidence)
with

records as (
    select record_no, source, entity_id, external_ids from {{ ref "int_customer_records" }}
),

contacts as (
    select record_no, kind, value
    from {{ ref "int_customer_contacts" }}
    where usage = 'personal' and (kind, value) in (select kind, value from {{ ref "int_customer_contacts" }} where {{ touched "record_no" }})
),

-- More than 20 records on one value: a switchboard or the operator's own phone.
shared as (
    select kind, value, min(record_no) as first_record_no, groupArray(record_no) as record_nos
    from contacts
    group by kind, value
    having count() between 2 and 20
),

-- Each record is tied to the first one with the value: as good as all pairs for
-- the transitive closure, and never quadratic.
by_value as (
    select record_no, first_record_no as matched_record_no, concat(kind, ' ', value) as evidence
    from shared
    array join record_nos as record_no
    where record_no != first_record_no
),

external as (
    select record_no, source, entity_id, tupleElement(pair, 1) as system, tupleElement(pair, 2) as external_id
    from records
    array join cast(external_ids, 'Array(Tuple(String, String))') as pair
    where {{ touched "record_no" }}
),

by_id as (
    select
        external.record_no as record_no,
        records.record_no as matched_record_no,
        concat('id ', external.system, ':', external.external_id, ' named by ', external.source, ':', external.entity_id) as evidence
    from external
    inner join (
        select record_no, source, entity_id from records where {{ in_part "(source, entity_id) in (select system, external_id from external)" }}
    ) as records on records.source = external.system and records.entity_id = external.external_id
    where records.record_no != external.record_no
)

select record_no, matched_record_no, evidence from by_value
union all
select record_no, matched_record_no, evidence from by_id
group by record_no, matched_record_no, evidence

{{ define "touched" }}
-- Who has, or had, a value that came or went; who names a record that did.
select record_no from {{ changed "int_customer_contacts" }}
union all
select record_no from {{ ref "int_customer_contacts" }} where (kind, value) in (select kind, value from {{ changed "int_customer_contacts" }})
union all
select record_no from {{ changed "int_customer_records" }}
union all
select record_no
from {{ ref "int_customer_records" }}
array join cast(external_ids, 'Array(Tuple(String, String))') as pair
where (tupleElement(pair, 1), tupleElement(pair, 2)) in (select source, entity_id from {{ changed "int_customer_records" }})
{{ end }}
