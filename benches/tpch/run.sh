#!/usr/bin/env bash
# Measures Lakegate against DuckDB and PostgreSQL with TPC-H. Arguments go to bench.py; see its --help.
set -euo pipefail
cd "$(dirname "$0")/../.."
. benches/environment.sh
exec "$PYTHON" benches/tpch/bench.py "$@"
