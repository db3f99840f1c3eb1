#!/usr/bin/env bash
# psqlODBC through unixODBC: Excel, older Tableau, Qlik, SSIS. With and without cursors below its result sets.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../expect.sh"
source "$here/../debian.sh"
source "$here/../python.sh"
debian unixodbc odbc-postgresql
interpreter=$(drivers)

export ODBCSYSINI=$WORK ODBCINI=$WORK/odbc.ini
driver=$(find /usr/lib -name psqlodbcw.so | head -n 1)
printf '[PostgreSQL]\nDriver=%s\n' "$driver" >"$WORK/odbcinst.ini"
cat >"$WORK/odbc.ini" <<INI
[server]
Driver=PostgreSQL
Servername=$PGHOST
Port=$PGPORT
Database=$PGDATABASE
Username=$PGUSER
Password=$PGPASSWORD
INI
equals "isql" "| 7          |" "$(echo 'SELECT 3 + 4 AS seven' | isql -b server 2>&1 | sed -n 4p)"
PYTHONPATH="$here/.." exec "$interpreter" "$here/check.py"
