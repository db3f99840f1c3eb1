-- Its rows are those of the last run.
{{ config(materialized='materialized_view', indexes=[{'columns': ['customer'], 'type': 'btree'}]) }}
select customer, sum(amount) as total from {{ ref('orders') }} group by customer
