#!/usr/bin/env bash
# Measures changes and large logs: loading, few deleted rows, many commits, many files. Arguments go to bench.py.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=${CARGO_TARGET_DIR:-target}
venv=$target/tpch-venv
if [[ ! -x $venv/bin/tpcgen-cli ]]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r benches/tpch/requirements.txt
fi
if [[ -z ${BINARY:-} ]]; then
    cargo build --release
    BINARY=$(realpath "$target/release/lakegate")
fi
export BINARY
exec "$venv/bin/python" benches/tables/bench.py "$@"
