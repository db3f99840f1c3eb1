#!/usr/bin/env bash
# Go's lib/pq through database/sql, the driver below Grafana and Terraform.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../debian.sh"
debian golang-go golang-github-lib-pq-dev
export GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$INSTALLS/go-cache GOFLAGS=-buildvcs=false
echo "version $(dpkg-query --show --showformat='${Version}' golang-github-lib-pq-dev | sed 's/-.*//')"
go build -o "$INSTALLS/lib-pq" "$here/check.go" >&2
exec "$INSTALLS/lib-pq"
