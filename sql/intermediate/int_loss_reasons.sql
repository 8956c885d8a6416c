-- int_loss_reasons: why each lost customer left, as far as anybody wrote it down.
-- grain: one row per customer_key and episode_no of which something is known
-- materialized: table
-- order_by: (customer_key, episode_no)
-- key: customer_key
-- tags: reasons
with

statements as (
    select * from {{ ref "int_reason_statements" }} where said_on is not null
),

owners as (
    select source, entity, entity_id, customer_key
    from {{ ref "int_record_owners" }}
    where entity in ('crm.surveys', 'crm.deals', 'crm.complaints', 'winback.touches')
    union all
    select source, entity, entity_id, customer_key from {{ ref "int_customer_keys" }} where entity = 'crm.customers'
),

episodes as (
    select customer_key, episode_no, last_order_on, loss_date, returned_on from {{ ref "int_episodes" }} where loss_date is not null
),

reasons as (
    select reason, reason_category, competitor, bare_name from {{ ref "int_reasons" }}
),

categories as (
    select reason_category, company_fault, human_factor, preventable, usual_severity from {{ ref "reason_categories" }}
),

understood as (
    select
        owners.customer_key as customer_key,
        statements.basis as basis,
        statements.origin as origin,
        assumeNotNull(statements.said_on) as said_on,
        statements.reason as text,
        -- A deal lost to a named competitor, and nothing more said, was lost to the competitor's offer.
        coalesce(reasons.reason_category, 'competitor_offer') as category,
        statements.severity as severity,
        coalesce(
            named.competitor,
            nullIf(named.bare_name, ''),
            reasons.competitor
        ) as competitor,
        -- What says something goes before what no pattern knows, and that before
        -- "I don't know"; then by the kind of statement, the latest first.
        (
            transform(category, ['unmapped', 'unknown'], [1, 2], 0), statements.precedence,
            -toInt32(said_on), statements.source, statements.entity_id
        ) as precedence
    from statements
    inner join owners on owners.source = statements.source and owners.entity = statements.entity and owners.entity_id = statements.entity_id
    left join reasons on reasons.reason = statements.reason
    left join reasons as named on named.reason = statements.competitor
),

-- What is said between the last purchase and the return is about this loss; a
-- complaint also in the month before the last purchase, and not once they have left.
-- Of several terminations the one that made the loss goes first.
about_losses as (
    select
        episodes.customer_key as customer_key,
        episodes.episode_no as episode_no,
        understood.* except (customer_key, precedence),
        (
            tupleElement(understood.precedence, 1),
            if(understood.origin = 'termination' and understood.said_on = episodes.loss_date, 0, tupleElement(understood.precedence, 2)),
            tupleElement(understood.precedence, 3), tupleElement(understood.precedence, 4), tupleElement(understood.precedence, 5)
        ) as precedence
    from understood
    inner join episodes on episodes.customer_key = understood.customer_key
    where if(
        understood.origin = 'complaint',
        understood.said_on between episodes.last_order_on - 30 and episodes.loss_date,
        understood.said_on >= episodes.last_order_on and coalesce(understood.said_on <= episodes.returned_on, true)
    )
),

gathered as (
    select
        customer_key,
        episode_no,
        argMinIf((category, text, origin), precedence, basis = 'stated') as stated,
        argMinIf((category, text, origin), precedence, basis = 'verified') as verified,
        countIf(basis = 'stated') > 0 as is_stated,
        countIf(basis = 'verified') > 0 as is_verified,
        argMinIf(about_losses.competitor, precedence, about_losses.competitor is not null) as competitor,
        max(about_losses.severity) as complained_severity
    from about_losses
    group by customer_key, episode_no
),

-- The verified reason counts, unless the stated one alone says something.
decided as (
    select
        *,
        if(is_stated, nullIf(tupleElement(stated, 1), ''), null) as stated_category,
        if(is_verified, nullIf(tupleElement(verified, 1), ''), null) as verified_category,
        toBool(is_verified and (not is_stated
            or tupleElement(verified, 1) not in ('unmapped', 'unknown')
            or tupleElement(stated, 1) = 'unknown'
            or tupleElement(stated, 1) = 'unmapped' and tupleElement(verified, 1) = 'unmapped')) as by_verified,
        if(by_verified, verified, stated) as main
    from gathered
)

select
    decided.customer_key as customer_key,
    decided.episode_no as episode_no,
    tupleElement(decided.main, 1) as reason_category,
    tupleElement(decided.main, 2) as reason,
    if(decided.by_verified, 'verified', 'stated') as reason_basis,
    tupleElement(decided.main, 3) as reason_origin,
    decided.stated_category as stated_category,
    decided.verified_category as verified_category,
    toUInt8(coalesce(decided.complained_severity, categories.usual_severity)) as severity,
    decided.competitor as competitor,
    categories.company_fault as company_fault,
    categories.human_factor as human_factor,
    categories.preventable as preventable
from decided
left join categories on categories.reason_category = reason_category
