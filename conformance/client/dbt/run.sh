#!/usr/bin/env bash
# dbt with dbt-postgres: a project with seeds, tables, views, every incremental strategy, snapshots, contracts, tests, docs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../expect.sh"
source "$here/../python.sh"
interpreter=$(python dbt dbt-core==1.11.16 dbt-postgres==1.11.0)
dbt=$(dirname "$interpreter")/dbt
cp -r "$here/project" "$WORK/project"
cd "$WORK/project"
export DBT_PROFILES_DIR=$PWD DBT_SEND_ANONYMOUS_USAGE_STATS=false DBT_USE_COLORS=false
echo "version $("$interpreter" -c 'import importlib.metadata as m; print(m.version("dbt-core") + ", dbt-postgres " + m.version("dbt-postgres"))')"

query() { psql -XAtqc "$1" 2>&1; }

# step FEATURE ARGUMENT… : dbt succeeds
step() {
    local feature=$1 said
    shift
    if said=$("$dbt" --quiet "$@" 2>&1); then echo "ok $feature"; else not_ok "$feature" "$(one_line "$(grep -v '^ *$' <<<"$said" | tail -c 380)")"; fi
}

query "CREATE USER reader PASSWORD 'reader'" >/dev/null
# The days that the microbatches are of.
days=(--event-time-start 2024-01-01 --event-time-end 2024-01-05)
step "build seeds, models, snapshots, tests" build "${days[@]}"
equals "seeds have their rows" "3|2024-01-03|6.75" "$(query 'SELECT count(*), max(ordered), sum(amount) FROM shop.orders')"
equals "a table" "a|2|3.75" "$(query "SELECT customer, orders, total FROM shop.customers WHERE customer = 'a'")"
equals "a view" "3" "$(query 'SELECT count(*) FROM shop.recent_orders')"
equals "a materialized view" "m|3.75" "$(query "SELECT relkind, (SELECT total FROM shop.customer_totals WHERE customer = 'a') FROM pg_class WHERE oid = 'shop.customer_totals'::regclass")"
equals "a contract's types" "id bigint|total numeric(10,2)" \
    "$(query "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), '|' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'shop.contracted'::regclass AND attnum > 0")"
equals "grants" "SELECT" \
    "$(query "SELECT privilege_type FROM information_schema.role_table_grants WHERE table_name = 'granted' AND grantee = 'reader'")"
cp "$here/later/orders.csv" seeds/orders.csv
step "build again" build --vars "first_order: 1" "${days[@]}"
equals "a materialized view, refreshed" "t" "$(query 'SELECT (SELECT sum(total) FROM shop.customer_totals) = (SELECT sum(amount) FROM shop.orders)')"
equals "incremental, append" "5|4|30.00" "$(query "SELECT count(*), count(DISTINCT id), max(amount) FROM shop.incremental_append")"
equals "incremental, delete+insert" "4|30.00" "$(query 'SELECT count(*), max(amount) FROM shop.incremental_delete_insert')"
equals "incremental, merge" "4|30.00" "$(query 'SELECT count(*), max(amount) FROM shop.incremental_merge')"
equals "snapshots keep history" "5|4" "$(query 'SELECT count(*), count(*) FILTER (WHERE dbt_valid_to IS NULL) FROM shop.orders_snapshot')"
equals "incremental, microbatch" "4|38.50|2024-01-04" "$(query 'SELECT count(*), sum(amount), max(ordered) FROM shop.incremental_microbatch')"
equals "incremental, new columns" "4|again|2024-01-04" "$(query 'SELECT count(*), max(seen), max(ordered) FROM shop.incremental_new_columns')"
equals "snapshots by time, with deletes" "1 closed|3 closed,open|2 open|4 open" "$(query "SELECT string_agg(id || ' ' || states, '|' ORDER BY states, id) FROM (SELECT id, string_agg(CASE WHEN dbt_valid_to IS NULL THEN 'open' ELSE 'closed' END, ',' ORDER BY dbt_valid_from) AS states FROM shop.orders_by_time GROUP BY id) AS orders")"
equals "no temporary table stays" "0" "$(query "SELECT count(*) FROM pg_class WHERE relname LIKE '%dbt_tmp%'")"
step "full refresh" run --full-refresh --select incremental_append
equals "a refreshed model is made anew" "4" "$(query 'SELECT count(*) FROM shop.incremental_append')"
step "docs generate" docs generate
equals "docs know columns and comments" "3 what was bought" "$("$interpreter" - <<'PY' 2>&1
import json
catalog = json.load(open("target/catalog.json"))
table = catalog["nodes"]["model.conformance.customers"]
print(len(table["columns"]), table["columns"]["total"]["comment"])
PY
)"
