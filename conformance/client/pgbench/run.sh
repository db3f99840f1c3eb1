#!/usr/bin/env bash
# pgbench with scripts of its own: many clients at once over each way of asking.
set -euo pipefail
source "$(dirname "$0")/../expect.sh"
source "$(dirname "$0")/../debian.sh"
command -v pgbench >/dev/null || debian postgresql-client-15
pgbench=$(command -v pgbench || ls /usr/lib/postgresql/*/bin/pgbench | tail -n 1)
echo "version $("$pgbench" --version | sed 's/[^0-9]*\([0-9.]*\).*/\1/')"

psql -Xq -v ON_ERROR_STOP=1 <<'SQL'
CREATE TABLE accounts AS SELECT n AS aid, n % 10 AS bid, 0::bigint AS balance FROM generate_series(1, 1000) AS n;
CREATE TABLE history (aid bigint, delta bigint);
SQL
cat >"$WORK/select.sql" <<'SQL'
\set aid random(1, 1000)
SELECT balance FROM accounts WHERE aid = :aid;
SQL
cat >"$WORK/check.sql" <<'SQL'
\set n random(1, 1000)
SELECT :n + 1 AS one, (SELECT bid FROM accounts WHERE aid = :n) AS bid \gset
\if :one <> :n + 1
SELECT 1 / 0;
\endif
SQL
cat >"$WORK/insert.sql" <<'SQL'
BEGIN;
INSERT INTO history VALUES (1, 5);
END;
SQL
cat >"$WORK/pipeline.sql" <<'SQL'
\startpipeline
SELECT 1;
SELECT balance FROM accounts WHERE aid = 7;
\endpipeline
SQL

# processed FEATURE TRANSACTIONS ARGUMENT…
processed() {
    local feature=$1 count=$2 said
    shift 2
    said=$("$pgbench" --no-vacuum "$@" 2>&1) || { not_ok "$feature" "$(one_line "$said")"; return; }
    equals "$feature" "$count/$count" \
        "$(sed -n 's/^number of transactions actually processed: \([0-9/]*\).*/\1/p' <<<"$said")"
}

for protocol in simple extended prepared; do
    processed "selects, $protocol" 80 -M "$protocol" -c 4 -j 2 -t 20 -f "$WORK/select.sql"
done
processed "answers are put into variables" 40 -c 4 -t 10 -f "$WORK/check.sql"
processed "pipelines" 20 -M extended -c 2 -t 10 -f "$WORK/pipeline.sql"
processed "a connection for each transaction" 20 -C -c 2 -t 10 -f "$WORK/select.sql"
processed "writes" 10 -c 1 -t 10 -f "$WORK/insert.sql"
equals "every write is there" 10 "$(psql -XAtc 'SELECT count(*) FROM history')"
