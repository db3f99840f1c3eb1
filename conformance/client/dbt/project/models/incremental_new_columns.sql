{{ config(materialized='incremental', incremental_strategy='merge', unique_key=['id', 'customer'],
          on_schema_change='append_new_columns', incremental_predicates=["DBT_INTERNAL_DEST.id > 0"]) }}
select id, customer, amount
{% if is_incremental() %}, ordered, 'again' as seen{% endif %}
from {{ ref('orders') }}
