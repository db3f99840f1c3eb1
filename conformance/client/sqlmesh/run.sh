#!/usr/bin/env bash
# SQLMesh: a project with a seed and every kind of model, planned, applied, run and audited; its state lies beside it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../expect.sh"
source "$here/../python.sh"
interpreter=$(python sqlmesh 'sqlmesh[postgres]==0.236.0')
sqlmesh=$(dirname "$interpreter")/sqlmesh
cp -r "$here/project" "$WORK/project"
cd "$WORK/project"
export SQLMESH_HOME=$WORK HOME=$WORK MAX_FORK_WORKERS=1 SQLMESH__DISABLE_ANONYMIZED_ANALYTICS=true NO_COLOR=1
echo "version 0.236.0"

query() { psql -XAtqc "$1" 2>&1; }

# step FEATURE ARGUMENT… : sqlmesh succeeds
step() {
    local feature=$1 said
    shift
    if said=$("$sqlmesh" "$@" </dev/null 2>&1); then echo "ok $feature"; else not_ok "$feature" "$(one_line "$(grep -v '^ *$' <<<"$said" | tail -c 380)")"; fi
}

step "plans and applies" plan --auto-apply --no-prompts
equals "seeds have their rows" "3|2024-01-03|6.75" "$(query 'SELECT count(*), max(ordered), sum(amount) FROM shop.orders')"
equals "a view" "2|5.25" "$(query 'SELECT count(*), sum(amount) FROM shop.recent_orders')"
equals "a full model" "a|2|3.75" "$(query "SELECT * FROM shop.customers WHERE customer = 'a'")"
equals "incremental by time range" "3|6.75" "$(query 'SELECT count(*), sum(total) FROM shop.daily')"
equals "incremental by unique key" "2|6.75" "$(query 'SELECT count(*), sum(total) FROM shop.latest')"
equals "slowly changing dimension" "3|3" "$(query 'SELECT count(*), count(*) FILTER (WHERE valid_to IS NULL) FROM shop.history')"
step "audits" audit
step "restates a range" plan --auto-apply --no-prompts --restate-model shop.daily --start 2024-01-02 --end 2024-01-02
equals "a restated range has its rows once" "3|6.75" "$(query 'SELECT count(*), sum(total) FROM shop.daily')"
cat >>seeds/orders.csv <<'CSV'
4,b,8.00,2024-01-04,2024-01-04 08:00:00
CSV
sed -i 's/^1,a,1.50,2024-01-01,2024-01-01 08:00:00/1,a,9.50,2024-01-01,2024-01-05 08:00:00/' seeds/orders.csv
step "plans a change into an environment" plan dev --auto-apply --no-prompts --include-unmodified
equals "an environment has views of its own" "4|3" "$(query 'SELECT (SELECT count(*) FROM shop__dev.orders), (SELECT count(*) FROM shop.orders)')"
step "applies the change" plan --auto-apply --no-prompts
equals "changed rows" "4|22.75" "$(query 'SELECT count(*), sum(amount) FROM shop.orders')"
equals "merged by their key" "2|22.75" "$(query 'SELECT count(*), sum(total) FROM shop.latest')"
step "runs" run --ignore-cron
step "diffs tables" table_diff prod:dev shop.orders
step "fetches" fetchdf 'SELECT count(*) AS n FROM shop.orders'
step "forgets an environment" invalidate dev --sync
step "cleans up" janitor
