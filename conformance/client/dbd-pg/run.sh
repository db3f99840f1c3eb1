#!/usr/bin/env bash
# DBD::Pg, Perl's binding of libpq.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../debian.sh"
debian libdbd-pg-perl
exec perl "$here/check.pl"
