#!/usr/bin/env bash
# tokio-postgres, Rust's driver below many others: binary everything, portals, COPY, pipelines.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export CARGO_TARGET_DIR=$INSTALLS/cargo
cargo build --quiet --locked --manifest-path "$here/Cargo.toml" >&2
exec "$CARGO_TARGET_DIR/debug/conformance-tokio-postgres"
