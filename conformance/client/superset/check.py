"""Apache Superset over its REST API: a database is added, its schemas, tables and columns are browsed, a dataset and
charts are made, and the charts' data and SQL Lab's are asserted on."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request

import psycopg2

from checks import equal, feature, raises, run

BASE = os.environ["SUPERSET"]
KNOWN = {}


def call(method, path, body=None):
    """What the API answers, as JSON."""
    headers = {"Content-Type": "application/json"}
    if "token" in KNOWN:
        headers["Authorization"] = f"Bearer {KNOWN['token']}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()[:300]}") from error


def fixture():
    connection = psycopg2.connect("")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("""
            CREATE TABLE sales (id bigint NOT NULL, region varchar(20), amount numeric(12, 2), quantity integer, sold_at timestamp, ok boolean);
            COMMENT ON TABLE sales IS 'what was sold';
            INSERT INTO sales SELECT g, CASE g % 3 WHEN 0 THEN 'north' WHEN 1 THEN 'south' END, g * 1.25, g % 5,
                timestamp '2024-01-01' + g * interval '12 hours', g % 2 = 0 FROM generate_series(1, 120) AS g;
            CREATE VIEW north AS SELECT * FROM sales WHERE region = 'north'""")
    connection.close()


def chart_data(query, form=None):
    body = {"datasource": {"id": KNOWN["dataset"], "type": "table"}, "force": True, "queries": [query],
            "form_data": form or {}, "result_format": "json", "result_type": "full"}
    return call("POST", "/api/v1/chart/data", body)["result"][0]


def amount(label, aggregate="SUM"):
    return {"expressionType": "SIMPLE", "column": {"column_name": "amount"}, "aggregate": aggregate, "label": label}


@feature("a database is added and tested")
def add_database(_):
    uri = (f"postgresql+psycopg2://{os.environ['PGUSER']}:{os.environ['PGPASSWORD']}@{os.environ['PGHOST']}:"
           f"{os.environ['PGPORT']}/{os.environ['PGDATABASE']}")
    database = {"database_name": "warehouse", "sqlalchemy_uri": uri}
    equal(call("POST", "/api/v1/database/test_connection/", database), {"message": "OK"})
    allowed = {"expose_in_sqllab": True, "allow_ctas": True, "allow_dml": True}
    KNOWN["database"] = call("POST", "/api/v1/database/", {**database, **allowed})["id"]


@feature("schemas, tables and columns are browsed")
def browse(_):
    at = f"/api/v1/database/{KNOWN['database']}"
    schemas = call("GET", f"{at}/schemas/")["result"]
    assert "public" in schemas and "information_schema" in schemas, schemas
    named = urllib.parse.quote("(schema_name:public)")
    tables = {one["value"]: one["type"] for one in call("GET", f"{at}/tables/?q={named}")["result"]}
    equal({name: tables.get(name) for name in ["sales", "north"]}, {"sales": "table", "north": "view"})
    shown = call("GET", f"{at}/table_metadata/?name=sales&schema=public")
    equal([(one["name"], one["type"]) for one in shown["columns"]],
          [("id", "BIGINT"), ("region", "VARCHAR"), ("amount", "NUMERIC"), ("quantity", "INTEGER"),
           ("sold_at", "TIMESTAMP"), ("ok", "BOOLEAN")])
    equal(shown["comment"], "what was sold")


@feature("a dataset is made")
def dataset(_):
    made = call("POST", "/api/v1/dataset/", {"database": KNOWN["database"], "schema": "public", "table_name": "sales"})
    KNOWN["dataset"] = made["id"]
    columns = call("GET", f"/api/v1/dataset/{made['id']}")["result"]["columns"]
    equal({one["column_name"]: one["is_dttm"] for one in columns},
          {"id": False, "region": False, "amount": False, "quantity": False, "sold_at": True, "ok": False})


@feature("a chart is made")
def chart(_):
    params = {"viz_type": "table", "datasource": f"{KNOWN['dataset']}__table", "groupby": ["region"]}
    made = call("POST", "/api/v1/chart/", {"slice_name": "by region", "viz_type": "table", "datasource_id": KNOWN["dataset"],
                                           "datasource_type": "table", "params": json.dumps(params)})
    equal(made["result"]["slice_name"], "by region")


@feature("a chart's groups")
def groups(_):
    found = chart_data({"columns": ["region"], "metrics": [amount("total"), "count"], "orderby": [[amount("total"), False]],
                        "row_limit": 100})
    equal([(row["region"], float(row["total"]), row["count"]) for row in found["data"]],
          [("north", 3075.0, 40), (None, 3025.0, 40), ("south", 2975.0, 40)])


@feature("a chart over time")
def time_series(_):
    found = chart_data({"granularity": "sold_at", "time_range": "2024-01-01 : 2024-03-01",
                        "columns": [{"columnType": "BASE_AXIS", "sqlExpression": "sold_at", "label": "sold_at",
                                     "expressionType": "SQL", "timeGrain": "P1M"}],
                        "metrics": ["count"], "extras": {"time_grain_sqla": "P1M"}, "orderby": [["count", False]], "row_limit": 100})
    equal([row["count"] for row in found["data"]], [61, 58])


@feature("a chart with filters")
def filters(_):
    wanted = [{"col": "region", "op": "IN", "val": ["north", "south"]}, {"col": "amount", "op": ">=", "val": 100},
              {"col": "region", "op": "ILIKE", "val": "N%"}, {"col": "ok", "op": "IS TRUE"}]
    found = chart_data({"columns": ["region"], "metrics": ["count", amount("most", "MAX")], "filters": wanted, "row_limit": 10})
    equal([(row["region"], row["count"], float(row["most"])) for row in found["data"]], [("north", 7, 150.0)])


@feature("a chart's raw rows")
def raw(_):
    found = chart_data({"columns": ["id", "region", "amount", "sold_at", "ok"], "orderby": [["id", True]], "row_limit": 2})
    equal([(row["id"], row["region"], float(row["amount"]), row["ok"]) for row in found["data"]],
          [(1, "south", 1.25, False), (2, None, 2.5, True)])


@feature("the values of a filter")
def values(_):
    found = call("GET", f"/api/v1/datasource/table/{KNOWN['dataset']}/column/region/values/")["result"]
    equal(sorted(found, key=str), [None, "north", "south"])


@feature("SQL Lab")
def sql_lab(_):
    def ask(sql):
        body = {"database_id": KNOWN["database"], "sql": sql, "schema": "public", "runAsync": False, "queryLimit": 50}
        return call("POST", "/api/v1/sqllab/execute/", body)
    found = ask("SELECT region, count(*) AS n FROM north GROUP BY region")
    equal(found["data"], [{"region": "north", "n": 40}])
    equal([one["type"] for one in found["columns"]], ["STRING", "LONGINTEGER"])
    equal(ask("SELECT 1 AS a; SELECT 2 AS b")["data"], [{"b": 2}])


@feature("SQL Lab shows errors")
def sql_lab_errors(_):
    body = {"database_id": KNOWN["database"], "schema": "public", "runAsync": False}
    # Superset knows errors by PostgreSQL's words and the line that they name.
    for sql, kind in [("SELECT nothing FROM sales", "COLUMN_DOES_NOT_EXIST_ERROR"), ("SELECT 1 FROM nowhere", "does not exist\\nLINE 3")]:
        raises(AssertionError, kind, lambda: call("POST", "/api/v1/sqllab/execute/", {**body, "sql": sql}))


def start():
    fixture()
    KNOWN["token"] = call("POST", "/api/v1/security/login", {"username": "admin", "password": "admin", "provider": "db"})["access_token"]


start()
run(os.environ["VERSION"], lambda: None, lambda _: None)
