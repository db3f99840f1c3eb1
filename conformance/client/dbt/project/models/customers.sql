{{ config(materialized='table', persist_docs={'relation': true, 'columns': true}) }}
select customer, count(*) as orders, sum(amount) as total
from {{ ref('orders') }}
group by customer
