"""Measures what changing tables costs, each beside the bound that it is to keep.

Loading lineitem with COPY FROM STDIN beside PostgreSQL, deleting one row in a thousand of it, opening a table of many
commits, and planning a selective query over many files.
"""

import argparse
import json
import pathlib
import shutil
import sys
import tempfile
import time

import deltalake
import duckdb
import pyarrow

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tpch"))
from peers import Lakegate, PostgreSQL  # noqa: E402
from tables import POSTGRESQL, make  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1, help="TPC-H scale factor of lineitem")
    parser.add_argument("--commits", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "lakegate-tpch")
    return parser.parse_args()


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def folder_bytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def peak(lakegate):
    return f"peak memory {lakegate.peak_memory_bytes() / 2**20:.0f} MiB"


def load(connection, csv, table):
    def copy():
        with open(csv, "rb") as file, connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT csv)") as rows:
            while block := file.read(1 << 20):
                rows.write(block)
    return timed(copy)


def loading(lakegate, postgresql, csv, runs):
    columns = POSTGRESQL["lineitem"]
    best = {}
    for run in range(runs):
        for system in (lakegate, postgresql):
            system.connection.execute("DROP TABLE IF EXISTS loaded")
            system.connection.execute(f"CREATE TABLE loaded ({columns})")
            best[system.name] = min(load(system.connection, csv, "loaded"), best.get(system.name, 1e9))
    ours, theirs = best[lakegate.name], best[postgresql.name]
    print(f"COPY FROM STDIN: {ours:.1f} s, PostgreSQL {theirs:.1f} s, ratio {theirs / ours:.2f} (at least 2); "
          f"{peak(lakegate)} (under 1024)")


def deleting(lakegate):
    root = lakegate.folder / "data" / "tables"
    before = folder_bytes(root)
    taken = timed(lambda: lakegate.connection.execute("DELETE FROM loaded WHERE l_orderkey % 1000 = 7"))
    written = folder_bytes(root) - before
    share = 100 * written / before
    print(f"DELETE of one row in a thousand: {taken:.2f} s, writes {written} of {before} bytes, {share:.2f} % (under 5)")


def many_commits(lakegate, folder, commits):
    table = folder / "commits"
    rows = pyarrow.table({"id": pyarrow.array([1], pyarrow.int64())})
    deltalake.write_deltalake(str(table), rows)
    log = table / "_delta_log"
    first = [json.loads(line) for line in (log / f"{0:020}.json").read_text().splitlines()]
    add = next(action["add"] for action in first if "add" in action)
    for version in range(1, commits):
        name = f"part-{version:05}.parquet"
        (table / name).hardlink_to(table / add["path"])
        (log / f"{version:020}.json").write_text(json.dumps({"add": {**add, "path": name}}) + "\n")
        if version % 1000 == 0:
            deltalake.DeltaTable(str(table)).create_checkpoint()
    opened = timed(lambda: lakegate.connection.execute(f"CREATE TABLE commits LOCATION 'file://{table}'"))
    read = timed(lambda: lakegate.rows("SELECT id FROM commits LIMIT 1"))
    print(f"a table of {commits} commits is opened by CREATE TABLE in {1000 * opened:.0f} ms (under 1000), "
          f"then read in {1000 * read:.0f} ms; {peak(lakegate)}")


def many_files(lakegate, folder, files, runs):
    table = folder / "files"
    rows = pyarrow.table({"id": pyarrow.array([1], pyarrow.int64()), "v": ["x"]})
    deltalake.write_deltalake(str(table), rows)
    log = table / "_delta_log"
    add = next(json.loads(line)["add"] for line in (log / f"{0:020}.json").read_text().splitlines() if '"add"' in line)
    with open(log / f"{1:020}.json", "w") as commit:
        for number in range(files):
            name = f"part-{number:06}.parquet"
            low, high = 1000 * number, 1000 * number + 999
            stats = {"numRecords": 1000, "minValues": {"id": low, "v": "a"}, "maxValues": {"id": high, "v": "z"},
                     "nullCount": {"id": 0, "v": 0}}
            commit.write(json.dumps({"add": {**add, "path": name, "stats": json.dumps(stats)}}) + "\n")
    deltalake.DeltaTable(str(table)).create_checkpoint()
    lakegate.connection.execute(f"CREATE TABLE files LOCATION 'file://{table}'")
    query = "EXPLAIN SELECT v FROM files WHERE id = 1234567"
    first = timed(lambda: lakegate.rows(query))
    best = min(timed(lambda: lakegate.rows(query)) for _ in range(max(runs, 5)))
    print(f"a selective query over {files} files is planned in {1000 * best:.1f} ms once cached (under 50), "
          f"the first time in {1000 * first:.0f} ms; {peak(lakegate)}")


def main():
    given = arguments()
    parquet, delta = make(given.data, given.scale)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lakegate-tables-"))
    lakegate = Lakegate(parquet, delta)
    try:
        many_commits(lakegate, folder, given.commits)
        many_files(lakegate, folder, given.files, given.runs)
    finally:
        lakegate.stop()
    # A server of its own, so that its memory is that of loading.
    lakegate = Lakegate(parquet, delta)
    try:
        csv = folder / "lineitem.csv"
        duckdb.connect().execute(f"COPY (FROM '{parquet}/lineitem.parquet') TO '{csv}' (HEADER false)")
        postgresql = PostgreSQL(parquet, delta, is_loaded=False)
        try:
            loading(lakegate, postgresql, csv, given.runs)
        finally:
            postgresql.stop()
        deleting(lakegate)
    finally:
        lakegate.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
