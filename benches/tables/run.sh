#!/usr/bin/env bash
# Measures changes and large logs: loading, few deleted rows, many commits, many files. Arguments go to bench.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
. benches/environment.sh
exec "$PYTHON" benches/tables/bench.py "$@"
