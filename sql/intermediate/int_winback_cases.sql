-- int_winback_cases: every sleeping or lost customer, and every returned one with an open problem, with what decides whether to make contact.
-- grain: one row per customer_key
-- materialized: table
-- order_by: customer_key
-- tags: winback
with

customers as {{ once }} (
    select
        customer_key, name, segment, status, emails, phones, city, manager_id, orders, last_order_on, loss_date, lost_if_silent_on, episode_no,
        marketing_consent, preferences, dislikes, first_order_on
    from {{ ref "int_customers_today" }}
    where status in ('sleeping', 'lost', 'lost_twice', 'returned')
),

watched as (
    select customer_key, arraySort(groupUniqArray(problem)) as problems, max(problem_on) as problem_on
    from {{ ref "returned_watch" }}
    where is_open
    group by customer_key
),

reasons as (
    select customer_key, episode_no, reason_category, reason, severity, competitor, company_fault from {{ ref "int_loss_reasons" }}
),

classes as (
    select customer_key, class, class_reasons, worth, worth_basis, competitor from {{ ref "int_winback_classes" }}
),

touches as {{ once }} (
    select assumeNotNull(touches.customer_key) as customer_key, source, campaign_id, touched_on, is_control, is_cart_reminder, attribution_days
    from {{ ref "int_touches" }} as touches
    where touches.customer_key is not null
),

campaigns as (
    select source, campaign_id, campaign from {{ ref "int_campaign_costs" }}
),

owners as {{ once }} (
    select source, entity, entity_id, customer_key
    from {{ ref "int_record_owners" }}
    where entity in ('crm.activities', 'callcenter.calls', 'crm.manager_assignments')
        and customer_key in (select customer_key from customers)
),

activities as (
    select source, activity_id as entity_id, toDate(assumeNotNull(coalesce(done_at, happened_at)), {{ .Timezone }}) as contacted_on
    from {{ ref "stg_crm__activities" }}
    where kind in ('call', 'email', 'meeting', 'letter', 'sms') and direction = 'outbound' and coalesce(done_at, happened_at) is not null
        and contacted_on > {{ .AsOf }} - {{ .Winback.ContactWindow }} and contacted_on <= {{ .AsOf }}
),

calls as (
    select source, call_id as entity_id, toDate(assumeNotNull(started_at), {{ .Timezone }}) as contacted_on
    from {{ ref "stg_callcenter__calls" }}
    where direction = 'outbound' and disposition = 'answered' and started_at is not null
        and contacted_on > {{ .AsOf }} - {{ .Winback.ContactWindow }} and contacted_on <= {{ .AsOf }}
),

service as (
    select customer_key, overdue_debt, overdue_payments from {{ ref "int_customer_service" }} where overdue_payments > 0
),

assignments as (
    select source, customer_id, manager_id, from_at, to_at from {{ ref "stg_crm__manager_assignments" }} where manager_id is not null
),

-- One contact a day, whoever noted it. A reminder of a cart is one this week, but
-- is nobody's turn.
contacts as (
    select customer_key, max(contacted_on) as last_contact_on, uniqExactIf(contacted_on, not is_cart_reminder) as contacts
    from (
        select customer_key, touched_on as contacted_on, is_cart_reminder from touches where not is_control and touched_on > {{ .AsOf }} - {{ .Winback.ContactWindow }}
        union all
        select owners.customer_key as customer_key, activities.contacted_on as contacted_on, false as is_cart_reminder
        from activities
        inner join owners on owners.entity = 'crm.activities' and owners.source = activities.source and owners.entity_id = activities.entity_id
        union all
        select owners.customer_key as customer_key, calls.contacted_on as contacted_on, false as is_cart_reminder
        from calls
        inner join owners on owners.entity = 'callcenter.calls' and owners.source = calls.source and owners.entity_id = calls.entity_id
    )
    group by customer_key
),

-- A control is left alone until the campaign's attribution days are over.
controls as (
    select
        touches.customer_key as customer_key,
        argMax(campaigns.campaign, touches.touched_on + touches.attribution_days) as campaign,
        max(touches.touched_on + touches.attribution_days) as until
    from touches
    inner join campaigns on campaigns.source = touches.source and campaigns.campaign_id = touches.campaign_id
    where touches.is_control and touches.touched_on + touches.attribution_days >= {{ .AsOf }}
    group by customer_key
),

-- Who was in charge on the day of the loss, or just before it.
previous_managers as (
    select customers.customer_key as customer_key, argMax(assignments.manager_id, (assignments.from_at, assignments.manager_id)) as manager_id
    from assignments
    inner join owners on owners.entity = 'crm.manager_assignments' and owners.source = assignments.source and owners.entity_id = assignments.customer_id
    inner join customers on customers.customer_key = owners.customer_key
    where coalesce(toDate(assignments.from_at, {{ .Timezone }}) <= coalesce(customers.loss_date, {{ .AsOf }}), true)
    group by customer_key
),

cases as (
    select
        customers.customer_key as customer_key,
        customers.name as name,
        customers.segment as segment,
        customers.status as status,
        customers.emails as emails,
        customers.phones as phones,
        customers.city as city,
        customers.orders as orders,
        customers.last_order_on as last_order_on,
        customers.loss_date as loss_date,
        customers.marketing_consent as marketing_consent,
        customers.preferences as preferences,
        customers.dislikes as dislikes,
        customers.first_order_on as first_order_on,
        if(customers.status in ('lost', 'lost_twice'), {{ .AsOf }} - customers.loss_date, {{ .AsOf }} - customers.lost_if_silent_on) as days,
        coalesce(watched.problems, []) as open_problems,
        if(customers.loss_date is null, '(none)', coalesce(reasons.reason_category, 'unknown')) as reason_category,
        if(customers.loss_date is null, null, reasons.severity) as severity,
        if(customers.loss_date is null, null, reasons.reason) as reason,
        if(customers.loss_date is null, null, reasons.company_fault) as company_fault,
        coalesce(reasons.competitor, classes.competitor) as competitor,
        classes.class as class,
        classes.class_reasons as class_reasons,
        classes.worth as worth,
        classes.worth_basis as worth_basis,
        contacts.last_contact_on as last_contact_on,
        coalesce(contacts.contacts, 0) as contact_days,
        controls.campaign as control_of,
        controls.until as control_until,
        service.overdue_debt as overdue_debt,
        coalesce(service.overdue_payments, 0) as overdue_payments,
        -- Who is only asleep has been lost by nobody.
        if(customers.loss_date is null, null, coalesce(previous_managers.manager_id, customers.manager_id)) as previous_manager_id
    from customers
    left join watched on watched.customer_key = customers.customer_key
    left join reasons on reasons.customer_key = customers.customer_key and reasons.episode_no = customers.episode_no
    left join classes on classes.customer_key = customers.customer_key
    left join contacts on contacts.customer_key = customers.customer_key
    left join controls on controls.customer_key = customers.customer_key
    left join service on service.customer_key = customers.customer_key
    left join previous_managers on previous_managers.customer_key = customers.customer_key
    where customers.status != 'returned' or notEmpty(watched.problems)
),

judged as (
    select
        *,
        arrayFilter(x -> x != '', [
            if(status = 'lost_twice', 'lost for the second time', ''),
            if(class = 'do not return', concat('do not return: ', class_reasons), ''),
            if(orders = 0, 'never bought anything', ''),
            if(reason_category in ('deceased', 'business_closed'), 'there is nobody to win back', ''),
            if(marketing_consent = false, 'opted out of offers', ''),
            if(control_until is not null, concat('in the control group of ', control_of, ' until ', toString(assumeNotNull(control_until))), ''),
            if(last_contact_on > {{ .AsOf }} - {{ .Winback.ContactPause }}, concat('contacted on ', toString(assumeNotNull(last_contact_on))), ''),
            if(contact_days >= {{ .Winback.MaxContacts }}, concat('contacted ', toString(contact_days), ' times in {{ .Winback.ContactWindow }} days'), ''),
            if(reason_category = 'conflict' and loss_date + {{ .Winback.ConflictPause }} > {{ .AsOf }},
                concat('a conflict: pause until ', toString(assumeNotNull(loss_date) + {{ .Winback.ConflictPause }})), ''),
            if(empty(phones) and empty(emails) and city is null, 'no way to reach them is known', '')
        ]) as against
    from cases
)

select
    customer_key,
    name,
    segment,
    status,
    emails,
    phones,
    city,
    preferences,
    dislikes,
    orders,
    first_order_on,
    last_order_on,
    loss_date,
    toInt32(coalesce(days, 0)) as days_since_loss,
    multiIf(status = 'returned', 'returned', status = 'sleeping', 'sleeping', {{ recency_bucket "coalesce(days, 0)" }}) as recency_bucket,
    open_problems,
    reason_category,
    toNullable(toInt64(severity)) as severity,
    reason,
    company_fault,
    competitor,
    coalesce(class, 'C') as class,
    coalesce(class_reasons, if(orders = 0, 'never bought anything', 'never fell silent long enough to be judged')) as class_reasons,
    worth,
    worth_basis,
    last_contact_on,
    toUInt64(contact_days) as contacts,
    cast(overdue_debt as Nullable(Decimal(38, 4))) as overdue_debt,
    toUInt64(overdue_payments) as overdue_payments,
    previous_manager_id,
    toBool(empty(against)) as is_eligible,
    nullIf(arrayStringConcat(assumeNotNull(against), '; '), '') as not_eligible_reason
from judged
