"""What others read of a Delta table: read.py TABLE QUERY. The query is over `t`.

Prints the rows as delta-rs reads them, an empty line, and the rows as DuckDB reads them.
"""

import glob
import sys
import sysconfig

import duckdb
from deltalake import DeltaTable, QueryBuilder

table, query = sys.argv[1:]


def show(rows):
    for row in rows:
        print("|".join("null" if value is None else str(value) for value in row))


for batch in QueryBuilder().register("t", DeltaTable(table)).execute(query):
    show(zip(*(column.to_pylist() for column in batch.columns)))
print()
extension = sysconfig.get_paths()["purelib"] + "/duckdb_extension_delta/extensions/*/*.duckdb_extension"
connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
connection.execute(f"load '{glob.glob(extension)[0]}'")
connection.execute(f"create view t as select * from delta_scan('{table}')")
show(connection.execute(query).fetchall())
