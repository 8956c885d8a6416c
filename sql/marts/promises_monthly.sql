-- promises_monthly: promises due in each month by kind and team: how many were kept, and who left after broken ones.
-- grain: one row per month, kind and team
-- materialized: table
-- order_by: (month, kind, team)
-- tags: service, monthly
with

promises as (
    select kind, team, customer_key, due_on, status, is_kept, is_broken, lost_later from {{ ref "promises" }} where due_on <= {{ .AsOf }}
),

-- Promises are many, kinds and teams few: each is looked at once, and what they come
-- to is put together.
of_each as (
    select
        toStartOfMonth(due_on) as month,
        promises.kind as own_kind,
        promises.team as own_team,
        count() as promised,
        countIf(is_kept is not null) as due,
        countIf(status = 'kept') as kept,
        countIf(status = 'early') as early,
        countIf(status = 'late') as late,
        countIf(status = 'never') as never,
        countIf(status = 'unknown') as unknown,
        uniqExactIfState(customer_key, is_broken) as customers_broken,
        uniqExactIfState(customer_key, is_broken and lost_later is not null) as broken_n,
        uniqExactIfState(customer_key, is_broken and lost_later) as broken_lost,
        uniqExactIfState(customer_key, is_kept and lost_later is not null) as kept_n,
        uniqExactIfState(customer_key, is_kept and lost_later) as kept_lost
    from promises
    group by month, own_kind, own_team
),

counted as (
    select
        month,
        arrayJoin([own_kind, '(all)']) as kind,
        arrayJoin([own_team, '(all)']) as team,
        sum(of_each.promised) as promised,
        sum(of_each.due) as due,
        sum(of_each.kept) as kept,
        sum(of_each.early) as early,
        sum(of_each.late) as late,
        sum(of_each.never) as never,
        sum(of_each.unknown) as unknown,
        uniqExactIfMerge(of_each.customers_broken) as customers_broken,
        uniqExactIfMerge(of_each.broken_n) as broken_n,
        uniqExactIfMerge(of_each.broken_lost) as broken_lost,
        uniqExactIfMerge(of_each.kept_n) as kept_n,
        uniqExactIfMerge(of_each.kept_lost) as kept_lost
    from of_each
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
