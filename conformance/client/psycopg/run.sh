#!/usr/bin/env bash
# psycopg 3: parameters, binary results, cursors, pipelines, COPY, notices of types.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../python.sh"
interpreter=$(drivers)
PYTHONPATH="$here/.." exec "$interpreter" "$here/check.py"
