{{ config(materialized='incremental', incremental_strategy='merge', unique_key='id') }}
select id, customer, amount, ordered from {{ ref('orders') }}
{% if is_incremental() %}
where ordered > (select max(ordered) from {{ this }})
{% endif %}
