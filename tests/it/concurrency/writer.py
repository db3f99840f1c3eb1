"""Another engine that changes a table while Lakegate does: writer.py TABLE WRITER SECONDS.

Adds rows with numbers of its own and deletes some of them, and prints what it knows: `+number` for a row that is
there, `-number` for one that is not, `?number` where it was not told.
"""

import random
import sys
import time

import pyarrow
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

table, writer, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
random.seed(writer)
end = time.time() + seconds
number = writer * 1_000_000
there = []


def attempt(change):
    """Whether it was made; what another has made impossible is none."""
    for _ in range(5):
        try:
            change()
            return True
        except CommitFailedError:
            time.sleep(random.random() / 10)
        except DeltaError as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            time.sleep(random.random() / 10)
    return False


while time.time() < end:
    time.sleep(random.random() / 4)
    if there and random.random() < 0.3:
        gone = there.pop(random.randrange(len(there)))
        made = attempt(lambda: DeltaTable(table).delete(f"id = {gone}"))
        print(f"{'-' if made else '+'}{gone}", flush=True)
        continue
    number += 1
    columns = {"id": [number], "writer": [writer], "n": [0]}
    schema = [("id", pyarrow.int64()), ("writer", pyarrow.int32()), ("n", pyarrow.int64())]
    rows = pyarrow.table(columns, schema=pyarrow.schema(schema))
    properties = CommitProperties(max_commit_retries=20)
    made = attempt(lambda: write_deltalake(table, rows, mode="append", commit_properties=properties))
    print(f"{'+' if made else '?'}{number}", flush=True)
    if made:
        there.append(number)
