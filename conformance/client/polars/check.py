"""polars, with ADBC (COPY in binary both ways) and with SQLAlchemy."""

import datetime
import os

import adbc_driver_postgresql.dbapi
import polars as pl

from checks import equal, feature, run

URL = "postgresql://{PGUSER}:{PGPASSWORD}@{PGHOST}:{PGPORT}/{PGDATABASE}".format(**os.environ)


def connect():
    return adbc_driver_postgresql.dbapi.connect(URL)


def frame():
    return pl.DataFrame({"id": [1, 2, 3], "name": ["a", None, "ü"], "price": [0.5, 1.5, None],
                         "day": [datetime.date(2024, 1, 2)] * 3, "at": [datetime.datetime(2024, 1, 2, 3)] * 3,
                         "flag": [True, False, None]})


@feature("read_database with ADBC")
def read(connection):
    found = pl.read_database(
        "SELECT 1::bigint AS a, 'x' AS b, 2.5::float8 AS c, DATE '2024-01-02' AS d, true AS e, TIMESTAMP '2024-01-02 03:04:05' AS f,"
        " 7::int AS g, 3::smallint AS h, '\\x01'::bytea AS i, ARRAY[1, 2] AS j, TIMESTAMPTZ '2024-01-02 00:00:00+00' AS k", connection)
    row = found.rows()[0]
    equal(row[:9], (1, "x", 2.5, datetime.date(2024, 1, 2), True, datetime.datetime(2024, 1, 2, 3, 4, 5), 7, 3, b"\x01"))
    equal(list(row[9]), [1, 2])
    equal(row[10].isoformat(), "2024-01-02T00:00:00+00:00")


@feature("numeric with ADBC")
def numeric(connection):
    equal(pl.read_database("SELECT 12345.678::numeric(10, 3) AS n", connection).rows(), [("12345.678",)])


@feature("many rows with ADBC")
def many(connection):
    found = pl.read_database("SELECT n, n * 2::bigint AS m FROM generate_series(1, 100000) AS n", connection)
    equal((found.height, found["m"].sum()), (100000, 10000100000))


@feature("write_database with ADBC")
def write(connection):
    for mode, rows in [("replace", 3), ("append", 6)]:
        frame().write_database("frames", connection, if_table_exists=mode, engine="adbc")
        connection.commit()
        found = pl.read_database("SELECT * FROM frames ORDER BY id", connection)
        equal(found.height, rows)
    equal(found.rows()[0], (1, "a", 0.5, datetime.date(2024, 1, 2), datetime.datetime(2024, 1, 2, 3), True))
    equal(found["name"].null_count(), 2)


@feature("parameters with ADBC")
def parameters(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT $1::bigint + 1", parameters=(41,))
        equal(cursor.fetchone(), (42,))


@feature("objects with ADBC")
def objects(connection):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE listed (id bigint NOT NULL, name text)")
        connection.commit()
        found = connection.adbc_get_objects(depth="all", table_name_filter="listed").read_all().to_pylist()
        here = [catalog for catalog in found if catalog["catalog_name"] == "main"]
        tables = [table for schema in here[0]["catalog_db_schemas"] for table in schema["db_schema_tables"] or []]
        equal([(table["table_name"], [c["column_name"] for c in table["table_columns"]]) for table in tables],
              [("listed", ["id", "name"])])
        equal(connection.adbc_get_table_schema("listed").names, ["id", "name"])


@feature("read_database with SQLAlchemy")
def sqlalchemy(connection):
    import sqlalchemy
    with sqlalchemy.create_engine("postgresql+psycopg://").connect() as other:
        equal(pl.read_database("SELECT 1 AS a, 'x' AS b", other).rows(), [(1, "x")])


run(f"{pl.__version__}, ADBC {adbc_driver_postgresql.__version__}", connect)
