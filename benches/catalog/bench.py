"""Measures what clients ask the catalogs of a database with many wide tables, beside PostgreSQL.

The statements are those of the clients themselves: psql shows what it sends, asyncpg and SQLAlchemy tell, pgjdbc is
timed as a whole. While Lakegate is asked, the folder of its tables is away: none of this opens a table.
"""

import argparse
import asyncio
import os
import pathlib
import re
import subprocess
import sys
import time

import asyncpg
import psycopg
import sqlalchemy

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tpch"))
from peers import Lakegate, PostgreSQL  # noqa: E402

TYPES = ["bigint", "text", "numeric(18,2)", "timestamp", "double precision", "boolean", "date", "integer",
         "timestamptz", "real"]

# Backslash commands of psql with the most milliseconds that each may take; the others are shown only.
COMMANDS = {r"\d t05000": 5, r"\d+ t05000": None, r"\dt t0500*": None, r"\dt": None, r"\dn": None, r"\l": None,
            r"\df lower": None, r"\dT": None, r"\du": None}

START_MS = 10
GET_COLUMNS_MS = 2000
JARS = ":".join(f"/usr/share/java/{jar}.jar" for jar in ("postgresql", "scram-client", "scram-common", "saslprep",
                                                         "stringprep"))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=10_000)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--alone", action="store_true", help="without PostgreSQL")
    return parser.parse_args()


def make_tables(system, tables, columns):
    listed = ", ".join(f"c{number:03} {TYPES[number % len(TYPES)]}" for number in range(columns))
    start = time.perf_counter()
    for number in range(tables):
        system.connection.execute(f"CREATE TABLE t{number:05} ({listed})")
    taken = time.perf_counter() - start
    print(f"{system.name}: {tables} tables of {columns} columns made in {taken:.0f} s")


def statements_of_psql(system, command):
    shown = subprocess.run(["psql", "-X", "-E", system.address(), "-c", command], capture_output=True, text=True)
    if shown.returncode:
        raise SystemExit(f"{system.name}: {command}: {shown.stderr}")
    return re.findall(r"^/?\*+ QUERY \*+/?\n(.*?)\n/?\*+/?$", shown.stdout, re.DOTALL | re.MULTILINE)


def best_of(runs, work):
    """Milliseconds."""
    best = float("inf")
    for _ in range(runs):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return 1000 * best


def commands(system, runs):
    taken = {}
    for command in COMMANDS:
        texts = statements_of_psql(system, command)
        taken[command] = sum(best_of(runs, lambda: system.rows(text)) for text in texts)
    return taken


def connecting(system, runs):
    """Logging in, and the slowest statement of what the client asks before its user does."""
    taken = {"psycopg connects": best_of(runs, lambda: psycopg.connect(system.address()).close())}

    async def introspect():
        connection = await asyncpg.connect(system.address())
        slowest = []
        with connection.query_logger(lambda record: slowest.append(record.elapsed)):
            row_type = await connection.fetchval("SELECT reltype FROM pg_class WHERE relname = 't05000'")
            # What it does when a result has a type that it does not know.
            await connection._introspect_types([row_type], 10)
        await connection.close()
        return 1000 * max(slowest)

    taken["asyncpg looks types up"] = min(asyncio.run(introspect()) for _ in range(runs))
    taken["SQLAlchemy, slowest statement at the start"] = min(sqlalchemy_start(system) for _ in range(runs))
    return taken


def sqlalchemy_start(system):
    engine = sqlalchemy.create_engine(system.address().replace("postgresql://", "postgresql+psycopg://"))
    slowest, begun = [], []
    sqlalchemy.event.listen(engine, "before_cursor_execute", lambda *_: begun.append(time.perf_counter()))
    sqlalchemy.event.listen(engine, "after_cursor_execute",
                            lambda *_: slowest.append(time.perf_counter() - begun.pop()))
    with engine.connect() as connection:
        sqlalchemy.inspect(connection).get_columns("t05000")
    engine.dispose()
    return 1000 * max(slowest)


def get_columns(system, runs):
    found = re.fullmatch(r"postgresql://(\w+)(?::(\w+))?@(.*)", system.address())
    user, password, place = found.groups()
    program = pathlib.Path(__file__).parent / "Columns.java"
    out = subprocess.run(["java", "-cp", JARS, program, f"jdbc:postgresql://{place}", user, password or "", str(runs)],
                         capture_output=True, text=True, check=True).stdout
    columns, taken = map(int, out.split())
    return columns, taken


def measure(system, given):
    make_tables(system, given.tables, given.columns)
    away = system.folder / "data" / "tables"
    if is_ours := isinstance(system, Lakegate):
        away.rename(system.folder / "away")
    try:
        taken = commands(system, given.runs) | connecting(system, given.runs)
        columns, whole = get_columns(system, given.runs)
        taken[f"pgjdbc getColumns, {columns} columns"] = whole
        taken["memory, MiB"] = system.peak_memory_bytes() / 2**20 if is_ours else float("nan")
        return taken
    finally:
        if is_ours:
            (system.folder / "away").rename(away)


def main():
    given = arguments()
    systems = [lambda: Lakegate(None, None, is_loaded=False)]
    if not given.alone:
        systems.append(lambda: PostgreSQL(None, None, is_loaded=False))
    results = []
    for start in systems:
        system = start()
        try:
            results.append((system.name, measure(system, given)))
        finally:
            system.stop()
    bounds = {**COMMANDS, "asyncpg looks types up": START_MS, "SQLAlchemy, slowest statement at the start": START_MS}
    print(f"{'milliseconds':50}" + "".join(f"{name:>12}" for name, _ in results) + f"{'at most':>12}")
    for what in results[0][1]:
        bound = GET_COLUMNS_MS if what.startswith("pgjdbc") else bounds.get(what)
        print(f"{what:50}" + "".join(f"{taken[what]:12.1f}" for _, taken in results) + f"{bound or '':>12}")


if __name__ == "__main__":
    os.environ.setdefault("PGCONNECT_TIMEOUT", "10")
    main()
