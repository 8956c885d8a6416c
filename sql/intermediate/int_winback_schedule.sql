-- int_winback_schedule: in which order customers to win back are contacted, by whom and when.
-- grain: one row per customer_key that may be contacted
-- materialized: table
-- order_by: customer_key
-- tags: winback
with

cases as (
    select customer_key, previous_manager_id from {{ ref "int_winback_cases" }}
),

chances as (
    select customer_key, value_12m from {{ ref "int_winback_chances" }}
),

choices as (
    select customer_key, expected_value from {{ ref "int_winback_choices" }} where channel is not null
),

managers as (
    select manager_id
    from {{ ref "stg_crm__managers" }}
    where coalesce(is_active, true)
        and coalesce(toDate(left_at) > {{ .AsOf }}, true)
        and coalesce(toDate(hired_at) <= {{ .AsOf }}, true)
    group by manager_id
),

ranked as (
    select
        choices.customer_key as customer_key,
        cases.previous_manager_id as previous_manager_id,
        row_number() over (order by choices.expected_value desc nulls last, chances.value_12m desc nulls last, choices.customer_key) as priority
    from choices
    inner join cases on cases.customer_key = choices.customer_key
    inner join chances on chances.customer_key = choices.customer_key
),

-- Owners in one pass: customers in the order of their priority go in rounds of one
-- fewer than there are managers. In a round each manager gets one at most, so loads
-- stay even; each customer rules out one turn of the managers, that in which the one
-- who lost them comes to them, so one of the turns is always left.
team as (
    select if(count() = 0, [''], arraySort(groupArray(manager_id))) as members, length(members) as size from managers
),

rounds as (
    select
        ranked.*,
        team.members as members,
        team.size as size,
        intDiv(ranked.priority - 1, greatest(team.size - 1, 1)) as round_no,
        (ranked.priority - 1) % greatest(team.size - 1, 1) as place,
        indexOf(team.members, coalesce(ranked.previous_manager_id, '')) as lost_by,
        if(lost_by > 0, toInt64((lost_by - 1 + team.size - place) % team.size), -1) as ruled_out
    from ranked
    cross join team
),

turned as (
    select
        *,
        groupArray(ruled_out) over (partition by round_no) as all_ruled_out,
        arrayFirst(turn -> not has(all_ruled_out, turn), arrayMap(x -> toInt64((x + round_no) % size), range(size))) as turn,
        nullIf(members[1 + (place + turn) % size], '') as owner_id
    from rounds
),

-- What a manager cannot do within the days of the list waits for the next one.
scheduled as (
    select
        *,
        intDiv(row_number() over (partition by owner_id order by priority) - 1, {{ .Winback.CallsPerDay }}) as working_day,
        {{ .AsOf }} + [1, 1, 1, 1, 3, 2, 1][toDayOfWeek({{ .AsOf }})] as first_day,
        working_day < {{ .Winback.ListDays }} as is_on_list,
        if(is_on_list, toNullable(first_day + working_day + 2 * intDiv(toDayOfWeek(first_day) - 1 + working_day, 5)), null) as due_date
    from turned
)

select
    customer_key,
    toUInt64(priority) as priority,
    owner_id,
    cast(due_date as Nullable(Date)) as due_date,
    toBool(is_on_list) as is_on_list
from scheduled
