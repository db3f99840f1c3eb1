select COLUMN_NAME, ORDINAL_POSITION, IS_NULLABLE, case when (data_type like '%unsigned%') then DATA_TYPE || ' unsigned' else DATA_TYPE end as DATA_TYPE
from INFORMATION_SCHEMA.columns
where TABLE_SCHEMA = 'public' and TABLE_NAME = 'sales'
order by TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION;
-- answer
-- id|1|NO|bigint
-- customer|2|YES|character varying
-- amount|3|YES|numeric
-- quantity|4|YES|integer
-- sold|5|YES|date
-- at|6|YES|timestamp without time zone
-- closed|7|YES|boolean
