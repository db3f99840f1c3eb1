{{ config(materialized='incremental', incremental_strategy='microbatch', unique_key='id', event_time='ordered',
          begin='2024-01-01', batch_size='day') }}
select id, customer, amount, ordered from {{ ref('orders') }}
