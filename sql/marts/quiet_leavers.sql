-- quiet_leavers: customers who were lost without a word: no complaint, no call, no message, no answer to a survey.
-- grain: one row per customer_key and episode_no
-- materialized: view
-- tags: service
select
    customer_key,
    episode_no,
    segment,
    last_order_on,
    loss_date,
    loss_kind,
    revenue_12m,
    returned_on
from {{ ref "int_loss_contacts" }}
where is_quiet
