"""DuckDB's postgres extension: ATTACH, scans by COPY in binary, writes."""

import os
import pathlib

import duckdb
import duckdb_extension_postgres_scanner

from checks import equal, feature, raises, run

URL = "host={PGHOST} port={PGPORT} user={PGUSER} password={PGPASSWORD} dbname={PGDATABASE}".format(**os.environ)


def connect():
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    folder = pathlib.Path(duckdb_extension_postgres_scanner.__file__).parent
    extension = next(folder.rglob("*.duckdb_extension"))
    connection.execute(f"LOAD '{extension}'")
    connection.execute(f"ATTACH '{URL}' AS pg (TYPE postgres)")
    return connection


def rows(connection, query):
    return connection.execute(query).fetchall()


@feature("ATTACH lists tables")
def lists(connection):
    rows(connection, "CREATE OR REPLACE TABLE pg.public.listed (id BIGINT, name VARCHAR)")
    found = rows(connection, "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = 'pg' AND table_name = 'listed'")
    equal(found, [("public", "listed")])


@feature("reads tables")
def reads(connection):
    rows(connection, "CALL postgres_execute('pg', 'CREATE TABLE typed AS SELECT n AS id, n * 0.5::float8 AS half, n::text AS name, DATE ''2024-01-01'' + n::int AS day, (n * 1.25)::numeric(10, 2) AS price, n % 2 = 0 AS even FROM generate_series(1, 1000) AS n')")
    rows(connection, "CALL pg_clear_cache()")
    found = rows(connection, "SELECT count(*), sum(half), max(name), max(day)::text, sum(price)::text, count(*) FILTER (WHERE even) FROM pg.typed")
    equal(found, [(1000, 250250.0, "999", "2026-09-27", "625625.00", 500)])
    equal(rows(connection, "SELECT name FROM pg.typed WHERE id = 7"), [("7",)])


@feature("postgres_query")
def query(connection):
    equal(rows(connection, "SELECT * FROM postgres_query('pg', 'SELECT 1::bigint AS a, ''x'' AS b')"), [(1, "x")])


@feature("writes tables")
def writes(connection):
    rows(connection, "CREATE OR REPLACE TABLE pg.written (id BIGINT, name VARCHAR, price DOUBLE, moment TIMESTAMP)")
    rows(connection, "INSERT INTO pg.written SELECT n, 'n' || n, n / 2, TIMESTAMP '2024-01-01' FROM range(500) AS t(n)")
    equal(rows(connection, "SELECT count(*), sum(price), min(moment)::text FROM pg.written"), [(500, 62375.0, "2024-01-01 00:00:00")])
    rows(connection, "CREATE OR REPLACE TABLE pg.made AS SELECT 1::BIGINT AS a")
    equal(rows(connection, "SELECT * FROM pg.made"), [(1,)])


@feature("transactions")
def transactions(connection):
    rows(connection, "CREATE OR REPLACE TABLE pg.undone (a BIGINT)")
    rows(connection, "BEGIN")
    rows(connection, "INSERT INTO pg.undone VALUES (1)")
    equal(rows(connection, "SELECT count(*) FROM pg.undone"), [(1,)])
    rows(connection, "ROLLBACK")
    equal(rows(connection, "SELECT count(*) FROM pg.undone"), [(0,)])


@feature("reads views")
def views(connection):
    rows(connection, "CALL postgres_execute('pg', 'CREATE OR REPLACE VIEW one AS SELECT 1::bigint AS a')")
    rows(connection, "CALL pg_clear_cache()")
    equal(rows(connection, "SELECT a FROM pg.one"), [(1,)])


@feature("errors are told")
def errors(connection):
    raises(duckdb.Error, "nope", lambda: rows(connection, "SELECT * FROM postgres_query('pg', 'SELECT * FROM nope')"))


run(duckdb.__version__, connect)
