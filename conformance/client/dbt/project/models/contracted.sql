{{ config(materialized='table', contract={'enforced': true}) }}
select id, cast(amount as numeric(10, 2)) as total from {{ ref('orders') }}
