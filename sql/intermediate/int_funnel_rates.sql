-- int_funnel_rates: the funnel with its rates: conversion by stage, from the beginning, of decided deals, wins.
-- grain: one row per month, pipeline, dimension, value and stage_no
-- materialized: view
-- tags: funnel, monthly
select
    month,
    pipeline,
    dimension,
    value,
    label,
    stage,
    stage_no,
    entered,
    advanced,
    dropped,
    open,
    100 * advanced / nullIf(entered, 0) as conversion_pct,
    100 * entered / entered_funnel as cumulative_conversion_pct,
    median_days,
    dropped_amount,
    {{ wilson_lower "advanced" "entered" }} as conversion_lower,
    {{ wilson_upper "advanced" "entered" }} as conversion_upper,
    100 * advanced / nullIf(advanced + dropped, 0) as decided_conversion_pct,
    entered_funnel,
    {{ wilson_lower "entered" "entered_funnel" }} as cumulative_conversion_lower,
    {{ wilson_upper "entered" "entered_funnel" }} as cumulative_conversion_upper,
    100 * won / nullIf(entered, 0) as win_pct,
    won,
    unplaced,
    stayed,
    entered_amount,
    open_amount,
    is_complete
from {{ ref "int_funnel" }}
