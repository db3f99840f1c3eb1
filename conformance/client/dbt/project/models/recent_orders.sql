{{ config(materialized='view') }}
with recent as (
    select * from {{ ref('orders') }} where ordered >= '2024-01-01'
)
select id, customer, amount from recent
