#!/usr/bin/env bash
# Measures what clients ask the catalogs when there are many tables. Arguments go to bench.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
. benches/environment.sh
"$venv/bin/pip" install --quiet --disable-pip-version-check -r benches/catalog/requirements.txt
exec "$PYTHON" benches/catalog/bench.py "$@"
