#!/usr/bin/env bash
# PHP's PDO over libpq.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../debian.sh"
debian php-cli php-pgsql
exec php "$here/check.php"
