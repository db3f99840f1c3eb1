#!/usr/bin/env bash
# node-postgres with its cursors and COPY streams, and postgres.js.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../debian.sh"
command -v npm >/dev/null || debian nodejs npm
packages=(pg@8.23.0 pg-cursor pg-copy-streams postgres@3.4)
if [[ $(cat "$INSTALLS/node/packages.txt" 2>/dev/null) != "${packages[*]}" ]]; then
    mkdir -p "$INSTALLS/node"
    (cd "$INSTALLS/node" && npm install --silent --no-fund --no-audit "${packages[@]}") >&2
    echo "${packages[*]}" >"$INSTALLS/node/packages.txt"
fi
NODE_PATH=$INSTALLS/node/node_modules exec node "$here/check.js"
