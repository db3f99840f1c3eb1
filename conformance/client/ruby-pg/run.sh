#!/usr/bin/env bash
# Ruby's pg, the driver below ActiveRecord.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../debian.sh"
debian ruby ruby-pg
exec ruby "$here/check.rb"
