#!/usr/bin/env bash
# pgjdbc 42.5, the driver below Tableau, DBeaver, Metabase and Spark: metadata, binary results, cursors, batches.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [[ ! -e /usr/share/java/postgresql.jar || ! -e /usr/share/java/scram-client.jar ]] || ! command -v java >/dev/null; then
    as_root() { if [[ $EUID -eq 0 ]]; then "$@"; else sudo "$@"; fi; }
    as_root apt-get update --quiet=2 >&2
    DEBIAN_FRONTEND=noninteractive as_root apt-get install --quiet=2 --yes --no-install-recommends \
        default-jdk-headless libpostgresql-jdbc-java libscram-java >&2
fi
jars=$(printf '/usr/share/java/%s.jar:' postgresql scram-client scram-common saslprep stringprep)
exec java -cp "$jars" "$here/Check.java"
