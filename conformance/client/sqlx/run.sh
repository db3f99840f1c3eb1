#!/usr/bin/env bash
# sqlx, Rust's toolkit: binary everything, pools, streams, descriptions with what can be null, migrations.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export CARGO_TARGET_DIR=$INSTALLS/cargo
cargo build --quiet --locked --manifest-path "$here/Cargo.toml" >&2
exec "$CARGO_TARGET_DIR/debug/conformance-sqlx" "$here/migrations"
