-- kpi_monthly: the figures of the executive page, month by month, beside their targets and earlier values.
-- grain: one row per month and kpi
-- materialized: table
-- order_by: (kpi, month)
-- tags: monthly
with

-- Nothing is computed here: a figure is what its own table says of a month that is
-- over, with the n of a rate and its interval. Each is carried as text, so that rates
-- and money fit into one list and each table is read once.
figures as (
    select
        month,
        arrayJoin([
            ('churn_pct', toString(round(churn_pct, 6)), toUInt64(customers_at_start), churn_lower, churn_upper),
            ('retention_pct', toString(round(retention_pct, 6)), toUInt64(customers_at_start), null, null),
            ('churn_12m_pct', toString(round(churn_12m_pct, 6)), toUInt64(customers_at_start_12m), churn_12m_lower, churn_12m_upper),
            ('return_pct', toString(round(return_pct, 6)), toUInt64(lost_at_start), return_lower, return_upper),
            ('revenue_churn_pct', toString(round(revenue_churn_pct, 6)), null, null, null),
            ('revenue_retention_pct', toString(round(revenue_retention_pct, 6)), null, null, null),
            ('customers_at_start', toString(customers_at_start), null, null, null),
            ('lost', toString(lost), null, null, null),
            ('returned', toString(returned), null, null, null),
            ('net_lost', toString(net_lost), null, null, null),
            ('average_check', toString(average_check), null, null, null),
            ('lost_revenue_simple', toString(lost_revenue_simple), null, null, null),
            ('lost_ltv', toString(lost_ltv), null, null, null),
            ('lost_revenue_observed', toString(lost_revenue_observed), null, null, null)
        ]) as figure
    from {{ ref "churn_monthly" }}
    where segment = '(all)' and is_complete
    union all
    select
        month,
        arrayJoin(arrayMap(x -> (tupleElement(x, 1), tupleElement(x, 2), null, null, null), [
            ('customers_at_end', toString(at_end)),
            ('new_customers', toString(new)),
            ('losses', toString(lost)),
            ('orders', toString(orders)),
            ('net_revenue', toString(revenue)),
            ('revenue_at_end', toString(revenue_at_end))
        ])) as figure
    from {{ ref "base_movement" }}
    where segment = '(all)' and is_complete
    union all
    select
        month,
        arrayJoin(arrayMap(x -> (tupleElement(x, 1), tupleElement(x, 2), null, null, null), [
            ('plan_fact_pct', toString(round(fact_pct, 6))),
            ('overdue_debt', toString(overdue_debt))
        ])) as figure
    from {{ ref "managers_monthly" }}
    where manager_id = '(all)' and is_complete
    union all
    select
        month,
        arrayJoin([
            ('cart_abandoned_pct', toString(round(abandoned_pct, 6)), toUInt64(carts), abandoned_lower, abandoned_upper),
            ('cart_recovered_pct', toString(round(recovered_pct, 6)), toUInt64(abandoned), recovered_lower, recovered_upper),
            ('cart_recovered_revenue', if(is_settled, toString(recovered_revenue), null), null, null, null)
        ]) as figure
    from {{ ref "carts_monthly" }}
    where category = '(all)' and is_complete
    union all
    select
        month,
        arrayJoin([
            ('service_level_pct', toString(round(service_level_pct, 6)), toUInt64(service_level_n), service_level_lower, service_level_upper),
            ('calls_abandoned_pct', toString(round(abandoned_pct, 6)), toUInt64(abandoned_n), abandoned_lower, abandoned_upper)
        ]) as figure
    from {{ ref "callcenter_by" }}
    where dimension = '(all)' and value = '(all)' and is_complete
    union all
    select month, ('promises_kept_pct', toString(round(kept_pct, 6)), toUInt64(due), kept_lower, kept_upper) as figure
    from {{ ref "promises_monthly" }}
    where kind = '(all)' and team = '(all)' and is_complete
    union all
    select month, ('quiet_leavers_pct', toString(round(quiet_pct, 6)), toUInt64(lost), quiet_lower, quiet_upper) as figure
    from {{ ref "quiet_leavers_monthly" }}
    where segment = '(all)' and is_complete
    union all
    select
        month,
        arrayJoin(arrayMap(x -> (tupleElement(x, 1), tupleElement(x, 2), null, null, null), [
            ('money_recovered', if(is_known, toString(revenue_recovered), null)),
            ('winback_recovered_share', toString(round(recovered_share_pct, 6)))
        ])) as figure
    -- It grows until the year since the last return of the month is over.
    from (select *, recovered_share_pct is not null as is_known from {{ ref "winback_kpis" }})
    where segment = '(all)' and is_complete
    union all
    select
        month,
        arrayJoin([
            ('satisfaction', toString(round(satisfaction, 6)), toUInt64(marks), null, null),
            ('nps', toString(round(nps, 6)), toUInt64(nps_answers), null, null)
        ]) as figure
    from {{ ref "satisfaction_monthly" }}
    where segment = '(all)' and is_complete
    union all
    select month, ('win_rate_pct', toString(round(win_rate_pct, 6)), toUInt64(won + lost), win_rate_lower, win_rate_upper) as figure
    from {{ ref "sales_velocity" }}
    where pipeline = '(all)' and is_complete
),

-- A figure that is not known has no row.
known as (
    select
        month,
        tupleElement(figure, 1) as kpi,
        toDecimal128OrNull(tupleElement(figure, 2), 6) as value,
        cast(tupleElement(figure, 3) as Nullable(UInt64)) as n,
        cast(tupleElement(figure, 4) as Nullable(Float64)) as lower,
        cast(tupleElement(figure, 5) as Nullable(Float64)) as upper
    from figures
    where value is not null
),

-- What a target wants: sign is 1 where more is better, -1 where less is.
targets as (
    select '' as kpi, toNullable(toFloat64(0)) as target, toNullable(toFloat64(0)) as alarm, 0 as sign where false
    {{- range .Targets }}
    union all
    select {{ .KPI }} as kpi, {{ .Value }} as target, {{ .Alarm }} as alarm, {{ .Sign }} as sign
    {{- end }}
),

compared as (
    select
        known.*,
        any(value) over (partition by kpi order by toRelativeMonthNum(month) range between 1 preceding and 1 preceding) as previous,
        any(value) over (partition by kpi order by toRelativeMonthNum(month) range between 12 preceding and 12 preceding) as yoy
    from known
)

select
    compared.month as month,
    compared.kpi as kpi,
    assumeNotNull(compared.value) as value,
    cast(targets.target as Nullable(Decimal(38, 6))) as target,
    cast(multiIf(
        targets.target is null, null,
        targets.sign * compared.value >= targets.sign * targets.target, 'normal',
        coalesce(targets.sign * compared.value <= targets.sign * targets.alarm, false), 'alarm',
        'watch'
    ) as LowCardinality(Nullable(String))) as level,
    previous,
    yoy,
    n,
    lower,
    upper
from compared
left join targets on targets.kpi = compared.kpi

{{ define "causes" }}
-- What came or changed since the figures were told, with the month from which on it
-- may have moved them. An order that a refund or a merged customer moved is told as that.
with
['win_rate_pct', 'satisfaction', 'nps', 'service_level_pct', 'calls_abandoned_pct', 'overdue_debt'] as not_of_orders,
['net_revenue', 'orders', 'average_check', 'promises_kept_pct'] as not_of_customers,
['cart_abandoned_pct', 'cart_recovered_pct', 'cart_recovered_revenue', 'new_customers', 'plan_fact_pct'] as not_of_contracts,

-- A refund counts when it is paid: some are read before.
refunds_ahead as (
    select source, refund_id from {{ ref "int_refunds" }} where toDate(assumeNotNull(refunded_at), {{ .Timezone }}) > {{ .AsOf }}
),

refunds as (
    select changed.source as source, changed.refund_id as refund_id, assumeNotNull(changed.order_id) as order_id
    from {{ changed "int_refunds" }} as changed
    where changed.order_id is not null and (changed.source, changed.refund_id) not in (select source, refund_id from refunds_ahead)
    union distinct
    select source, refund_id, assumeNotNull(order_id) as order_id
    from {{ ref "int_refunds" }}
    where order_id is not null and toDate(assumeNotNull(refunded_at), {{ .Timezone }}) > {{ .SeenUntil }}
        and toDate(assumeNotNull(refunded_at), {{ .Timezone }}) <= {{ .SeenLast }}
),

orders as (
    select
        source,
        order_id,
        uniqExact((ordered_on, status, net_revenue, is_purchase)) as versions,
        uniqExact(customer_key) as owners,
        min(ordered_on) as first_on,
        max(is_purchase) as was_purchase
    from {{ changed "int_orders" }}
    group by source, order_id
),

orders_now as (
    select source, order_id, ordered_on, is_purchase
    from {{ ref "int_orders" }}
    where (source, order_id) in (select source, order_id from orders) or (source, order_id) in (select source, order_id from refunds)
),

moved_orders as (
    select
        least(orders.first_on, coalesce(orders_now.ordered_on, orders.first_on)) as since_day,
        multiIf(
            (orders.source, orders.order_id) in (select source, order_id from refunds), '',
            orders_now.order_id is null, if(orders.was_purchase, 'deleted order', ''),
            not orders_now.is_purchase, if(orders.was_purchase, 'cancelled order', ''),
            orders.versions > 1, 'changed order',
            orders.owners > 1, '',
            'late order'
        ) as cause
    from orders
    left join orders_now on orders_now.source = orders.source and orders_now.order_id = orders.order_id
),

-- A record that went from one key to another.
moved_records as (
    select source, entity, entity_id, groupUniqArray(customer_key) as known_as
    from {{ changed "int_customer_keys" }}
    group by source, entity, entity_id
    having length(known_as) > 1
),

keys_now as (
    select source, entity, entity_id, customer_key
    from {{ ref "int_customer_keys" }}
    where (source, entity, entity_id) in (select source, entity, entity_id from moved_records)
),

keys_in_use as (
    select distinct customer_key from {{ ref "int_customer_keys" }} where customer_key in (select arrayJoin(known_as) from moved_records)
),

former_keys as (
    select keys_now.customer_key as customer_key, former_key
    from moved_records
    array join known_as as former_key
    inner join keys_now
        on keys_now.source = moved_records.source and keys_now.entity = moved_records.entity and keys_now.entity_id = moved_records.entity_id
    where former_key != keys_now.customer_key
    group by customer_key, former_key
),

first_purchases as (
    select customer_key, min(ordered_on) as first_on
    from {{ ref "int_orders" }}
    where is_purchase and customer_key in (select customer_key from former_keys)
    group by customer_key
),

-- The first termination that was not known before, or is not known any more.
contracts as (
    select
        customer_key,
        arraySort(arrayFilter(day -> not has(groupArrayIntersect(contract_terminations), day), groupUniqArrayArray(contract_terminations))) as moved_days
    from {{ changed "int_customers" }}
    group by customer_key
    having count() > 1
)

select
    toStartOfMonth(orders_now.ordered_on) as since,
    'late refund' as cause,
    uniqExact(refunds.source, refunds.refund_id) as n,
    not_of_orders as spares
from refunds
inner join orders_now on orders_now.source = refunds.source and orders_now.order_id = refunds.order_id
group by since
union all
select
    toStartOfMonth(since_day) as since,
    cause,
    count() as n,
    not_of_orders as spares
from moved_orders
where cause != ''
group by since, cause
union all
-- Whose calls, deals and answers they are does not change how many there are.
select
    toStartOfMonth(first_purchases.first_on) as since,
    if(former_keys.former_key in (select customer_key from keys_in_use), 'separated customer', 'merged customer') as cause,
    count() as n,
    arrayConcat(not_of_orders, not_of_customers) as spares
from former_keys
inner join first_purchases on first_purchases.customer_key = former_keys.customer_key
group by since, cause
union all
select
    toStartOfMonth(moved_days[1]) as since,
    'changed contract' as cause,
    count() as n,
    arrayConcat(not_of_orders, not_of_customers, not_of_contracts) as spares
from contracts
where notEmpty(moved_days)
group by since
{{ end }}
