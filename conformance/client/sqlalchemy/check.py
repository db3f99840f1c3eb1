"""SQLAlchemy 2 over psycopg2 and psycopg 3: reflection, the inspector, the ORM, executemany."""

import datetime
import decimal

import sqlalchemy as sa
from sqlalchemy import orm

from checks import equal, feature, run

ENGINE = sa.create_engine("postgresql+psycopg2://")


class Base(orm.DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customer"
    id: orm.Mapped[int] = orm.mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    name: orm.Mapped[str] = orm.mapped_column(sa.String(40))
    joined: orm.Mapped[datetime.date]
    balance: orm.Mapped[decimal.Decimal] = orm.mapped_column(sa.Numeric(12, 2), nullable=True)


def prepare(connection):
    connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS shop")
    connection.exec_driver_sql("DROP VIEW IF EXISTS shop.item_names")
    connection.exec_driver_sql("DROP TABLE IF EXISTS shop.item")
    connection.exec_driver_sql(
        "CREATE TABLE shop.item (id bigint NOT NULL, name varchar(20), price numeric(10, 2), at timestamp with time zone,"
        " tags text[], flag boolean)")
    connection.exec_driver_sql("COMMENT ON TABLE shop.item IS 'what is sold'")
    connection.exec_driver_sql("COMMENT ON COLUMN shop.item.name IS 'as printed'")
    connection.exec_driver_sql("CREATE VIEW shop.item_names AS SELECT name FROM shop.item")
    connection.commit()
    return sa.inspect(connection)


@feature("connects")
def connects(connection):
    equal(connection.execute(sa.text("SELECT current_user")).scalar(), "admin")
    equal(connection.dialect.default_schema_name, "public")
    assert connection.dialect.server_version_info >= (15,)


@feature("inspector, schemas and tables")
def schemas(connection):
    inspector = prepare(connection)
    names = inspector.get_schema_names()
    assert {"information_schema", "public", "shop"} <= set(names), names
    equal(inspector.get_table_names("shop"), ["item"])
    equal(inspector.get_view_names("shop"), ["item_names"])
    equal((inspector.has_table("item", "shop"), inspector.has_table("nope", "shop")), (True, False))
    equal(inspector.get_materialized_view_names("shop"), [])
    equal(inspector.get_sequence_names("shop"), [])
    equal(inspector.get_temp_table_names(), [])


@feature("inspector, columns")
def columns(connection):
    found = prepare(connection).get_columns("item", "shop")
    equal([(c["name"], str(c["type"]), c["nullable"], c["comment"]) for c in found], [
        ("id", "BIGINT", False, None), ("name", "VARCHAR(20)", True, "as printed"), ("price", "NUMERIC(10, 2)", True, None),
        ("at", "TIMESTAMP", True, None), ("tags", "ARRAY", True, None), ("flag", "BOOLEAN", True, None)])
    assert found[3]["type"].timezone
    equal(str(found[4]["type"].item_type), "TEXT")


@feature("inspector, keys that are declared")
def declared_keys(connection):
    prepare(connection)
    connection.exec_driver_sql("DROP TABLE IF EXISTS shop.pet")
    connection.exec_driver_sql("DROP TABLE IF EXISTS shop.owner")
    connection.exec_driver_sql(
        "CREATE TABLE shop.owner (id bigint PRIMARY KEY, a int DEFAULT 5, b int, CONSTRAINT ab UNIQUE (a, b),"
        " CONSTRAINT positive CHECK (a > 0))")
    connection.exec_driver_sql("CREATE TABLE shop.pet (id bigint PRIMARY KEY, owner bigint REFERENCES shop.owner)")
    connection.commit()
    inspector = sa.inspect(connection)
    key = inspector.get_pk_constraint("owner", "shop")
    equal((key["constrained_columns"], key["name"]), (["id"], "owner_pkey"))
    unique, = inspector.get_unique_constraints("owner", "shop")
    equal((unique["name"], unique["column_names"]), ("ab", ["a", "b"]))
    foreign, = inspector.get_foreign_keys("pet", "shop")
    equal((foreign["constrained_columns"], foreign["referred_schema"], foreign["referred_table"],
           foreign["referred_columns"]), (["owner"], "shop", "owner", ["id"]))
    index, = inspector.get_indexes("owner", "shop")
    equal((index["name"], index["unique"], index["column_names"]), ("ab", True, ["a", "b"]))
    check, = inspector.get_check_constraints("owner", "shop")
    equal((check["name"], check["sqltext"].strip("()")), ("positive", "a > 0"))
    equal([column["default"] for column in inspector.get_columns("owner", "shop")], [None, "5", None])
    connection.exec_driver_sql("DROP TABLE shop.pet")
    connection.exec_driver_sql("DROP TABLE shop.owner")
    connection.commit()


@feature("inspector, keys, indexes, constraints")
def keys(connection):
    inspector = prepare(connection)
    equal(inspector.get_pk_constraint("item", "shop")["constrained_columns"], [])
    equal(inspector.get_foreign_keys("item", "shop"), [])
    equal(inspector.get_indexes("item", "shop"), [])
    equal(inspector.get_unique_constraints("item", "shop"), [])
    equal(inspector.get_check_constraints("item", "shop"), [])
    equal(inspector.get_table_comment("item", "shop"), {"text": "what is sold"})
    equal(inspector.get_enums("*"), [])
    equal(inspector.get_domains(), [])


@feature("inspector, many tables at once")
def multi(connection):
    inspector = prepare(connection)
    found = inspector.get_multi_columns(schema="shop", kind=sa.engine.reflection.ObjectKind.ANY)
    equal(sorted(found), [("shop", "item"), ("shop", "item_names")])
    equal(sorted(inspector.get_multi_table_comment(schema="shop")), [("shop", "item")])
    equal(sorted(inspector.get_multi_indexes(schema="shop")), [("shop", "item")])


@feature("inspector, view definition")
def view_definition(connection):
    definition = prepare(connection).get_view_definition("item_names", "shop")
    assert "FROM shop.item" in definition, definition


@feature("reflects tables")
def reflects(connection):
    prepare(connection)
    metadata = sa.MetaData()
    metadata.reflect(connection, schema="shop", views=True)
    equal(sorted(metadata.tables), ["shop.item", "shop.item_names"])
    item = metadata.tables["shop.item"]
    equal([column.name for column in item.columns], ["id", "name", "price", "at", "tags", "flag"])
    connection.execute(item.insert().values(id=1, name="pen", price=decimal.Decimal("1.50"), tags=["a"], flag=True))
    row = connection.execute(sa.select(item.c.id, item.c.price, item.c.tags, item.c.flag)).one()
    equal(tuple(row), (1, decimal.Decimal("1.50"), ["a"], True))


@feature("ORM")
def object_mapper(connection):
    connection.exec_driver_sql("DROP TABLE IF EXISTS customer")
    connection.exec_driver_sql(
        "CREATE TABLE customer (id bigint NOT NULL, name varchar(40) NOT NULL, joined date NOT NULL, balance numeric(12, 2))")
    connection.commit()
    with orm.Session(ENGINE) as session:
        session.add_all([Customer(id=n, name=f"n{n}", joined=datetime.date(2024, 1, n + 1)) for n in range(5)])
        session.commit()
        found = session.scalars(sa.select(Customer).where(Customer.name.like("n%")).order_by(Customer.id.desc()).limit(2)).all()
        equal([customer.id for customer in found], [4, 3])
        found[0].balance = decimal.Decimal("9.99")
        session.delete(found[1])
        session.commit()
        equal(session.scalar(sa.select(sa.func.count()).select_from(Customer)), 4)
        equal(session.get(Customer, 4).balance, decimal.Decimal("9.99"))


@feature("metadata.create_all")
def create_all(connection):
    metadata = sa.MetaData()
    table = sa.Table("created", metadata, sa.Column("id", sa.BigInteger), sa.Column("name", sa.String(10)),
                     sa.Column("at", sa.DateTime))
    metadata.drop_all(ENGINE)
    metadata.create_all(ENGINE)
    metadata.create_all(ENGINE)
    with ENGINE.begin() as other:
        other.execute(table.insert(), [{"id": n, "name": "x", "at": datetime.datetime(2024, 1, 1)} for n in range(300)])
        equal(other.execute(sa.select(sa.func.count()).select_from(table)).scalar(), 300)
    metadata.drop_all(ENGINE)
    assert not sa.inspect(ENGINE).has_table("created")


@feature("psycopg 3 below")
def psycopg3(connection):
    engine = sa.create_engine("postgresql+psycopg://")
    with engine.connect() as other:
        equal(other.execute(sa.text("SELECT :a + 1"), {"a": 1}).scalar(), 2)
        equal(sa.inspect(other).has_table("pg_class", "pg_catalog"), True)


@feature("isolation levels")
def isolation(connection):
    with ENGINE.connect().execution_options(isolation_level="AUTOCOMMIT") as other:
        equal(other.execute(sa.text("SELECT 1")).scalar(), 1)
    equal(connection.get_isolation_level(), "READ COMMITTED")


@feature("server-side cursor")
def stream(connection):
    result = connection.execution_options(stream_results=True, yield_per=100).execute(
        sa.text("SELECT * FROM generate_series(1, 1000) AS n"))
    equal(sum(row[0] for row in result), 500500)


run(sa.__version__, ENGINE.connect)
