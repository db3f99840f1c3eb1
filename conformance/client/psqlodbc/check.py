"""psqlODBC by pyodbc: the catalog functions, types, transactions, and result sets by DECLARE and FETCH."""

import datetime
import decimal

import pyodbc

from checks import equal, feature, raises, run


def connect(**options):
    words = "".join(f";{name}={value}" for name, value in options.items())
    return pyodbc.connect(f"DSN=server{words}")


def prepare(connection):
    connection.execute("DROP TABLE IF EXISTS goods")
    connection.execute("CREATE TABLE goods (id bigint NOT NULL, name varchar(20), price numeric(10, 2), sold date, text text)")
    connection.execute("INSERT INTO goods VALUES (1, 'pen', 1.50, '2024-01-02', 'a'), (2, NULL, NULL, NULL, NULL)")
    connection.commit()


@feature("connects")
def connects(connection):
    equal(connection.getinfo(pyodbc.SQL_DBMS_NAME), "PostgreSQL")
    equal(connection.execute("SELECT current_user").fetchval(), "admin")


@feature("SQLTables")
def tables(connection):
    prepare(connection)
    with connection.cursor() as cursor:
        found = [(row.table_cat, row.table_schem, row.table_name, row.table_type) for row in cursor.tables(table="goods")]
        equal(found, [("main", "public", "goods", "TABLE")])
        schemas = {row.table_schem for row in cursor.tables(catalog="", schema="%", table="")}
        assert "public" in schemas, schemas


@feature("SQLColumns")
def columns(connection):
    prepare(connection)
    with connection.cursor() as cursor:
        found = [(row.column_name, row.type_name, row.column_size, row.decimal_digits, row.nullable)
                 for row in cursor.columns(table="goods")]
    equal([column[:2] for column in found],
          [("id", "int8"), ("name", "varchar"), ("price", "numeric"), ("sold", "date"), ("text", "text")])
    equal((found[0][4], found[1][2], found[2][2:4], found[1][4]), (0, 20, (10, 2), 1))


@feature("SQLPrimaryKeys, SQLForeignKeys, SQLStatistics")
def keys(connection):
    prepare(connection)
    with connection.cursor() as cursor:
        equal(list(cursor.primaryKeys(table="goods")), [])
        equal(list(cursor.foreignKeys(table="goods")), [])
        equal([row for row in cursor.statistics(table="goods") if row.index_name], [])
        equal(list(cursor.rowIdColumns(table="goods"))[:0], [])


@feature("keys of tables that have them")
def declared_keys(connection):
    prepare(connection)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pet, owner CASCADE")
        cursor.execute("CREATE TABLE owner (id bigint PRIMARY KEY, a int, b int, CONSTRAINT ab UNIQUE (a, b))")
        cursor.execute("CREATE TABLE pet (id bigint PRIMARY KEY, owner bigint, FOREIGN KEY (owner) REFERENCES owner (id))")
        connection.commit()
        equal([(row.column_name, row.key_seq, row.pk_name) for row in cursor.primaryKeys(table="owner")],
              [("id", 1, "owner_pkey")])
        found = {(row.index_name, row.column_name, row.ordinal_position, row.non_unique)
                 for row in cursor.statistics(table="owner") if row.index_name}
        equal(found, {("owner_pkey", "id", 1, 0), ("ab", "a", 1, 0), ("ab", "b", 2, 0)})
        cursor.execute("DROP TABLE pet, owner")
    connection.commit()


@feature("SQLGetTypeInfo")
def type_info(connection):
    with connection.cursor() as cursor:
        names = {row.type_name for row in cursor.getTypeInfo()}
    assert {"int8", "int4", "text", "numeric", "date", "float8", "timestamptz"} <= names, names


@feature("SQLProcedures")
def procedures(connection):
    with connection.cursor() as cursor:
        names = {row.procedure_name for row in cursor.procedures(procedure="abs", schema="pg_catalog")}
    equal(names, {"abs"})


@feature("types")
def types(connection):
    row = connection.execute(
        "SELECT 1::bigint, 'täxt'::text, 2.5::float8, 1.50::numeric(10, 2), DATE '2024-02-29', TIMESTAMP '2024-02-29 12:34:56',"
        " NULL::int, '\\x01ff'::bytea, 7::int, 'ab'::varchar(5)").fetchone()
    equal(tuple(row), (1, "täxt", 2.5, decimal.Decimal("1.50"), datetime.date(2024, 2, 29),
                       datetime.datetime(2024, 2, 29, 12, 34, 56), None, b"\x01\xff", 7, "ab"))


@feature("parameters")
def parameters(connection):
    prepare(connection)
    connection.execute("INSERT INTO goods VALUES (?, ?, ?, ?, ?)", 3, "it's", decimal.Decimal("2.25"), datetime.date(2024, 3, 4), "x")
    row = connection.execute("SELECT * FROM goods WHERE id = ? AND name = ?", 3, "it's").fetchone()
    equal(tuple(row), (3, "it's", decimal.Decimal("2.25"), datetime.date(2024, 3, 4), "x"))
    cursor = connection.cursor()
    cursor.executemany("INSERT INTO goods (id, name) VALUES (?, ?)", [(n, f"n{n}") for n in range(10, 20)])
    equal(connection.execute("SELECT count(*) FROM goods").fetchval(), 13)
    connection.rollback()


@feature("an error leaves the transaction alive")
def statement_rollback(connection):
    prepare(connection)
    connection.execute("INSERT INTO goods (id) VALUES (5)")
    raises(pyodbc.Error, "nope", lambda: connection.execute("SELECT * FROM nope"))
    equal(connection.execute("SELECT count(*) FROM goods").fetchval(), 3)
    connection.rollback()
    equal(connection.execute("SELECT count(*) FROM goods").fetchval(), 2)


@feature("error codes")
def errors(connection):
    raises(pyodbc.ProgrammingError, "42P01", lambda: connection.execute("SELECT * FROM nope"))
    connection.rollback()


@feature("describes results")
def described(connection):
    cursor = connection.execute("SELECT 1::bigint AS a, 'x'::varchar(7) AS b, 1.5::numeric(6, 3) AS c")
    equal([(column[0], column[3], column[5]) for column in cursor.description], [("a", 19, 0), ("b", 7, 0), ("c", 6, 3)])


@feature("many rows")
def many(connection):
    equal(sum(row[0] for row in connection.execute("SELECT n FROM generate_series(1, 20000) AS n")), 200010000)


@feature("many rows by DECLARE and FETCH")
def declared(_):
    with connect(UseDeclareFetch=1, Fetch=500) as connection:
        equal(sum(row[0] for row in connection.execute("SELECT n FROM generate_series(1, 5000) AS n")), 12502500)


run(pyodbc.version + ", psqlODBC", connect)
