{{ config(materialized='incremental', incremental_strategy='append') }}
select id, customer, amount, ordered from {{ ref('orders') }}
{% if is_incremental() %}
where ordered > (select max(ordered) from {{ this }})
{% endif %}
