-- int_churn_stretches: in which months each stretch of a customer counts as there, lost and back, by each definition of churn.
-- grain: one row per definition, customer_key and base_from
-- materialized: view
-- tags: churn, monthly
with

episodes as (
    select
        customer_key,
        episode_no,
        started_on,
        loss_date,
        returned_on,
        lagInFrame(loss_date) over (
            partition by customer_key order by episode_no rows between unbounded preceding and unbounded following
        ) as loss_before,
        min(started_on) over (partition by customer_key, toStartOfMonth(loss_date)) as there_since
    from {{ ref "int_episodes" }}
),

-- The clock that is not the rule. A visit that the next one follows too late, or
-- none at all, ends a stretch; the next one begins another.
clocks as (
    select
        customer_key,
        visited_on,
        leadInFrame(toNullable(visited_on)) over (
            partition by customer_key order by visited_on rows between unbounded preceding and unbounded following
        ) as next_visit_on,
        gaps,
        {{ if .Churn.PersonalClock.Enabled }}fixed_lost_if_silent_on{{ else }}lost_if_silent_on{{ end }} as lost_on,
        lost_on <= coalesce(next_visit_on, {{ .AsOf }}) as is_lost
    from {{ ref "int_personal_clocks" }}
),

turns as (
    select
        customer_key,
        arrayJoin(arrayConcat(
            if(gaps = 0, [(visited_on, 1)], []),
            if(is_lost, [(lost_on, 0)], []),
            if(is_lost and next_visit_on is not null, [(assumeNotNull(next_visit_on), 1)], [])
        )) as turn,
        tupleElement(turn, 1) as day,
        tupleElement(turn, 2) as is_start
    from clocks
),

paired as (
    select
        customer_key,
        day as started_on,
        is_start,
        leadInFrame(toNullable(day)) over (
            partition by customer_key order by day, is_start rows between unbounded preceding and unbounded following
        ) as loss_date
    from turns
),

-- There at the start of a month: begun before it, not lost on the day before.
monthly as (
    select
        *,
        addMonths(toStartOfMonth(started_on), 1) as from_month,
        if(loss_date is null, toStartOfMonth({{ .AsOf }}), toStartOfMonth(assumeNotNull(loss_date))) as to_month,
        coalesce(toStartOfMonth(loss_date) >= from_month, false) as is_counted,
        if(is_counted, [assumeNotNull(toStartOfMonth(loss_date))], []) as lost_in,
        if(loss_date is null, [], [assumeNotNull(toStartOfMonth(loss_date))]) as any_lost_in,
        if(returned_on is null, [], [assumeNotNull(toStartOfMonth(returned_on))]) as any_back_in,
        -- There at the start of the month, and after the last loss in it not back before its end.
        if(there_since < coalesce(toStartOfMonth(loss_date), there_since) and any_back_in != any_lost_in, any_lost_in, []) as gone_in
    from episodes
),

other_clock as (
    select
        customer_key,
        addMonths(toStartOfMonth(started_on), 1) as from_month,
        if(loss_date is null, toStartOfMonth({{ .AsOf }}), toStartOfMonth(assumeNotNull(loss_date))) as to_month,
        if(coalesce(toStartOfMonth(loss_date) >= from_month, false), [assumeNotNull(toStartOfMonth(loss_date))], []) as lost_in
    from paired
    where is_start = 1
),

-- Begun or lost within the month counts, unless the stretch before was lost in the
-- same month: a customer is one.
with_newcomers as (
    select
        *,
        if(coalesce(toStartOfMonth(loss_before) = toStartOfMonth(started_on), false), from_month, toStartOfMonth(started_on)) as newcomers_from
    from monthly
),

-- The 30 days up to a month's end, or up to as_of in its month: those there when
-- they began and those new in them; lost in them.
in_windows as (
    select
        *,
        multiIf(
            episode_no = 1, toStartOfMonth(started_on),
            started_on + 30 <= {{ .AsOf }}, toStartOfMonth(started_on + 30),
            addMonths(toStartOfMonth({{ .AsOf }}), 1)
        ) as window_from,
        if(loss_date is null or coalesce(loss_date + 30 > {{ .AsOf }}, false), toStartOfMonth({{ .AsOf }}),
            addMonths(toStartOfMonth(assumeNotNull(loss_date) + 30), -1)) as window_to,
        arrayFilter(
            month -> month >= window_from and month <= {{ .AsOf }}
                and least(toLastDayOfMonth(month), {{ .AsOf }}) >= assumeNotNull(loss_date)
                and least(toLastDayOfMonth(month), {{ .AsOf }}) < assumeNotNull(loss_date) + 30,
            if(loss_date is null, [], [toStartOfMonth(assumeNotNull(loss_date)), addMonths(toStartOfMonth(assumeNotNull(loss_date)), 1)])
        ) as lost_in_window
    from with_newcomers
),

defined as (
    select
        customer_key,
        arrayJoin([
            ('winback', from_month, to_month, lost_in, []),
            ('profitwell', from_month, to_month, lost_in, []),
            ('everybody', newcomers_from, to_month,
                if(coalesce(toStartOfMonth(loss_date) >= newcomers_from, false), [assumeNotNull(toStartOfMonth(loss_date))], []), []),
            ('stripe_30d', window_from, window_to, lost_in_window, []),
            ('month_end', from_month, to_month, gone_in, []),
            ('chartmogul_net', from_month, to_month, any_lost_in, any_back_in),
            ('maxio_90d', from_month, to_month, lost_in, if(is_counted and coalesce(returned_on <= loss_date + 90, false), any_back_in, []))
        ]) as rule
    from in_windows
    union all
    select
        customer_key,
        ({{ if .Churn.PersonalClock.Enabled }}'fixed_clock'{{ else }}'personal_clock'{{ end }}, from_month, to_month, lost_in, []) as rule
    from other_clock
)

select
    cast(tupleElement(rule, 1) as LowCardinality(String)) as definition,
    customer_key,
    tupleElement(rule, 2) as base_from,
    tupleElement(rule, 3) as base_to,
    tupleElement(rule, 4) as lost_in,
    tupleElement(rule, 5) as back_in
from defined
