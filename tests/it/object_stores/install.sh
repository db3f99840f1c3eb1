#!/usr/bin/env bash
# Installs the object store servers of the tests into the folder given, unless they are there. Needs Python with
# venv, and npm.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
to=$1
azurite=3.35.0
s3rver=3.7.1

mkdir -p "$to"
exec 9>"$to/lock"
flock 9
wanted=$(sha256sum "$here/install.sh" "$here/requirements.txt" | cut -d' ' -f1)
if [[ -f $to/installed && $(<"$to/installed") == "$wanted" ]]; then
    exit
fi
rm -rf "$to/installed" "$to/venv" "$to/node"
python3 -m venv "$to/venv"
"$to/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
npm install --silent --no-fund --no-audit --prefix "$to/node" "azurite@$azurite" "s3rver@$s3rver"
echo "$wanted" >"$to/installed"
