"""pandas over SQLAlchemy: frames in and out."""

import datetime

import pandas as pd
import sqlalchemy as sa

from checks import equal, feature, run

ENGINE = sa.create_engine("postgresql+psycopg2://")


def frame(count):
    return pd.DataFrame({
        "id": range(count), "name": [f"n{n}" if n % 7 else None for n in range(count)], "price": [n / 4 for n in range(count)],
        "at": pd.to_datetime([datetime.datetime(2024, 1, 1) + datetime.timedelta(hours=n) for n in range(count)]),
        "flag": [n % 2 == 0 for n in range(count)]})


@feature("to_sql and read_sql")
def round_trip(connection):
    for method in [None, "multi"]:
        frame(200).to_sql("frames", ENGINE, if_exists="replace", index=False, method=method)
        back = pd.read_sql("SELECT * FROM frames ORDER BY id", ENGINE)
        equal(len(back), 200)
        equal(back["price"].sum(), 4975.0)
        equal(back["name"].isna().sum(), 29)
        equal(str(back["at"].iloc[5]), "2024-01-01 05:00:00")
        equal(bool(back["flag"].iloc[0]), True)


@feature("to_sql appends")
def append(connection):
    frame(10).to_sql("appended", ENGINE, if_exists="replace", index=False)
    frame(5).to_sql("appended", ENGINE, if_exists="append", index=False)
    equal(int(pd.read_sql("SELECT count(*) AS n FROM appended", ENGINE)["n"][0]), 15)


@feature("read_sql_table")
def read_table(connection):
    frame(3).to_sql("whole", ENGINE, if_exists="replace", index=False)
    back = pd.read_sql_table("whole", ENGINE, columns=["id", "price"])
    equal(back.to_dict("list"), {"id": [0, 1, 2], "price": [0.0, 0.25, 0.5]})


@feature("read_sql with parameters and chunks")
def chunks(connection):
    query = sa.text("SELECT n FROM generate_series(1, 1000) AS n WHERE n > :least")
    sizes = [len(chunk) for chunk in pd.read_sql(query, ENGINE, params={"least": 500}, chunksize=200)]
    equal(sizes, [200, 200, 100])


run(pd.__version__, ENGINE.connect)
