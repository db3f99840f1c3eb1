#!/usr/bin/env bash
# Apache Superset, a whole BI tool, over its REST API. What it installs is large (800 MB).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../python.sh"
interpreter=$(python superset apache-superset==6.1.0 psycopg2-binary==2.9.13 rich cachetools Flask-Caching==2.3.1 \
    cachelib==0.13.0 'marshmallow>=3,<4' 'marshmallow-sqlalchemy<1.4.2')
superset=$(dirname "$interpreter")/superset
export SUPERSET_CONFIG_PATH=$here/superset_config.py FLASK_APP=superset PYTHONWARNINGS=ignore VERSION=6.1.0
{
    "$superset" db upgrade
    "$superset" fab create-admin --username admin --firstname a --lastname b --email a@example.com --password admin
    "$superset" init
} >"$WORK/superset.log" 2>&1
port=$("$interpreter" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$superset" run --port "$port" >>"$WORK/superset.log" 2>&1 &
server=$!
trap 'kill "$server"' EXIT
for _ in $(seq 120); do
    curl --silent --fail "http://127.0.0.1:$port/health" >/dev/null && break
    sleep 0.5
done
SUPERSET=http://127.0.0.1:$port PYTHONPATH=$here/.. "$interpreter" "$here/check.py"
