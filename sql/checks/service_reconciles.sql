-- service_reconciles: tables of service count the buyers and losses of mart.customers, and every call and promise once.
-- severity: error
with

customers as (
    select countIf(orders > 0) as buyers, sum(customers.losses) as losses from {{ ref "customers" }} as customers
),

complaint_outcomes as (
    select sum(complaint_outcomes.customers) as buyers from {{ ref "complaint_outcomes" }} as complaint_outcomes
),

quiet_leavers_monthly as (
    select sum(quiet_leavers_monthly.lost) as losses, sum(quiet_leavers_monthly.quiet) as quiet
    from {{ ref "quiet_leavers_monthly" }} as quiet_leavers_monthly
    where segment = '(all)'
),

quiet_leavers as (
    select count() as quiet from {{ ref "quiet_leavers" }}
),

-- As many losses for every fact: those with it and those without.
loss_antecedents as (
    select count() as facts, sum(losses_with + losses_without) as losses from {{ ref "loss_antecedents" }}
),

promises as (
    select countIf(due_on <= {{ .AsOf }}) as due from {{ ref "promises" }}
),

promises_monthly as (
    select sum(promises_monthly.promised) as due from {{ ref "promises_monthly" }} as promises_monthly where kind = '(all)' and team = '(all)'
),

calls as (
    select countIf(is_offered) as offered from {{ ref "int_calls" }}
),

callcenter_daily as (
    select sum(callcenter_daily.offered) as offered from {{ ref "callcenter_daily" }} as callcenter_daily where queue = '(all)'
),

callcenter_by as (
    select
        sumIf(callcenter_by.offered, dimension = '(all)') as offered,
        sumIf(callcenter_by.offered, dimension = 'agent') as by_agent,
        sumIf(callcenter_by.offered, dimension = 'topic') as by_topic
    from {{ ref "callcenter_by" }} as callcenter_by
),

callcenter_half_hours as (
    select sum(callcenter_half_hours.offered) as offered from {{ ref "callcenter_half_hours" }} as callcenter_half_hours
),

compared as (
    select arrayJoin([
        ('buyers by the outcome of their complaint', toInt64(ifNull(customers.buyers, 0)), toInt64(ifNull(complaint_outcomes.buyers, 0))),
        ('losses, quiet or not', toInt64(ifNull(customers.losses, 0)), toInt64(ifNull(quiet_leavers_monthly.losses, 0))),
        ('quiet losses', toInt64(quiet_leavers.quiet), toInt64(ifNull(quiet_leavers_monthly.quiet, 0))),
        ('losses with and without a fact', toInt64(ifNull(customers.losses, 0) * loss_antecedents.facts), toInt64(ifNull(loss_antecedents.losses, 0))),
        ('promises by month', toInt64(promises.due), toInt64(ifNull(promises_monthly.due, 0))),
        ('calls by day', toInt64(calls.offered), toInt64(ifNull(callcenter_daily.offered, 0))),
        ('calls by month', toInt64(calls.offered), toInt64(ifNull(callcenter_by.offered, 0))),
        ('calls by agent', toInt64(calls.offered), toInt64(ifNull(callcenter_by.by_agent, 0))),
        ('calls by topic', toInt64(calls.offered), toInt64(ifNull(callcenter_by.by_topic, 0))),
        ('calls by half hour', toInt64(calls.offered), toInt64(ifNull(callcenter_half_hours.offered, 0)))
    ]) as line
    from customers
    cross join complaint_outcomes
    cross join quiet_leavers_monthly
    cross join quiet_leavers
    cross join loss_antecedents
    cross join promises
    cross join promises_monthly
    cross join calls
    cross join callcenter_daily
    cross join callcenter_by
    cross join callcenter_half_hours
)

select line.1 as what, line.2 as expected, line.3 as counted from compared where expected != counted
