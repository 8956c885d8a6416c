-- CREATE DATABASE IF NOT EXISTS raw
CREATE DATABASE IF NOT EXISTS raw ON CLUSTER `main`;

-- CREATE DATABASE IF NOT EXISTS ops
CREATE DATABASE IF NOT EXISTS ops ON CLUSTER `main`;

-- CREATE TABLE IF NOT EXISTS raw.shop_orders
-- (
--     `source` LowCardinality(String) COMMENT 'Where it''s from; ENGINE = none',
--     `id` String COMMENT 'Its id (of the shop)'
-- )
-- ENGINE = ReplacingMergeTree(extracted_at)
-- ORDER BY (source, id)
-- COMMENT 'Orders of the shop'
CREATE TABLE IF NOT EXISTS raw.shop_orders ON CLUSTER `main`
(
    `source` LowCardinality(String) COMMENT 'Where it''s from; ENGINE = none',
    `id` String COMMENT 'Its id (of the shop)'
)
ENGINE = ReplicatedReplacingMergeTree(extracted_at)
ORDER BY (source, id)
COMMENT 'Orders of the shop';

-- create table if not exists ops.changes (
-- 	model String comment 'Name of the model'
-- ) engine = MergeTree order by (model)
-- comment 'Which versions there are'
create table if not exists ops.changes ON CLUSTER `main` (
	model String comment 'Name of the model'
) engine = ReplicatedMergeTree order by (model)
comment 'Which versions there are';

-- CREATE TABLE IF NOT EXISTS ops.layout (version UInt32) ENGINE = ReplacingMergeTree() ORDER BY version
CREATE TABLE IF NOT EXISTS ops.layout ON CLUSTER `main` (version UInt32) ENGINE = ReplicatedReplacingMergeTree() ORDER BY version;

-- CREATE TABLE IF NOT EXISTS ops.runs (id String, at DateTime) ENGINE = ReplacingMergeTree(at) ORDER BY id
CREATE TABLE IF NOT EXISTS ops.runs ON CLUSTER `main` (id String, at DateTime) ENGINE = ReplicatedReplacingMergeTree(at) ORDER BY id;

-- create table staging.int_orders__new (
-- 	`order_id` String comment 'Id, the customer_key is beside it',
-- 	`customer_key` Nullable(String) comment 'Who bought'
-- ) engine = MergeTree
-- order by (order_id)
-- partition by toYYYYMM(ordered_on)
-- settings allow_nullable_key = 1
-- comment 'It\'s one order. Grain: order.'
create table staging.int_orders__new ON CLUSTER `main` (
	`order_id` String comment 'Id, the customer_key is beside it',
	`customer_key` Nullable(String) comment 'Who bought'
) engine = ReplicatedMergeTree
order by (order_id)
partition by toYYYYMM(ordered_on)
settings allow_nullable_key = 1
comment 'It\'s one order. Grain: order.';

-- create table mart.customers__new (customer_key String) engine = MergeTree order by customer_key comment 'Customers'
create table mart.customers__new ON CLUSTER `main` (customer_key String) engine = ReplicatedMergeTree order by customer_key comment 'Customers';

-- create table mart.churn_monthly__new (month Date, customers_at_start UInt64 comment 'customer_key is not here') engine = MergeTree order by month comment 'Churn'
create table mart.churn_monthly__new ON CLUSTER `main` (month Date, customers_at_start UInt64 comment 'customer_key is not here') engine = ReplicatedMergeTree order by month comment 'Churn';

-- create view mart.overview__new (
-- 	`month` Date comment 'Month'
-- ) as select * from (
-- select month from mart.churn_monthly
-- ) settings join_use_nulls = 1
-- comment 'Overview'
create view mart.overview__new ON CLUSTER `main` (
	`month` Date comment 'Month'
) as select * from (
select month from mart.churn_monthly
) settings join_use_nulls = 1
comment 'Overview';

-- rename table staging.int_orders__new to staging.int_visits
SYSTEM SYNC REPLICA ON CLUSTER `main` staging.int_orders__new LIGHTWEIGHT;
rename table staging.int_orders__new to staging.int_visits ON CLUSTER `main`;

-- rename table mart.overview__new to mart.summary
rename table mart.overview__new to mart.summary ON CLUSTER `main`;

-- rename table staging.int_orders to staging.int_orders__old, staging.int_orders__new to staging.int_orders
SYSTEM SYNC REPLICA ON CLUSTER `main` staging.int_orders LIGHTWEIGHT;
SYSTEM SYNC REPLICA ON CLUSTER `main` staging.int_orders__new LIGHTWEIGHT;
rename table staging.int_orders to staging.int_orders__old, staging.int_orders__new to staging.int_orders ON CLUSTER `main`;

-- exchange tables staging.int_orders__new and staging.int_orders
SYSTEM SYNC REPLICA ON CLUSTER `main` staging.int_orders__new LIGHTWEIGHT;
SYSTEM SYNC REPLICA ON CLUSTER `main` staging.int_orders LIGHTWEIGHT;
exchange tables staging.int_orders__new and staging.int_orders ON CLUSTER `main`;

-- exchange tables mart.overview__new and mart.overview
exchange tables mart.overview__new and mart.overview ON CLUSTER `main`;

-- exchange tables staging.int_orders__new and mart.overview
SYSTEM SYNC REPLICA ON CLUSTER `main` staging.int_orders__new LIGHTWEIGHT;
exchange tables staging.int_orders__new and mart.overview ON CLUSTER `main`;

-- exchange tables mart.overview and staging.int_orders
SYSTEM SYNC REPLICA ON CLUSTER `main` staging.int_orders LIGHTWEIGHT;
exchange tables mart.overview and staging.int_orders ON CLUSTER `main`;

-- drop table if exists staging.int_orders__new sync
drop table if exists staging.int_orders__new ON CLUSTER `main` sync;

-- drop table if exists ops.changes sync
drop table if exists ops.changes ON CLUSTER `main` sync;

-- alter table ops.changes replace partition id '202401' from ops.changes__new
alter table ops.changes replace partition id '202401' from ops.changes__new;

-- optimize table staging.int_orders__new partition id '202401' final
optimize table staging.int_orders__new partition id '202401' final;

-- delete from ops.changes where model = 'x'
delete from ops.changes where model = 'x';

-- ALTER TABLE raw.shop_orders ADD COLUMN IF NOT EXISTS `note` String COMMENT 'A note' AFTER `id`
ALTER TABLE raw.shop_orders ADD COLUMN IF NOT EXISTS `note` String COMMENT 'A note' AFTER `id`;

-- ALTER TABLE raw.shop_orders DELETE WHERE id = '1' SETTINGS mutations_sync = 2
ALTER TABLE raw.shop_orders DELETE WHERE id = '1' SETTINGS mutations_sync = 2;

-- TRUNCATE TABLE ops.changes
TRUNCATE TABLE ops.changes;

-- TRUNCATE TABLE raw.shop_orders
TRUNCATE TABLE raw.shop_orders;

-- insert into staging.int_orders__new (order_id) select id from raw.shop_orders
insert into staging.int_orders__new (order_id) select id from raw.shop_orders;

-- CREATE TEMPORARY TABLE keys (k String)
CREATE TEMPORARY TABLE keys (k String);

-- select 1
select 1;

