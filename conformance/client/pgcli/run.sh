#!/usr/bin/env bash
# pgcli: its completer reads the whole catalog before the first prompt.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../python.sh"
interpreter=$(python pgcli pgcli==4.7.0)
PYTHONPATH="$here/.." exec "$interpreter" "$here/check.py"
