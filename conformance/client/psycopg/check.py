"""psycopg 3 against the server that libpq's variables name; prints what conformance/run reads."""

import datetime
import decimal
import os
import threading
import time

import psycopg
from psycopg import errors, sql
from psycopg.rows import dict_row

from checks import equal, feature, run

def one(connection, query, parameters=None, **options):
    return connection.execute(query, parameters, **options).fetchone()


@feature("logs in with SCRAM")
def login(connection):
    equal(one(connection, "SELECT current_user, current_database()"), ("admin", "main"))
    equal(connection.info.parameter_status("client_encoding"), "UTF8")
    equal(connection.info.parameter_status("standard_conforming_strings"), "on")
    equal(connection.info.parameter_status("integer_datetimes"), "on")


@feature("TLS with verify-full and channel binding")
def tls(connection):
    with psycopg.connect(sslmode="verify-full", sslrootcert=os.environ["CA"], channel_binding="require") as secure:
        assert secure.pgconn.ssl_in_use
        equal(one(secure, "SELECT 1"), (1,))


@feature("refuses a wrong password")
def wrong_password(connection):
    try:
        psycopg.connect(password="wrong")
    except psycopg.OperationalError as error:
        assert 'password authentication failed for user "admin"' in str(error), error
    else:
        raise AssertionError("the wrong password was taken")


@feature("parameters of every type")
def parameters(connection):
    values = [
        1, -(2**40), 2.5, decimal.Decimal("12345678901234567890.123"), "täxt 'quoted'", True, None, b"\x00\xff",
        datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12, 34, 56, 789),
        datetime.datetime(2024, 2, 29, 12, 34, 56, tzinfo=datetime.timezone.utc),
    ]
    casts = ["int", "bigint", "float8", "numeric", "text", "bool", "text", "bytea", "date", "timestamp", "timestamptz"]
    query = "SELECT " + ", ".join(f"%s::{cast}" for cast in casts)
    connection.execute("SET TimeZone = 'UTC'")
    for binary in [False, True]:
        equal(list(one(connection, query, values, binary=binary)), values)


@feature("parameters without a cast")
def untyped_parameters(connection):
    equal(one(connection, "SELECT name FROM shop.item WHERE id = %s AND price < %s", (1, decimal.Decimal("2"))),
          ("apple",))
    equal(one(connection, "SELECT name FROM shop.item WHERE name = %s", ("pear",)), ("pear",))


@feature("arrays")
def arrays(connection):
    for binary in [False, True]:
        equal(one(connection, "SELECT %s::bigint[], %s::text[]", ([1, 2, None], ["a", "b c"]), binary=binary),
              ([1, 2, None], ["a", "b c"]))


@feature("columns are described")
def description(connection):
    cursor = connection.execute("SELECT id, price, name, sold FROM shop.item")
    equal([(c.name, c.type_code, c.precision, c.scale) for c in cursor.description],
          [("id", 20, None, None), ("price", 1700, 10, 2), ("name", 25, None, None), ("sold", 1082, None, None)])


@feature("rows as dictionaries")
def dictionaries(connection):
    cursor = connection.cursor(row_factory=dict_row)
    equal(cursor.execute("SELECT id, name FROM shop.item WHERE id = 2").fetchone(), {"id": 2, "name": "pear"})


@feature("executemany")
def executemany(connection):
    connection.execute("CREATE TABLE shop.many (id bigint, label text)")
    cursor = connection.cursor()
    cursor.executemany("INSERT INTO shop.many VALUES (%s, %s)", [(n, f"row {n}") for n in range(5)])
    equal(cursor.rowcount, 5)
    equal(one(connection, "SELECT count(*), sum(id) FROM shop.many"), (5, 10))


@feature("prepared statements")
def prepared(connection):
    for n in [1, 2, 1]:
        equal(one(connection, "SELECT id FROM shop.item WHERE id = %s", (n,), prepare=True), (n,))


@feature("pipeline")
def pipeline(connection):
    with connection.pipeline():
        cursors = [connection.execute("SELECT %s::int", (n,)) for n in range(100)]
    equal([cursor.fetchone()[0] for cursor in cursors], list(range(100)))


@feature("an error in a pipeline")
def pipeline_error(connection):
    try:
        with connection.pipeline():
            connection.execute("SELECT 1/0")
            connection.execute("SELECT 1")
    except errors.DivisionByZero:
        pass
    else:
        raise AssertionError("no error")
    equal(one(connection, "SELECT 2"), (2,))


@feature("COPY in and out")
def copy(connection):
    connection.execute("CREATE TABLE shop.copied (id bigint, label text)")
    with connection.cursor().copy("COPY shop.copied FROM STDIN") as target:
        for n in range(10_000):
            target.write_row((n, f"tab\there {n}" if n else None))
    equal(one(connection, "SELECT count(*), sum(id), count(label) FROM shop.copied"), (10_000, 49_995_000, 9_999))
    with connection.cursor().copy("COPY (SELECT * FROM shop.copied WHERE id < 2 ORDER BY id) TO STDOUT") as source:
        equal(list(source.rows()), [("0", None), ("1", "tab\there 1")])


@feature("COPY in binary")
def copy_binary(connection):
    with connection.cursor().copy("COPY shop.copied FROM STDIN (FORMAT binary)") as target:
        target.set_types(["int8", "text"])
        target.write_row((20_000, "binary"))
    equal(one(connection, "SELECT label FROM shop.copied WHERE id = 20000"), ("binary",))


@feature("rows as a stream")
def stream(connection):
    cursor = connection.cursor()
    equal(sum(row[0] for row in cursor.stream("SELECT id FROM shop.copied WHERE id < 10000")), 49_995_000)


@feature("server-side cursor")
def server_cursor(connection):
    with connection.transaction(), connection.cursor("c") as cursor:
        cursor.execute("SELECT id FROM shop.copied WHERE id < 1000 ORDER BY id")
        equal(cursor.fetchmany(3), [(0,), (1,), (2,)])
        equal(len(cursor.fetchall()), 997)


@feature("transaction that fails")
def failed_transaction(connection):
    try:
        with connection.transaction():
            connection.execute("SELECT nothing")
    except errors.UndefinedColumn as error:
        equal(error.diag.sqlstate, "42703")
        equal(error.diag.statement_position, "8")
    else:
        raise AssertionError("no error")
    equal(one(connection, "SELECT 1"), (1,))


@feature("cancel")
def cancel(connection):
    timer = threading.Timer(1, connection.cancel)
    timer.start()
    started = time.monotonic()
    try:
        connection.execute("SELECT count(*) FROM shop.copied a, shop.copied b, shop.copied c WHERE a.id + b.id + c.id = 1")
    except errors.QueryCanceled as error:
        assert "canceling statement due to user request" in str(error), error
    else:
        raise AssertionError("the query ended by itself")
    assert time.monotonic() - started < 10, "the cancel came late"
    equal(one(connection, "SELECT 1"), (1,))


@feature("names with odd letters")
def odd_names(connection):
    name = sql.Identifier('Odd "Näme"')
    connection.execute(sql.SQL("CREATE TABLE shop.{} (a int)").format(name))
    connection.execute(sql.SQL("INSERT INTO shop.{} VALUES (7)").format(name))
    equal(connection.execute(sql.SQL("SELECT a FROM shop.{}").format(name)).fetchone(), (7,))


def main():
    with psycopg.connect(autocommit=True) as connection:
        for statement in [
            "CREATE SCHEMA shop",
            "CREATE TABLE shop.item (id bigint NOT NULL, name text, price numeric(10,2), sold date)",
            "INSERT INTO shop.item VALUES (1, 'apple', 0.50, DATE '2024-02-29'), (2, 'pear', 12.25, NULL)",
        ]:
            connection.execute(statement)
    run(psycopg.__version__, lambda: psycopg.connect(autocommit=True))


if __name__ == "__main__":
    main()
