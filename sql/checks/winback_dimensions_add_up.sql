-- winback_dimensions_add_up: each dimension of winback_by has the treated customers and the returns of the win-back campaigns that are over.
-- severity: error
with

campaigns as (
    select sum(treated) as treated, sum(returned) as returned from {{ ref "winback_campaigns" }} where is_complete and not is_cart_reminder
),

dimensions as (
    select dimension, sum(treated) as treated, sum(returned) as returned
    from {{ ref "winback_by" }}
    group by dimension
)

select
    dimensions.dimension as dimension,
    dimensions.treated as treated,
    campaigns.treated as treated_by_campaigns,
    dimensions.returned as returned,
    campaigns.returned as returned_by_campaigns
from dimensions
cross join campaigns
where dimensions.treated != campaigns.treated or dimensions.returned != campaigns.returned
