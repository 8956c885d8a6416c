-- lost_add_up: tables that count some of the lost count those, and no more than there are.
-- severity: error
with

losses as (
    select
        toStartOfMonth(assumeNotNull(loss_date)) as month,
        started_on < month as is_of_the_month,
        reason_category,
        reason_category = 'competitor_offer' or competitor is not null as is_taken,
        returned_on is not null as is_back
    from {{ ref "customer_episodes" }}
    where loss_date is not null
),

taken as (
    select month, countIf(coalesce(is_taken, false)) as lost, countIf(coalesce(is_taken, false) and is_back) as won_back
    from losses
    where is_of_the_month
    group by month
),

competitors as (
    select month, sum(competitors.lost) as lost, sum(competitors.won_back) as won_back from {{ ref "competitors" }} as competitors group by month
),

churn as (
    select month, segment, lost from {{ ref "churn_monthly" }}
),

disagreement as (
    select month, segment, compared, disagreed from {{ ref "reason_disagreement" }}
),

antecedents as (
    select fact, losses_with, reasons_written, written_reason_losses from {{ ref "loss_antecedents" }}
),

unmapped as (
    select sum(unmapped_reasons.lost) as lost from {{ ref "unmapped_reasons" }} as unmapped_reasons
),

compared as (
    select toString(taken.month) as place, arrayJoin([
        ('lost to competitors', toInt64(taken.lost), toInt64(coalesce(competitors.lost, 0)), false),
        ('of these won back', toInt64(taken.won_back), toInt64(coalesce(competitors.won_back, 0)), false)
    ]) as line
    from taken
    left join competitors on competitors.month = taken.month
    union all
    select concat(toString(disagreement.month), ' ', disagreement.segment) as place, arrayJoin([
        ('lost with both reasons', toInt64(coalesce(churn.lost, 0)), toInt64(disagreement.compared), true),
        ('of these with two reasons', toInt64(disagreement.compared), toInt64(disagreement.disagreed), true)
    ]) as line
    from disagreement
    left join churn on churn.month = disagreement.month and churn.segment = disagreement.segment
    union all
    select antecedents.fact as place, arrayJoin([
        ('reasons written down', toInt64(antecedents.losses_with), toInt64(antecedents.reasons_written), true),
        ('reasons of one kind', toInt64(antecedents.reasons_written), toInt64(coalesce(antecedents.written_reason_losses, 0)), true)
    ]) as line
    from antecedents
    union all
    select '(all)' as place, ('lost for unknown words', toInt64(countIf(losses.reason_category = 'unmapped')), toInt64(any(coalesce(unmapped.lost, 0))), false) as line
    from losses
    cross join unmapped
)

select place, line.1 as what, line.2 as expected, line.3 as counted
from compared
where counted != expected and not (line.4 and counted < expected)
