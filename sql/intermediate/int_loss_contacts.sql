-- int_loss_contacts: what was heard of each lost customer around the last purchase, up to the loss.
-- grain: one row per customer_key and episode_no that ended in a loss
-- materialized: table
-- order_by: (customer_key, episode_no)
-- tags: service
with

losses as {{ once }} (
    select customer_key, episode_no, segment, last_order_on, assumeNotNull(loss_date) as lost_on, loss_kind, revenue_12m, returned_on
    from {{ ref "int_episodes" }}
    where loss_date is not null
),

owners as {{ once }} (
    select source, entity, entity_id, customer_key
    from {{ ref "int_record_owners" }}
    where entity in ('crm.activities', 'crm.surveys') and customer_key in (select customer_key from losses)
),

activities as (
    select source, activity_id, happened_at from {{ ref "stg_crm__activities" }} where direction = 'inbound' and happened_at is not null
),

surveys as (
    select source, survey_id, answered_at
    from {{ ref "stg_crm__surveys" }}
    where answered_at is not null and coalesce(respondent, 'customer') = 'customer' and coalesce(kind, '') != 'employee_guess'
        and (score is not null or stated_reason is not null or verified_reason is not null or wish is not null)
),

-- What the customer said or asked; our own calls and letters are no sign of life.
contacts as (
    select assumeNotNull(complaints.customer_key) as customer_key, opened_on as heard_on, 'complaint' as kind
    from {{ ref "int_complaints" }} as complaints
    where complaints.customer_key is not null
    union all
    select assumeNotNull(calls.customer_key) as customer_key, started_on as heard_on, 'call' as kind
    from {{ ref "int_calls" }} as calls
    where calls.customer_key is not null and direction = 'inbound'
    union all
    select owners.customer_key as customer_key, toDate(assumeNotNull(activities.happened_at), {{ .Timezone }}) as heard_on, 'message' as kind
    from activities
    inner join owners on owners.source = activities.source and owners.entity = 'crm.activities' and owners.entity_id = activities.activity_id
    union all
    select owners.customer_key as customer_key, toDate(assumeNotNull(surveys.answered_at), {{ .Timezone }}) as heard_on, 'survey' as kind
    from surveys
    inner join owners on owners.source = surveys.source and owners.entity = 'crm.surveys' and owners.entity_id = surveys.survey_id
),

heard as (
    select
        losses.customer_key as customer_key,
        losses.episode_no as episode_no,
        countIf(contacts.kind = 'complaint') as complaints,
        countIf(contacts.kind = 'call') as calls,
        countIf(contacts.kind = 'message') as messages,
        countIf(contacts.kind = 'survey') as surveys,
        max(contacts.heard_on) as last_heard_on
    from losses
    inner join contacts on contacts.customer_key = losses.customer_key
    where contacts.heard_on >= losses.last_order_on - {{ .Service.AntecedentDays }} and contacts.heard_on <= losses.lost_on
    group by customer_key, episode_no
)

select
    losses.customer_key as customer_key,
    losses.episode_no as episode_no,
    losses.segment as segment,
    losses.last_order_on as last_order_on,
    losses.lost_on as loss_date,
    losses.loss_kind as loss_kind,
    losses.revenue_12m as revenue_12m,
    losses.returned_on as returned_on,
    ifNull(heard.complaints, 0) as complaints,
    ifNull(heard.calls, 0) as calls,
    ifNull(heard.messages, 0) as messages,
    ifNull(heard.surveys, 0) as surveys,
    heard.last_heard_on as last_heard_on,
    toBool(heard.customer_key is null) as is_quiet
from losses
left join heard on heard.customer_key = losses.customer_key and heard.episode_no = losses.episode_no
