"""asyncpg: binary everything, its own introspection of types, prepared statements without end."""

import asyncio
import datetime
import decimal
import io
import uuid

import asyncpg

from checks import FEATURES, equal, feature, report


async def raises(kind, part, awaitable):
    try:
        await awaitable
    except kind as error:
        assert part in str(error), f"no {part!r} in {error}"
    else:
        raise AssertionError(f"no {kind.__name__} was raised")


@feature("logs in with SCRAM")
async def login(connection):
    equal(await connection.fetchval("SELECT current_user || '@' || current_database()"), "admin@main")
    assert connection.get_server_version().major >= 15
    equal(connection.get_settings().client_encoding, "UTF8")


@feature("types")
async def types(connection):
    row = await connection.fetchrow("""
        SELECT 1::smallint, 2, 3::bigint, 1.5::real, 2.5::double precision, 12345678901234567890.123::numeric, true, 'täxt',
            '\\x00ff'::bytea, DATE '2024-02-29', TIMESTAMP '2024-02-29 12:34:56.789', TIMESTAMPTZ '2024-02-29 12:00:00+00',
            INTERVAL '1 day 2 hours', '{"a": [1]}'::jsonb, ARRAY[1, NULL, 3], ARRAY['a', 'b,c'], NULL,
            'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, TIME '12:34:56.5', 'x'::name, 7::oid""")
    equal(tuple(row), (
        1, 2, 3, 1.5, 2.5, decimal.Decimal("12345678901234567890.123"), True, "täxt", b"\x00\xff",
        datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12, 34, 56, 789000),
        datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.timezone.utc), datetime.timedelta(days=1, hours=2),
        '{"a": [1]}', [1, None, 3], ["a", "b,c"], None, uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        datetime.time(12, 34, 56, 500000), "x", 7))


@feature("parameters of every type")
async def parameters(connection):
    values = [("int4", 5), ("int8", -2**40), ("float8", 2.5), ("numeric", decimal.Decimal("1.10")), ("text", "it's"),
              ("bool", False), ("date", datetime.date(2024, 1, 2)), ("timestamp", datetime.datetime(2024, 1, 2, 3)),
              ("timestamptz", datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc)), ("bytea", b"\x01\x00"),
              ("int4[]", [1, 2]), ("text[]", ["a", None]), ("uuid", uuid.UUID(int=1)), ("interval", datetime.timedelta(days=2))]
    for name, value in values:
        equal((name, await connection.fetchval(f"SELECT $1::{name}", value)), (name, value))


@feature("parameters without a cast")
async def inferred(connection):
    await connection.execute("CREATE TABLE inferred (id bigint, name text, at timestamp)")
    at = datetime.datetime(2024, 1, 2, 3, 4, 5)
    await connection.execute("INSERT INTO inferred VALUES ($1, $2, $3)", 1, "a", at)
    equal(tuple(await connection.fetchrow("SELECT * FROM inferred WHERE id = $1 AND name = ANY($2)", 1, ["a"])), (1, "a", at))
    await connection.execute("DROP TABLE inferred")


@feature("introspects types")
async def introspects(connection):
    row = await connection.fetchrow("SELECT oid::regclass, relname, relkind, relacl, reloptions FROM pg_class WHERE relname = 'pg_class'")
    equal((row["relname"], row["relkind"]), ("pg_class", b"r"))
    equal(await connection.fetchval("SELECT 'pg_class'::regclass"), "pg_class")


@feature("prepared statements")
async def prepared(connection):
    statement = await connection.prepare("SELECT $1::int + n AS sum FROM generate_series(1, 3) AS n")
    equal([row["sum"] for row in await statement.fetch(10)], [11, 12, 13])
    equal([(a.name, a.type.name) for a in statement.get_attributes()], [("sum", "int4")])
    equal([p.name for p in statement.get_parameters()], ["int4"])


@feature("executemany")
async def executemany(connection):
    await connection.execute("CREATE TABLE manies (id bigint, name text)")
    await connection.executemany("INSERT INTO manies VALUES ($1, $2)", [(n, str(n)) for n in range(20)])
    equal(tuple(await connection.fetchrow("SELECT count(*), sum(id) FROM manies")), (20, 190))
    await connection.execute("DROP TABLE manies")


@feature("transactions and savepoints")
async def transactions(connection):
    await connection.execute("CREATE TABLE kept (id bigint)")
    async with connection.transaction():
        await connection.execute("INSERT INTO kept VALUES (1)")
        try:
            async with connection.transaction():
                await connection.execute("INSERT INTO kept VALUES (2)")
                raise KeyError
        except KeyError:
            pass
    equal([row[0] for row in await connection.fetch("SELECT id FROM kept")], [1])
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        equal(await connection.fetchval("SHOW transaction_isolation"), "repeatable read")
    await connection.execute("DROP TABLE kept")


@feature("cursors by portals")
async def portals(connection):
    async with connection.transaction():
        total = 0
        async for row in connection.cursor("SELECT * FROM generate_series(1, 1000) AS n", prefetch=100):
            total += row[0]
        equal(total, 500500)
        cursor = await connection.cursor("SELECT * FROM generate_series(1, 10) AS n")
        equal([row[0] for row in await cursor.fetch(3)], [1, 2, 3])
        equal((await cursor.fetchrow())[0], 4)


@feature("COPY in binary")
async def copy(connection):
    await connection.execute("CREATE TABLE copied (id bigint, name text, price double precision)")
    records = [(n, f"n{n}", n / 2) for n in range(100)]
    await connection.copy_records_to_table("copied", records=records)
    equal(tuple(await connection.fetchrow("SELECT count(*), sum(price) FROM copied")), (100, 2475.0))
    out = io.BytesIO()
    await connection.copy_from_query("SELECT id, name FROM copied WHERE id < $1 ORDER BY id", 2, output=out)
    equal(out.getvalue(), b"0\tn0\n1\tn1\n")
    await connection.execute("DROP TABLE copied")


@feature("errors have codes")
async def errors(connection):
    await raises(asyncpg.UndefinedTableError, 'relation "nope" does not exist', connection.fetch("SELECT * FROM nope"))
    await raises(asyncpg.DivisionByZeroError, "division by zero", connection.fetch("SELECT 1 / (n - 1) FROM generate_series(1, 1) AS n"))
    equal(await connection.fetchval("SELECT 1"), 1)


@feature("several statements")
async def several(connection):
    equal(await connection.execute("SELECT 1; CREATE TABLE made (a bigint); DROP TABLE made"), "DROP TABLE")


@feature("a changed table is noticed")
async def changed(connection):
    await connection.execute("CREATE TABLE changing (a bigint)")
    equal(await connection.fetch("SELECT * FROM changing"), [])
    await connection.execute("ALTER TABLE changing ADD COLUMN b text")
    await connection.execute("INSERT INTO changing VALUES (1, 'x')")
    equal([tuple(row) for row in await connection.fetch("SELECT * FROM changing")], [(1, "x")])
    await connection.execute("DROP TABLE changing")


@feature("timeout cancels")
async def timeout(connection):
    slow = connection.fetch("SELECT count(*) FROM generate_series(1, 200000) a, generate_series(1, 200000) b", timeout=0.5)
    try:
        await slow
    except asyncio.TimeoutError:
        pass
    else:
        raise AssertionError("it was quick")
    equal(await connection.fetchval("SELECT 2"), 2)


@feature("pool resets connections")
async def pool(connection):
    async with asyncpg.create_pool(min_size=1, max_size=2) as pool:
        async with pool.acquire() as one:
            await one.execute("SET statement_timeout = 4321")
        async with pool.acquire() as again:
            equal(await again.fetchval("SHOW statement_timeout"), "0")


@feature("notifications")
async def notify(connection):
    heard = []
    await connection.add_listener("news", lambda *event: heard.append(event[2:]))
    await connection.execute("NOTIFY news, 'hello'")
    for _ in range(20):
        await asyncio.sleep(0.05)
        if heard:
            break
    equal(heard, [("news", "hello")])


async def main():
    print("version", asyncpg.__version__)
    for name, function in FEATURES:
        error = None
        try:
            connection = await asyncpg.connect(ssl=False)
            try:
                await asyncio.wait_for(function(connection), 60)
            finally:
                await connection.close(timeout=10)
        except Exception as raised:  # A client may raise anything.
            error = raised
        report(name, error)


asyncio.run(main())
