-- deal_stages_add_up: the stages of deal_stages, counted, are funnel_stages.
-- severity: error
with

stages as (
    select
        month,
        pipeline,
        stage_no,
        count() as entered,
        countIf(fate = 'advanced') as advanced,
        countIf(fate = 'dropped') as dropped,
        countIf(outcome = 'won') as won
    from {{ ref "deal_stages" }}
    group by month, pipeline, stage_no
),

funnel as (
    select month, pipeline, stage_no, entered, advanced, dropped, won from {{ ref "funnel_stages" }} where entered > 0
)

select
    coalesce(funnel.month, stages.month) as month,
    coalesce(funnel.pipeline, stages.pipeline) as pipeline,
    coalesce(funnel.stage_no, stages.stage_no) as stage_no,
    stages.entered as entered,
    funnel.entered as expected
from funnel
full join stages on stages.month = funnel.month and stages.pipeline = funnel.pipeline and stages.stage_no = funnel.stage_no
where coalesce((funnel.entered, funnel.advanced, funnel.dropped, funnel.won) != (stages.entered, stages.advanced, stages.dropped, stages.won), true)
