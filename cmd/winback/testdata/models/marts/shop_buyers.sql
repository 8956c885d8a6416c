-- shop_buyers: everybody who ordered, as of the day.
-- grain: one row per buyer
-- materialized: view
with

buyers as (
    select * from {{ ref "int_shop_buyers" }}
),

ranks as (
    select arraySort(groupArray((from_orders, rank))) as steps from {{ ref "buyer_ranks" }}
)

select
    buyer,
    name,
    orders,
    amount,
    arrayLast(step -> tupleElement(step, 1) <= orders, (select steps from ranks)).2 as rank,
    dateDiff('day', last_sold_on, {{ .AsOf }}) as days_since_order
from buyers
