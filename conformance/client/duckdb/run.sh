#!/usr/bin/env bash
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../python.sh"
interpreter=$(drivers)
PYTHONPATH="$here/.." exec "$interpreter" "$here/check.py"
