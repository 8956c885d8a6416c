-- campaign_parts_add_up: the segments of a campaign, its managers and both together each have all its customers and returns.
-- severity: error
with

parts as (
    select
        source,
        campaign_id,
        multiIf(segment = '(all)' and manager_id = '(all)', 'all', manager_id = '(all)', 'segments', segment = '(all)', 'managers', 'segments and managers') as kind,
        sum(part.treated) as treated,
        sum(part.control) as control,
        sum(part.returned) as returned
    from {{ ref "winback_campaigns_by" }} as part
    group by source, campaign_id, kind
),

whole as (
    select source, campaign_id, campaign, is_cart_reminder, treated, control, returned from {{ ref "winback_campaigns" }}
)

select
    whole.campaign as campaign,
    kinds.kind as kind,
    whole.treated as treated,
    coalesce(parts.treated, 0) as treated_in_parts,
    whole.control as control,
    coalesce(parts.control, 0) as control_in_parts,
    whole.returned as returned,
    coalesce(parts.returned, 0) as returned_in_parts
from whole
cross join (select arrayJoin(['all', 'segments', 'managers', 'segments and managers']) as kind) as kinds
left join parts on parts.source = whole.source and parts.campaign_id = whole.campaign_id and parts.kind = kinds.kind
where (not whole.is_cart_reminder or kinds.kind = 'all')
    and (treated != treated_in_parts or control != control_in_parts or returned != returned_in_parts)
