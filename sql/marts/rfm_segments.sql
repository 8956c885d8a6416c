-- rfm_segments: recency, frequency and money of the customers who bought in the last 365 days, scored 1 to 5.
-- grain: one row per customer_key
-- materialized: table
-- order_by: customer_key
-- tags: rfm
with

-- The last month seen ends on the day the warehouse describes.
scored as (
    select * from {{ ref "int_rfm_months" }} where month = toStartOfMonth({{ .AsOf }})
)

select
    customer_key,
    segment,
    recency_days,
    frequency,
    monetary,
    r_score,
    f_score,
    m_score,
    concat(toString(r_score), toString(f_score), toString(m_score)) as rfm,
    rfm_segment
from scored
