"""psycopg2, the driver below dbt, Superset and Airflow: the simple protocol with parameters put in by the client."""

import datetime
import decimal
import io
import os

import psycopg2
import psycopg2.extras
from psycopg2 import errorcodes, sql
from psycopg2.extensions import TransactionRollbackError

from checks import equal, feature, raises, run


def rows(connection, query, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


@feature("logs in with SCRAM")
def login(connection):
    equal(rows(connection, "SELECT current_user, current_database()"), [("admin", "main")])
    equal(connection.encoding, "UTF8")
    assert connection.server_version >= 150000, connection.server_version


@feature("TLS with verify-full")
def tls(connection):
    secure = psycopg2.connect("", sslmode="verify-full", sslrootcert=os.environ["CA"])
    assert secure.info.ssl_in_use
    equal(rows(secure, "SELECT 1"), [(1,)])


@feature("options at startup")
def options(connection):
    with psycopg2.connect("", options="-c search_path=pg_catalog -c statement_timeout=12345") as other:
        equal(rows(other, "SHOW search_path"), [("pg_catalog",)])
        equal(rows(other, "SHOW statement_timeout"), [("12345ms",)])


@feature("types")
def types(connection):
    found = rows(connection, """
        SELECT 1::smallint, 2, 3::bigint, 1.5::real, 2.5::double precision, 12345678901234567890.123::numeric, true, 'täxt',
            '\\x00ff'::bytea, DATE '2024-02-29', TIMESTAMP '2024-02-29 12:34:56.789', TIMESTAMPTZ '2024-02-29 12:00:00+00',
            INTERVAL '1 day 2 hours', '{"a": [1]}'::jsonb, ARRAY[1, NULL, 3], ARRAY['a', 'b,c'], NULL""")[0]
    found = tuple(bytes(value) if isinstance(value, memoryview) else value for value in found)
    equal(found[:6], (1, 2, 3, 1.5, 2.5, decimal.Decimal("12345678901234567890.123")))
    equal(found[6:10], (True, "täxt", b"\x00\xff", datetime.date(2024, 2, 29)))
    equal(found[10], datetime.datetime(2024, 2, 29, 12, 34, 56, 789000))
    equal(found[11], datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.timezone.utc))
    equal(found[12:], (datetime.timedelta(days=1, hours=2), {"a": [1]}, [1, None, 3], ["a", "b,c"], None))


@feature("parameters")
def parameters(connection):
    values = (1, "it's", None, decimal.Decimal("1.10"), datetime.date(2024, 1, 2), True, [1, 2], b"\x01")
    found = rows(connection, "SELECT %s, %s, %s, %s, %s, %s, %s, %s", values)[0]
    equal(found[:7] + (bytes(found[7]),), values)
    equal(rows(connection, "SELECT 1 WHERE 2 IN %s", ((1, 2),)), [(1,)])


@feature("columns are described")
def described(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 AS a, 'x'::varchar(20) AS b, 1.5::numeric(10, 2) AS c")
        equal([(column.name, column.type_code) for column in cursor.description], [("a", 23), ("b", 1043), ("c", 1700)])
        equal((cursor.description[2].precision, cursor.description[2].scale), (10, 2))


@feature("status messages and row counts")
def status(connection):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE counted (id bigint, name text)")
        equal(cursor.statusmessage, "CREATE TABLE")
        cursor.execute("INSERT INTO counted VALUES (1, 'a'), (2, 'b'), (3, NULL)")
        equal((cursor.statusmessage, cursor.rowcount), ("INSERT 0 3", 3))
        cursor.execute("UPDATE counted SET name = 'c' WHERE id > 1")
        equal((cursor.statusmessage, cursor.rowcount), ("UPDATE 2", 2))
        cursor.execute("DELETE FROM counted WHERE id = 3")
        equal((cursor.statusmessage, cursor.rowcount), ("DELETE 1", 1))
        cursor.execute("SELECT * FROM counted ORDER BY id")
        equal((cursor.statusmessage, cursor.fetchall()), ("SELECT 2", [(1, "a"), (2, "c")]))
        cursor.execute("DROP TABLE counted")
    connection.commit()


@feature("execute_values and execute_batch")
def many(connection):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE many (id bigint, name text)")
        psycopg2.extras.execute_values(cursor, "INSERT INTO many VALUES %s", [(n, f"n{n}") for n in range(250)])
        psycopg2.extras.execute_batch(cursor, "INSERT INTO many VALUES (%s, %s)", [(n, None) for n in range(5)])
        cursor.execute("SELECT count(*), count(name), sum(id) FROM many")
        equal(cursor.fetchone(), (255, 250, 31135))
    connection.rollback()


@feature("COPY in and out")
def copy(connection):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE copied (id bigint, name text)")
        cursor.copy_expert("COPY copied FROM STDIN (FORMAT csv)", io.StringIO("1,a\n2,\n"))
        out = io.StringIO()
        cursor.copy_expert("COPY (SELECT * FROM copied ORDER BY id) TO STDOUT", out)
        equal(out.getvalue(), "1\ta\n2\t\\N\n")
        cursor.copy_from(io.StringIO("3\tc\n"), "copied", columns=("id", "name"))
        cursor.execute("SELECT max(id) FROM copied")
        equal(cursor.fetchone(), (3,))
    connection.rollback()


@feature("rollback undoes")
def rollback(connection):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE undone (id bigint)")
        connection.rollback()
        raises(psycopg2.errors.UndefinedTable, "undone", lambda: cursor.execute("SELECT * FROM undone"))
    connection.rollback()


@feature("errors have codes and positions")
def errors(connection):
    error = raises(psycopg2.Error, 'column "nope" does not exist', lambda: rows(connection, "SELECT nope FROM pg_class"))
    equal((error.pgcode, error.diag.statement_position), (errorcodes.UNDEFINED_COLUMN, "8"))
    raises(psycopg2.errors.InFailedSqlTransaction, "current transaction is aborted", lambda: rows(connection, "SELECT 1"))
    connection.rollback()
    equal(rows(connection, "SELECT 1"), [(1,)])


@feature("savepoints")
def savepoints(connection):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE saved (id bigint)")
        cursor.execute("SAVEPOINT one")
        cursor.execute("INSERT INTO saved VALUES (1)")
        cursor.execute("ROLLBACK TO SAVEPOINT one")
        cursor.execute("INSERT INTO saved VALUES (2)")
        cursor.execute("SELECT id FROM saved")
        equal(cursor.fetchall(), [(2,)])
    connection.rollback()


@feature("sessions are set")
def session(connection):
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
    equal(rows(connection, "SHOW transaction_isolation"), [("repeatable read",)])
    raises(psycopg2.errors.ReadOnlySqlTransaction, "read-only", lambda: rows(connection, "CREATE TABLE x (a bigint)"))


@feature("server-side cursor")
def named_cursor(connection):
    with connection.cursor("named") as cursor:
        cursor.itersize = 100
        cursor.execute("SELECT * FROM generate_series(1, 1000) AS n")
        equal(sum(row[0] for row in cursor), 500500)


@feature("temporary tables")
def temporary(connection):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE scratch AS SELECT 1 AS a")
        cursor.execute("SELECT * FROM scratch")
        equal(cursor.fetchall(), [(1,)])
    connection.rollback()


@feature("notifications")
def notify(connection):
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("LISTEN news")
        cursor.execute("NOTIFY news, 'hello'")
    connection.poll()
    equal([(note.channel, note.payload) for note in connection.notifies], [("news", "hello")])


@feature("cancel")
def cancel(connection):
    import threading
    timer = threading.Timer(0.5, connection.cancel)
    timer.start()
    raises(psycopg2.errors.QueryCanceled, "canceling statement",
           lambda: rows(connection, "SELECT count(*) FROM generate_series(1, 200000) a, generate_series(1, 200000) b"))
    timer.join()


@feature("names with odd letters")
def names(connection):
    with connection.cursor() as cursor:
        name = 'Odd "näme"'
        cursor.execute(sql.SQL("CREATE TABLE {} ({} bigint)").format(sql.Identifier(name), sql.Identifier("a.b")))
        cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", (name,))
        equal(cursor.fetchall(), [("a.b",)])
    connection.rollback()


@feature("rows as dictionaries")
def dictionaries(connection):
    with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        cursor.execute("SELECT 1 AS a, 'x' AS b")
        equal(dict(cursor.fetchone()), {"a": 1, "b": "x"})


run(psycopg2.__version__.split()[0], lambda: psycopg2.connect(""))
