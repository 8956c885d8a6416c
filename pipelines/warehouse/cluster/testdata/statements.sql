CREATE DATABASE IF NOT EXISTS raw;
CREATE DATABASE IF NOT EXISTS ops;
CREATE TABLE IF NOT EXISTS raw.shop_orders
(
    `source` LowCardinality(String) COMMENT 'Where it''s from; ENGINE = none',
    `id` String COMMENT 'Its id (of the shop)'
)
ENGINE = ReplacingMergeTree(extracted_at)
ORDER BY (source, id)
COMMENT 'Orders of the shop';
create table if not exists ops.changes (
	model String comment 'Name of the model'
) engine = MergeTree order by (model)
comment 'Which versions there are';
CREATE TABLE IF NOT EXISTS ops.layout (version UInt32) ENGINE = ReplacingMergeTree() ORDER BY version;
CREATE TABLE IF NOT EXISTS ops.runs (id String, at DateTime) ENGINE = ReplacingMergeTree(at) ORDER BY id;
create table staging.int_orders__new (
	`order_id` String comment 'Id, the customer_key is beside it',
	`customer_key` Nullable(String) comment 'Who bought'
) engine = MergeTree
order by (order_id)
partition by toYYYYMM(ordered_on)
settings allow_nullable_key = 1
comment 'It\'s one order. Grain: order.';
create table mart.customers__new (customer_key String) engine = MergeTree order by customer_key comment 'Customers';
create table mart.churn_monthly__new (month Date, customers_at_start UInt64 comment 'customer_key is not here') engine = MergeTree order by month comment 'Churn';
create view mart.overview__new (
	`month` Date comment 'Month'
) as select * from (
select month from mart.churn_monthly
) settings join_use_nulls = 1
comment 'Overview';
rename table staging.int_orders__new to staging.int_visits;
rename table mart.overview__new to mart.summary;
rename table staging.int_orders to staging.int_orders__old, staging.int_orders__new to staging.int_orders;
exchange tables staging.int_orders__new and staging.int_orders;
exchange tables mart.overview__new and mart.overview;
exchange tables staging.int_orders__new and mart.overview;
exchange tables mart.overview and staging.int_orders;
drop table if exists staging.int_orders__new sync;
drop table if exists ops.changes sync;
alter table ops.changes replace partition id '202401' from ops.changes__new;
optimize table staging.int_orders__new partition id '202401' final;
delete from ops.changes where model = 'x';
ALTER TABLE raw.shop_orders ADD COLUMN IF NOT EXISTS `note` String COMMENT 'A note' AFTER `id`;
ALTER TABLE raw.shop_orders DELETE WHERE id = '1' SETTINGS mutations_sync = 2;
TRUNCATE TABLE ops.changes;
TRUNCATE TABLE raw.shop_orders;
insert into staging.int_orders__new (order_id) select id from raw.shop_orders;
CREATE TEMPORARY TABLE keys (k String);
select 1
