#!/usr/bin/env bash
# psycopg 3: parameters, binary results, cursors, pipelines, COPY, notices of types.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=$here/../../.venv
if [[ ! -x $venv/bin/python ]] || ! "$venv/bin/python" -c 'import psycopg' 2>/dev/null; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check 'psycopg[binary]==3.3.9'
fi
exec "$venv/bin/python" "$here/check.py"
