-- promises_monthly: promises due in each month by kind and team: how many were kept, and who left after broken ones.
-- grain: one row per month, kind and team
-- materialized: table
-- order_by: (month, kind, team)
-- tags: service, monthly
with

promises as (
    select kind, team, customer_key, due_on, status, is_kept, is_broken, lost_later from {{ ref "promises" }} where due_on <= {{ .AsOf }}
),

placed as (
    select toStartOfMonth(due_on) as month, arrayJoin([promises.kind, '(all)']) as kind, arrayJoin([promises.team, '(all)']) as team, promises.* except (kind, team)
    from promises
),

counted as (
    select
        month,
        kind,
        team,
        count() as promised,
        countIf(is_kept is not null) as due,
        countIf(status = 'kept') as kept,
        countIf(status = 'early') as early,
        countIf(status = 'late') as late,
        countIf(status = 'never') as never,
        countIf(status = 'unknown') as unknown,
        uniqExactIf(customer_key, is_broken) as customers_broken,
        uniqExactIf(customer_key, is_broken and lost_later is not null) as broken_n,
        uniqExactIf(customer_key, is_broken and lost_later) as broken_lost,
        uniqExactIf(customer_key, is_kept and lost_later is not null) as kept_n,
        uniqExactIf(customer_key, is_kept and lost_later) as kept_lost
    from placed
    group by month, kind, team
)

select
    month,
    kind,
    team,
    promised,
    due,
    kept,
    early,
    late,
    never,
    unknown,
    100 * kept / nullIf(due, 0) as kept_pct,
    {{ wilson_lower "kept" "due" }} as kept_lower,
    {{ wilson_upper "kept" "due" }} as kept_upper,
    customers_broken,
    broken_n,
    broken_lost,
    100 * broken_lost / nullIf(broken_n, 0) as broken_lost_pct,
    {{ wilson_lower "broken_lost" "broken_n" }} as broken_lost_lower,
    {{ wilson_upper "broken_lost" "broken_n" }} as broken_lost_upper,
    kept_n,
    kept_lost,
    100 * kept_lost / nullIf(kept_n, 0) as kept_lost_pct,
    {{ wilson_lower "kept_lost" "kept_n" }} as kept_lost_lower,
    {{ wilson_upper "kept_lost" "kept_n" }} as kept_lost_upper,
    toBool(toLastDayOfMonth(month) <= {{ .AsOf }}) as is_complete
from counted
