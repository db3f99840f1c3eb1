{% snapshot orders_by_time %}
{{ config(target_schema='shop', unique_key='id', strategy='timestamp', updated_at='ordered', hard_deletes='invalidate') }}
select * from {{ ref('orders') }} where id > {{ var('first_order', 0) }}
{% endsnapshot %}
