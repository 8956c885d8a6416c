-- loss_reasons: every loss that counts in a month's churn, with its reason as stated and as verified, and whose loss it is.
-- grain: one row per customer_key, episode_no and basis
-- materialized: table
-- order_by: (basis, month, customer_key, episode_no)
-- tags: churn, reasons
with

losses as (
    select *, reason_category = 'competitor_offer' or competitor is not null as is_taken from {{ ref "int_lost_customers" }}
),

traits as (
    select customer_key, region, channel, manager_id, manager from {{ ref "int_customer_traits" }}
),

categories as (
    select reason_category, company_fault, human_factor, preventable from {{ ref "reason_categories" }}
),

-- Every loss has a stated reason, if only an unknown one; those that were asked on
-- have a verified one besides.
by_basis as (
    select losses.*, 'stated' as basis, stated_category as category from losses
    union all
    select losses.*, 'verified' as basis, assumeNotNull(verified_category) as category from losses where verified_category is not null
)

select
    by_basis.month as month,
    by_basis.customer_key as customer_key,
    by_basis.episode_no as episode_no,
    by_basis.basis as basis,
    by_basis.category as reason_category,
    by_basis.segment as segment,
    coalesce(traits.region, '(none)') as region,
    coalesce(traits.channel, '(none)') as channel,
    coalesce(traits.manager_id, '(none)') as manager_id,
    coalesce(traits.manager, '(none)') as manager,
    by_basis.severity as severity,
    by_basis.revenue_12m as revenue_12m,
    -- Spelt in capitals or not, it is the same one.
    if(is_taken, coalesce(min(by_basis.competitor) over (partition by lowerUTF8(by_basis.competitor)), '(none)'), null) as competitor,
    toBool(by_basis.returned_on is not null) as is_won_back,
    categories.company_fault as company_fault,
    categories.human_factor as human_factor,
    categories.preventable as preventable,
    -- Who said nothing, or something that no pattern knows, has not said anything else.
    if(by_basis.stated_category in ('unmapped', 'unknown') or coalesce(by_basis.verified_category, 'unknown') in ('unmapped', 'unknown'),
        null, toBool(by_basis.stated_category != by_basis.verified_category)) as is_disagreed,
    by_basis.is_complete as is_complete
from by_basis
left join traits on traits.customer_key = by_basis.customer_key
left join categories on categories.reason_category = by_basis.category
