#!/usr/bin/env bash
# What Tableau and Power BI send, statement by statement, with the answers that they count on. A file is a feature: its
# statements, and after a line "-- answer" what psql prints for them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../expect.sh"
echo "version statements of 2026-11"
psql -Xq -v ON_ERROR_STOP=1 -f "$here/fixture.sql"
for file in "$here"/*/*.sql; do
    tool=$(basename "$(dirname "$file")")
    name=$(basename "$file" .sql)
    expected=$(sed '1,/^-- answer$/d; s/^-- \{0,1\}//' "$file")
    actual=$(sed '/^-- answer$/,$d' "$file" | psql -XAtq -v ON_ERROR_STOP=1 2>&1) || true
    equals "${tool//_/ }, ${name//_/ }" "$expected" "$actual"
done
