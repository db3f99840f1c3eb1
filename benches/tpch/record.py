"""Records what PostgreSQL answers to the 22 queries at scale 0.01, as tests/slt/tpch/q<NN>.slt.

The test that runs them makes the same data with the crate tpchgen. Values are separated by tabs and written as
PostgreSQL prints them; a system that keeps other digits of a quotient is compared as a number (R).
"""

import pathlib
import sys
import tempfile

from peers import PostgreSQL
from tables import make, query

SCALE = 0.01
ANSWERS = pathlib.Path(__file__).resolve().parents[2] / "tests/slt/tpch"

INTEGERS, NUMBERS = {20, 21, 23}, {700, 701, 1700}


def letter(oid):
    return "I" if oid in INTEGERS else "R" if oid in NUMBERS else "T"


def cell(text):
    return {"\\N": "NULL", "": "(empty)"}.get(text, text)


def record(server, number):
    text = query(number, SCALE).rstrip()
    with server.connection.cursor() as cursor:
        cursor.execute(text)
        types = "".join(letter(column.type_code) for column in cursor.description)
        with cursor.copy(f"COPY ({text}) TO STDOUT") as copy:
            lines = b"".join(copy).decode().splitlines()
    rows = ["\t".join(map(cell, line.split("\t"))) for line in lines]
    return "\n".join([
        f"# TPC-H query {number} at scale {SCALE}: recorded from PostgreSQL {server.version()} by",
        "# benches/tpch/record.py, never edited by hand.", "", f"query {types}", text, "----", *rows, ""])


def main():
    with tempfile.TemporaryDirectory() as folder:
        parquet, delta = make(pathlib.Path(folder), SCALE)
        server = PostgreSQL(parquet, delta)
        try:
            ANSWERS.mkdir(parents=True, exist_ok=True)
            for number in range(1, 23):
                (ANSWERS / f"q{number:02}.slt").write_text(record(server, number))
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
