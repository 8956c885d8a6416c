-- int_customers: one customer from all records: contacts, segment with its limits, contract, sign-up.
-- grain: one row per customer_key
-- materialized: incremental
-- key: customer_key
-- changes: contract_terminations
-- partition_by: sipHash64(customer_key) % 4
-- order_by: customer_key
with

keys as {{ once }} (
    select record_no, source, entity, entity_id, customer_key from {{ ref "int_customer_keys" }} where {{ touched "customer_key" }}
),

contacts as (
    select record_no, kind, value from {{ ref "int_customer_contacts" }} where {{ in_part "record_no in (select record_no from keys)" }}
),

shop_customers as (
    select source, customer_id, name, city, country, registered_at, accepts_marketing
    from {{ ref "stg_shop__customers" }}
    where (source, customer_id) in (select source, entity_id from keys)
),

crm_customers as (
    select * from {{ ref "stg_crm__customers" }} where (source, customer_id) in (select source, entity_id from keys)
),

managers as (
    select source, manager_id, name from {{ ref "stg_crm__managers" }}
),

-- What the CRM says goes before what the shop says, and the newer record before
-- the older: precedence is compared from left to right.
described as (
    select
        keys.customer_key as customer_key,
        (0, -toUnixTimestamp64Micro(coalesce(crm_customers.created_at, toDateTime64(0, 6, 'UTC'))), keys.source, keys.entity_id) as precedence,
        crm_customers.name as name,
        crm_customers.kind as kind,
        crm_customers.segment as segment,
        crm_customers.city as city,
        crm_customers.country as country,
        crm_customers.birthday as birthday,
        crm_customers.manager_id as manager_id,
        managers.name as manager_name,
        crm_customers.tags as tags,
        crm_customers.preferences as preferences,
        crm_customers.dislikes as dislikes,
        crm_customers.is_showcase as is_showcase,
        crm_customers.marketing_consent as marketing_consent,
        toDate(crm_customers.contract_started_at, {{ .Timezone }}) as contract_started_on,
        toDate(crm_customers.contract_terminated_at, {{ .Timezone }}) as contract_terminated_on,
        crm_customers.termination_reason as termination_reason,
        contract_started_on as signed_up_on
    from keys
    inner join crm_customers on crm_customers.source = keys.source and crm_customers.customer_id = keys.entity_id
    left join managers on managers.source = crm_customers.source and managers.manager_id = crm_customers.manager_id
    where keys.entity = 'crm.customers'
    union all
    select
        keys.customer_key as customer_key,
        (1, -toUnixTimestamp64Micro(coalesce(shop_customers.registered_at, toDateTime64(0, 6, 'UTC'))), keys.source, keys.entity_id) as precedence,
        shop_customers.name as name,
        null as kind,
        null as segment,
        shop_customers.city as city,
        shop_customers.country as country,
        null as birthday,
        null as manager_id,
        null as manager_name,
        [] as tags,
        null as preferences,
        null as dislikes,
        null as is_showcase,
        shop_customers.accepts_marketing as marketing_consent,
        null as contract_started_on,
        null as contract_terminated_on,
        null as termination_reason,
        toDate(shop_customers.registered_at, {{ .Timezone }}) as signed_up_on
    from keys
    inner join shop_customers on shop_customers.source = keys.source and shop_customers.customer_id = keys.entity_id
    where keys.entity = 'shop.customers'
),

-- What happens after as_of is not known yet. A record whose contract begins after it
-- ended tells of two: the one that ended, and the one signed again.
seen as (
    select
        * except (contract_started_on, contract_terminated_on, signed_up_on),
        if(described.contract_started_on <= {{ .AsOf }}, described.contract_started_on, null) as contract_started_on,
        if(described.contract_terminated_on <= {{ .AsOf }}, described.contract_terminated_on, null) as contract_terminated_on,
        if(described.signed_up_on <= {{ .AsOf }}, described.signed_up_on, null) as signed_up_on,
        coalesce(described.contract_started_on, toDate(0)) as runs_from,
        coalesce(described.contract_terminated_on, toDate(65535)) as runs_until,
        multiIf(
            described.contract_started_on is null and described.contract_terminated_on is null, [],
            runs_from <= runs_until, [(runs_from, runs_until)],
            [(toDate(0), runs_until), (runs_from, toDate(65535))]
        ) as contracts
    from described
),

-- argMin passes over nulls: each attribute comes from the first record that has it.
merged as (
    select
        customer_key,
        argMin(seen.name, seen.precedence) as name,
        argMin(seen.kind, seen.precedence) as kind,
        argMin(seen.segment, seen.precedence) as segment,
        argMin(seen.city, seen.precedence) as city,
        argMin(seen.country, seen.precedence) as country,
        argMin(seen.birthday, seen.precedence) as birthday,
        argMin(if(seen.manager_id is null, null, (seen.manager_id, seen.manager_name)), seen.precedence) as manager,
        arraySort(groupUniqArrayArray(seen.tags)) as tags,
        argMin(seen.preferences, seen.precedence) as preferences,
        argMin(seen.dislikes, seen.precedence) as dislikes,
        argMin(seen.is_showcase, seen.precedence) as is_showcase,
        argMin(seen.marketing_consent, seen.precedence) as marketing_consent,
        min(seen.contract_started_on) as contract_started_on,
        -- Who has another contract on that day, or signs the next one for the day after,
        -- has not left. Who signs again later had left.
        groupArrayArray(seen.contracts) as all_contracts,
        arrayFilter(
            day -> not arrayExists(contract -> tupleElement(contract, 1) <= day + 1 and tupleElement(contract, 2) > day, all_contracts),
            arraySort(groupUniqArrayIf(assumeNotNull(seen.contract_terminated_on), seen.contract_terminated_on is not null))
        ) as contract_terminations,
        arrayExists(contract -> tupleElement(contract, 1) <= {{ .AsOf }} and tupleElement(contract, 2) > {{ .AsOf }}, all_contracts) as is_running,
        tupleElement(argMaxIf(
            tuple(seen.termination_reason), (assumeNotNull(seen.contract_terminated_on), seen.precedence), seen.contract_terminated_on is not null
        ), 1) as termination_reason,
        min(seen.signed_up_on) as signed_up_on
    from seen
    group by customer_key
),

contacts_by_customer as (
    select
        keys.customer_key as customer_key,
        arraySort(groupUniqArrayIf(contacts.value, contacts.kind = 'email')) as emails,
        arraySort(groupUniqArrayIf(contacts.value, contacts.kind = 'phone')) as phones
    from contacts
    inner join keys on keys.record_no = contacts.record_no
    group by customer_key
),

records_by_customer as (
    select customer_key, arraySort(groupUniqArray(concat(source, ':', entity_id))) as records
    from keys
    group by customer_key
)

select
    records_by_customer.customer_key as customer_key,
    merged.name as name,
    merged.kind as kind,
    coalesce(merged.segment, '(none)') as segment,
    ifNull(contacts_by_customer.emails, []) as emails,
    ifNull(contacts_by_customer.phones, []) as phones,
    merged.city as city,
    merged.country as country,
    merged.birthday as birthday,
    tupleElement(merged.manager, 1) as manager_id,
    tupleElement(merged.manager, 2) as manager_name,
    ifNull(merged.tags, []) as tags,
    merged.preferences as preferences,
    merged.dislikes as dislikes,
    merged.is_showcase as is_showcase,
    merged.marketing_consent as marketing_consent,
    merged.contract_started_on as contract_started_on,
    ifNull(merged.contract_terminations, []) as contract_terminations,
    if(merged.is_running or empty(contract_terminations), null, contract_terminations[-1]) as contract_terminated_on,
    if(contract_terminated_on is null, null, merged.termination_reason) as termination_reason,
    merged.signed_up_on as signed_up_on,
    records_by_customer.records as records,
    toInt32(case
        when false then 0
        {{- range .Churn.Segments }}
        when segment = {{ .Name }} then {{ .SleepingAfter }}
        {{- end }}
        else {{ .Churn.SleepingAfter }}
    end) as sleeping_after,
    toInt32(case
        when false then 0
        {{- range .Churn.Segments }}
        when segment = {{ .Name }} then {{ .LostAfter }}
        {{- end }}
        else {{ .Churn.LostAfter }}
    end) as lost_after
from records_by_customer
left join merged on merged.customer_key = records_by_customer.customer_key
left join contacts_by_customer on contacts_by_customer.customer_key = records_by_customer.customer_key

{{ define "touched" }}
-- A new day brings contracts and sign-ups dated up to it.
select customer_key from {{ changed "int_customer_keys" }}
union all
select customer_key from {{ ref "int_customer_keys" }}
where record_no in (select record_no from {{ changed "int_customer_contacts" }})
    or (source, entity, entity_id) in (select source, 'shop.customers', id from {{ changed "shop.customers" }})
    or (source, entity, entity_id) in (select source, 'crm.customers', id from {{ changed "crm.customers" }})
    or (source, entity, entity_id) in (
        select source, 'crm.customers', customer_id
        from {{ ref "stg_crm__customers" }}
        where (toDate(assumeNotNull(contract_started_at), {{ .Timezone }}) > {{ .SeenUntil }}
                and toDate(assumeNotNull(contract_started_at), {{ .Timezone }}) <= {{ .SeenLast }})
            or (toDate(assumeNotNull(contract_terminated_at), {{ .Timezone }}) > {{ .SeenUntil }}
                and toDate(assumeNotNull(contract_terminated_at), {{ .Timezone }}) <= {{ .SeenLast }})
    )
    or (source, entity, entity_id) in (
        select source, 'shop.customers', customer_id
        from {{ ref "stg_shop__customers" }}
        where toDate(assumeNotNull(registered_at), {{ .Timezone }}) > {{ .SeenUntil }}
            and toDate(assumeNotNull(registered_at), {{ .Timezone }}) <= {{ .SeenLast }}
    )
    or (source, entity, entity_id) in (
        select source, 'crm.customers', customer_id
        from {{ ref "stg_crm__customers" }}
        where (source, manager_id) in (select source, toNullable(id) from {{ changed "crm.managers" }})
    )
{{ end }}
