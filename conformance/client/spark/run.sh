#!/usr/bin/env bash
# Spark over JDBC: reads by ranges, predicates and aggregates pushed down, tables written by many tasks.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../debian.sh"
source "$here/../python.sh"
command -v java >/dev/null || debian default-jdk-headless
debian libpostgresql-jdbc-java libscram-java
interpreter=$(python pyspark pyspark==4.3.0)
export JARS
JARS=$(printf '/usr/share/java/%s.jar,' postgresql scram-client scram-common saslprep stringprep)
PYTHONPATH="$here/.." PYSPARK_PYTHON=$interpreter exec "$interpreter" "$here/check.py" 2>"$WORK/spark.log"
