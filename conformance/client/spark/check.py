"""Spark over JDBC: reads by ranges, predicates and aggregates pushed down, tables written by many tasks."""

import datetime
import decimal
import os
from importlib.metadata import version

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from checks import equal, feature, raises, run

jars = os.environ["JARS"].rstrip(",")
spark = (SparkSession.builder.master("local[2]").appName("conformance")
         .config("spark.jars", jars).config("spark.driver.extraClassPath", jars.replace(",", ":"))
         .config("spark.driver.memory", "1g").config("spark.ui.enabled", "false")
         .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
         .config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "2")
         .config("spark.sql.warehouse.dir", os.path.join(os.environ["WORK"], "warehouse"))
         .config("spark.sql.catalog.lake", "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog")
         .config("spark.sql.catalog.lake.url", f"jdbc:postgresql://localhost:{os.environ['PGPORT']}/{os.environ['PGDATABASE']}")
         .config("spark.sql.catalog.lake.user", os.environ["PGUSER"])
         .config("spark.sql.catalog.lake.password", os.environ["PGPASSWORD"])
         .config("spark.sql.catalog.lake.driver", "org.postgresql.Driver")
         .config("spark.sql.catalog.lake.pushDownAggregate", "true")
         .config("spark.sql.catalog.lake.pushDownLimit", "true")
         .config("spark.sql.catalog.lake.pushDownOffset", "true")
         .getOrCreate())
spark.sparkContext.setLogLevel("ERROR")

# Spark writes by batches of INSERTs, which the driver makes into INSERTs of many rows.
OPTIONS = {"url": f"jdbc:postgresql://localhost:{os.environ['PGPORT']}/{os.environ['PGDATABASE']}?reWriteBatchedInserts=true",
           "user": os.environ["PGUSER"], "password": os.environ["PGPASSWORD"], "driver": "org.postgresql.Driver"}


def reader(**options):
    return spark.read.format("jdbc").options(**OPTIONS).options(**options)


def writer(frame, table, mode, **options):
    frame.write.format("jdbc").options(**OPTIONS).options(dbtable=table, **options).mode(mode).save()


def plan_of(frame):
    """What Spark does itself, and what it has sent."""
    return frame._jdf.queryExecution().executedPlan().toString()


SALES = spark.range(0, 1000).select(
    "id", f.concat(f.lit("c"), f.col("id") % 10).alias("customer"), (f.col("id") % 7).cast("int").alias("quantity"),
    (f.col("id") / 4).cast("decimal(10,2)").alias("amount"), f.expr("date_add(DATE '2024-01-01', int(id % 100))").alias("sold"),
    f.expr("timestamp '2024-01-01 00:00:00' + make_interval(0, 0, 0, 0, int(id))").alias("at"),
    (f.col("id") % 2 == 0).alias("even"), (f.col("id") / 8).alias("ratio"))


@feature("writes a table with many tasks")
def write(_):
    writer(SALES.repartition(4), "sales", "overwrite", batchsize=200)
    count, total = reader(query="SELECT count(*), sum(amount) FROM sales").load().first()
    equal((count, total), (1000, decimal.Decimal("124875.00")))


@feature("types")
def types(_):
    frame = reader(dbtable="sales").load()
    equal([(field.name, field.dataType.simpleString()) for field in frame.schema.fields], [
        ("id", "bigint"), ("customer", "string"), ("quantity", "int"), ("amount", "decimal(10,2)"), ("sold", "date"),
        ("at", "timestamp"), ("even", "boolean"), ("ratio", "double")])
    row = frame.where("id = 9").first()
    equal(tuple(row), (9, "c9", 2, decimal.Decimal("2.25"), datetime.date(2024, 1, 10), datetime.datetime(2024, 1, 1, 9), False, 1.125))


@feature("types without a table")
def other_types(_):
    frame = reader(query="""SELECT 1::smallint AS a, 1.5::real AS b, '\\x00ff'::bytea AS c, ARRAY[1, 2] AS d, ARRAY['x'] AS e,
        '{"a":1}'::jsonb AS f, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS g, NULL::text AS h,
        TIMESTAMPTZ '2024-01-01 12:00:00+02' AS i, 'y'::varchar(3) AS j""").load()
    equal(tuple(frame.first()), (1, 1.5, bytearray(b"\x00\xff"), [1, 2], ["x"], '{"a": 1}',
                                 "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", None, datetime.datetime(2024, 1, 1, 10), "y"))


@feature("reads by ranges of a number")
def ranges(_):
    frame = reader(dbtable="sales", partitionColumn="id", lowerBound=0, upperBound=1000, numPartitions=4).load()
    equal((frame.rdd.getNumPartitions(), frame.count(), frame.agg(f.sum("id")).first()[0]), (4, 1000, 499500))


@feature("reads by ranges of a day and of a time")
def day_ranges(_):
    for column, lower, upper in [("sold", "2024-01-01", "2024-04-10"), ("at", "2024-01-01 00:00:00", "2024-02-10 00:00:00")]:
        frame = reader(dbtable="sales", partitionColumn=column, lowerBound=lower, upperBound=upper, numPartitions=3).load()
        equal((frame.rdd.getNumPartitions(), frame.count()), (3, 1000))


@feature("reads by predicates")
def predicates(_):
    frame = spark.read.jdbc(OPTIONS["url"], "sales", predicates=["quantity < 3", "quantity >= 3"],
                            properties={name: OPTIONS[name] for name in ["user", "password", "driver"]})
    equal((frame.rdd.getNumPartitions(), frame.count()), (2, 1000))


@feature("fetch size")
def fetch_size(_):
    frame = reader(dbtable="(SELECT n FROM generate_series(1, 20000) AS n) AS numbers", fetchsize=1000).load()
    equal(frame.agg(f.sum("n")).first()[0], 200010000)


@feature("predicates are pushed down")
def pushed_predicates(_):
    frame = reader(dbtable="sales").load()
    for condition, count in [("id > 10 AND customer = 'c3'", 99), ("customer LIKE 'c%' AND quantity IN (1, 2)", 286),
                             ("sold >= DATE '2024-04-01' OR even", 550), ("at < TIMESTAMP '2024-01-02 00:00:00'", 24),
                             ("NOT even AND customer IS NOT NULL AND ratio <= 1.0", 4),
                             ("amount = 2.25", 1), ("customer LIKE '%3' AND customer <> 'c4'", 100)]:
        filtered = frame.where(condition)
        assert "PushedFilters: []" not in plan_of(filtered), plan_of(filtered)
        equal((condition, filtered.count()), (condition, count))


@feature("the catalog lists tables")
def catalog(_):
    equal({row.tableName for row in spark.sql("SHOW TABLES IN lake.public").collect()} >= {"sales"}, True)
    equal({row.namespace for row in spark.sql("SHOW NAMESPACES IN lake").collect()} >= {"public"}, True)
    equal(spark.sql("DESCRIBE lake.public.sales").where("col_name = 'amount'").first().data_type, "decimal(10,2)")


@feature("aggregates are pushed down")
def pushed_aggregates(_):
    frame = spark.sql("SELECT customer, count(*) AS n, sum(amount) AS total, max(sold), avg(ratio) FROM lake.public.sales "
                      "WHERE quantity > 1 GROUP BY customer")
    assert "PushedAggregates: [COUNT(*)" in plan_of(frame), plan_of(frame)
    row = frame.where("customer = 'c5'").first()
    equal((row.n, row.total, row[3], row[4]), (71, decimal.Decimal("8891.25"), datetime.date(2024, 4, 5), 4445.625 / 71))


@feature("limits, offsets and orders are pushed down")
def pushed_limits(_):
    frame = spark.sql("SELECT id FROM lake.public.sales WHERE even ORDER BY amount DESC, id LIMIT 3")
    assert "PushedTopN: ORDER BY" in plan_of(frame), plan_of(frame)
    equal([row.id for row in frame.collect()], [998, 996, 994])
    frame = spark.sql("SELECT id FROM lake.public.sales LIMIT 5")
    assert "PushedLimit: LIMIT 5" in plan_of(frame), plan_of(frame)
    equal(frame.count(), 5)


@feature("functions are pushed down")
def pushed_functions(_):
    frame = spark.sql("SELECT id FROM lake.public.sales WHERE upper(customer) = 'C3' AND year(sold) = 2024 AND abs(quantity - 9) > 5 "
                      "AND length(customer) = 2 AND coalesce(ratio, 0) > 1 AND CASE WHEN even THEN 1 ELSE 2 END = 2")
    equal(frame.count(), 56)


@feature("appends")
def append(_):
    writer(SALES.limit(10), "appended", "append")
    writer(SALES.limit(5), "appended", "append")
    equal(reader(dbtable="appended").load().count(), 15)
    raises(Exception, "already exists", lambda: writer(SALES, "appended", "errorifexists"))
    writer(SALES, "appended", "ignore")
    equal(reader(dbtable="appended").load().count(), 15)


@feature("overwrites, and truncates")
def overwrite(_):
    oid = "SELECT 'appended'::regclass::oid::bigint AS oid"
    before = reader(query=oid).load().first()[0]
    writer(SALES.limit(3), "appended", "overwrite", truncate="true")
    equal((reader(query=oid).load().first()[0], reader(dbtable="appended").load().count()), (before, 3))
    writer(SALES.select("id").limit(4), "appended", "overwrite", createTableColumnTypes="id INT")
    frame = reader(dbtable="appended").load()
    equal((frame.columns, frame.schema["id"].dataType.simpleString(), frame.count()), (["id"], "int", 4))


@feature("creates and changes tables by the catalog")
def ddl(_):
    spark.sql("CREATE TABLE lake.public.made (id BIGINT NOT NULL, name STRING)")
    spark.sql("INSERT INTO lake.public.made VALUES (1, 'a'), (2, NULL)")
    spark.sql("ALTER TABLE lake.public.made ADD COLUMN price DOUBLE")
    spark.sql("ALTER TABLE lake.public.made RENAME COLUMN name TO title")
    spark.sql("INSERT INTO lake.public.made SELECT id + 2, title, 1.5 FROM lake.public.made")
    equal([tuple(row) for row in spark.sql("SELECT * FROM lake.public.made ORDER BY id").collect()],
          [(1, "a", None), (2, None, None), (3, "a", 1.5), (4, None, 1.5)])
    spark.sql("DROP TABLE lake.public.made")
    equal(spark.sql("SHOW TABLES IN lake.public LIKE 'made'").count(), 0)


@feature("joins with Spark's own data")
def joined(_):
    names = spark.sql("SELECT * FROM VALUES ('c1', 'Ann'), ('c2', 'Bob') AS names(customer, name)")
    frame = reader(dbtable="sales").load().join(names, "customer").groupBy("name").agg(f.count("*").alias("n"))
    equal({row.name: row.n for row in frame.collect()}, {"Ann": 100, "Bob": 100})


run(version("pyspark"), lambda: None, lambda _: None)
