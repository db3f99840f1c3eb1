"""delta-rs on a table in a folder: query.py PATH SQL. Prints the rows of the table `t`, one a line."""

import sys

from deltalake import DeltaTable, QueryBuilder

path, sql = sys.argv[1:]
for batch in QueryBuilder().register("t", DeltaTable(path)).execute(sql):
    columns = [batch[name].to_pylist() for name in batch.schema.names]
    for row in zip(*columns):
        print("|".join(map(str, row)))
