-- customers_reconcile: every table counts the customers of mart.customers, no more and no fewer.
-- severity: error
with

-- Each table is read once, into one row.
customers as (
    select
        count() as known,
        countIf(orders > 0) as buyers,
        countIf(orders > 0 and coalesce(status, '') not in ('lost', 'lost_twice')) as kept,
        countIf(orders = 0 and coalesce(signed_up_on + {{ .Churn.SilentAfter }} <= {{ .AsOf }}, false)) as silent,
        countIf(customers.losses > 0) as ever_lost,
        countIf(customers.status in ('sleeping', 'lost', 'lost_twice')) as to_win_back,
        toUInt64(sumIf(dateDiff('month', assumeNotNull(first_order_on), assumeNotNull(last_order_on)) + 1, orders > 0)) as months_to_last_order,
        countIf(coalesce(last_order_on > {{ .AsOf }} - 365, false)) as recent_buyers,
        sum(customers.losses) as losses,
        sum(customers.returns) as returns
    from {{ ref "customers" }} as customers
),

customer_months as (
    select countIf(month = toStartOfMonth({{ .AsOf }})) as today, countIf(customer_months.orders > 0) as buyers from {{ ref "customer_months" }} as customer_months
),

customer_episodes as (
    select countIf(loss_date is not null) as losses, countIf(returned_on is not null) as returns from {{ ref "customer_episodes" }}
),

movements as (
    select
        sum(base_movement.new) as new,
        sum(base_movement.lost) as lost,
        sum(base_movement.returned) as returned,
        sumIf(base_movement.at_end, month = toStartOfMonth({{ .AsOf }})) as at_end
    from {{ ref "base_movement" }} as base_movement
    where segment = '(all)'
),

cohorts as (
    select
        sumIf(churn_cohorts.size, month_no = 0) as members,
        sum(churn_cohorts.active) as buyers,
        sum(churn_cohorts.active_or_later) as months_to_last_order
    from {{ ref "churn_cohorts" }} as churn_cohorts
    where segment = '(all)'
),

survival as (
    select sumIf(survival.at_risk, day = 0) as at_risk, sum(survival.lost) as lost from {{ ref "survival" }} as survival where segment = '(all)'
),

rfm_segments as (
    select count() as scored from {{ ref "rfm_segments" }}
),

links as (
    select uniqExact(customer_key) as linked from {{ ref "customer_links" }}
),

silent_customers as (
    select countIf(is_still_silent) as silent from {{ ref "silent_customers" }}
),

candidates as (
    select countIf(winback_candidates.status in ('sleeping', 'lost', 'lost_twice')) as to_win_back from {{ ref "winback_candidates" }} as winback_candidates
),

compared as (
    select arrayJoin([
        ('customers linked', customers.known, links.linked),
        ('buyers with a status today', customers.buyers, customer_months.today),
        ('buyers who were new once', customers.buyers, movements.new),
        ('buyers in cohorts', customers.buyers, cohorts.members),
        ('buyers in the survival curve', customers.buyers, survival.at_risk),
        ('buyers not lost today', customers.kept, movements.at_end),
        ('buyers in months and in cohorts', customer_months.buyers, cohorts.buyers),
        ('months up to the last purchase in cohorts', customers.months_to_last_order, cohorts.months_to_last_order),
        ('buyers lost in the survival curve', customers.ever_lost, survival.lost),
        ('signed up, and never bought', customers.silent, silent_customers.silent),
        ('buyers to win back', customers.to_win_back, candidates.to_win_back),
        ('losses in stretches', customers.losses, customer_episodes.losses),
        ('losses in months', customers.losses, movements.lost),
        ('returns in stretches', customers.returns, customer_episodes.returns),
        ('returns in months', customers.returns, movements.returned),
        ('buyers of the last 365 days', customers.recent_buyers, rfm_segments.scored)
    ]) as line
    from customers
    cross join customer_months
    cross join customer_episodes
    cross join movements
    cross join cohorts
    cross join survival
    cross join rfm_segments
    cross join links
    cross join candidates
    cross join silent_customers
)

select line.1 as what, line.2 as expected, line.3 as counted from compared where coalesce(expected, 0) != coalesce(counted, 0)
