"""delta-rs on a table in S3: other_engine.py rows|append URL ENDPOINT KEY SECRET [ID …].

`rows` prints the ids of all rows, sorted, one a line; `append` adds rows with these ids.
"""

import sys

from arro3.core import Array, DataType, Table
from deltalake import DeltaTable, QueryBuilder, write_deltalake

what, url, endpoint, key, secret, *ids = sys.argv[1:]
options = {
    "AWS_ENDPOINT_URL": endpoint,
    "AWS_ACCESS_KEY_ID": key,
    "AWS_SECRET_ACCESS_KEY": secret,
    "AWS_REGION": "us-east-1",
    "AWS_ALLOW_HTTP": "true",
}
if what == "rows":
    table = DeltaTable(url, storage_options=options)
    found = []
    for batch in QueryBuilder().register("t", table).execute("select id from t order by id"):
        found.extend(batch["id"].to_pylist())
    print("\n".join(map(str, found)))
else:
    rows = Table.from_pydict(
        {
            "id": Array([int(id) for id in ids], type=DataType.int64()),
            "name": Array(["other"] * len(ids), type=DataType.utf8()),
        }
    )
    write_deltalake(url, rows, mode="append", storage_options=options)
