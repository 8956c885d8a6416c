-- int_customer_keys: the customer that each record belongs to, through any chain of matches.
-- grain: one row per record_no
-- materialized: incremental
-- key: record_no
-- changes: source, entity, entity_id, own_key, customer_key
-- order_by: record_no
with recursive

records as (
    select record_no, own_key, source, entity, entity_id, first_seen_at, takes_orders
    from {{ ref "int_customer_records" }}
    where {{ touched "record_no" }}
),

matches as (
    select record_no, matched_record_no
    from {{ ref "int_customer_matches" }}
    where {{ touched "record_no" }}
    group by record_no, matched_record_no
),

-- Connected components by alternating large-star and small-star steps: every
-- node ties its greater neighbours, then its smaller ones, to the smallest it
-- knows. The number of pairs never grows, and a chain of n records needs about
-- log n rounds. It stops when a round leaves the set of pairs (its fingerprint)
-- as it was: then all are tied to the smallest record of their component.
rounds as (
    select
        greatest(matches.record_no, matches.matched_record_no) as record_no,
        least(matches.record_no, matches.matched_record_no) as root_no,
        toUInt64(1) as fingerprint,
        toUInt64(0) as fingerprint_before
    from matches
    union all
    select record_no, root_no, sum(sipHash64(record_no, root_no)) over () as fingerprint, fingerprint_before
    from (
        select
            arrayJoin(arrayConcat([node], arrayFilter(x -> x != smallest, smaller))) as record_no,
            smallest as root_no,
            fingerprint_before
        from (
            select node, groupUniqArray(neighbour) as smaller, arrayMin(smaller) as smallest, max(fingerprint) as fingerprint_before
            from (
                select
                    arrayJoin(arrayFilter(x -> x > centre, neighbours)) as node,
                    least(centre, arrayMin(neighbours)) as neighbour,
                    fingerprint
                from (
                    select
                        tupleElement(ends, 1) as centre,
                        groupUniqArray(tupleElement(ends, 2)) as neighbours,
                        max(fingerprint) as fingerprint
                    from (
                        select arrayJoin([(record_no, root_no), (root_no, record_no)]) as ends, fingerprint
                        from rounds
                        where fingerprint != fingerprint_before
                    )
                    group by centre
                )
            )
            group by node
        )
        group by all
    )
),

-- The root only gets smaller from round to round.
roots as (
    select record_no, min(root_no) as root_no from rounds group by record_no
),

grouped as (
    select
        records.record_no as record_no,
        records.own_key as own_key,
        records.source as source,
        records.entity as entity,
        records.entity_id as entity_id,
        records.first_seen_at as first_seen_at,
        records.takes_orders as takes_orders,
        coalesce(roots.root_no, records.record_no) as component
    from records
    left join roots on roots.record_no = records.record_no
),

-- The oldest record names the customer, so that a newer one joining later does
-- not change the key.
oldest as (
    select
        component,
        argMin(
            own_key,
            (coalesce(first_seen_at, toDateTime64('2299-01-01 00:00:00', 6, 'UTC')), source, entity, entity_id)
        ) as customer_key
    from grouped
    group by component
)

select
    grouped.record_no as record_no,
    grouped.source as source,
    grouped.entity as entity,
    grouped.entity_id as entity_id,
    grouped.takes_orders as takes_orders,
    grouped.own_key as own_key,
    oldest.customer_key as customer_key
from grouped
inner join oldest on oldest.component = grouped.component

{{ define "touched" }}
-- Records that came, went or are matched otherwise, and all that were one customer
-- with one of them: no match leads from these to others, for it would be an old one.
with changed_records as {{ once }} (
    select record_no from {{ changed "int_customer_records" }}
    union all
    select arrayJoin([record_no, matched_record_no]) as record_no from {{ changed "int_customer_matches" }}
)

select record_no from changed_records
union all
select record_no from {{ this }} where customer_key in (select customer_key from {{ this }} where record_no in (select record_no from changed_records))
{{ end }}
