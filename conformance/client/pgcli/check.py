"""pgcli's executor and completion refresher, without a terminal."""

import os

import pgcli
from pgcli.completion_refresher import CompletionRefresher
from pgcli.pgexecute import PGExecute
from pgspecial.main import PGSpecial

from checks import equal, feature, run


def connect():
    return PGExecute(os.environ["PGDATABASE"], os.environ["PGUSER"], os.environ["PGPASSWORD"], os.environ["PGHOST"],
                     os.environ["PGPORT"], None)


def rows(executor, text):
    return [tuple(row) for _, found, *_ in executor.run(text, pgspecial=PGSpecial()) for row in found or []]


@feature("runs statements")
def statements(executor):
    rows(executor, "CREATE TABLE IF NOT EXISTS prompted (id bigint, name text)")
    equal(rows(executor, "SELECT 1 AS a, 'x' AS b"), [(1, "x")])


@feature("lists schemas, tables, views, columns")
def lists(executor):
    assert {"public", "pg_catalog", "information_schema"} <= set(executor.schemata())
    assert ("public", "prompted") in set(executor.tables())
    assert ("pg_catalog", "pg_tables") in set(executor.views())
    columns = [tuple(column)[:4] for column in executor.table_columns() if column[1] == "prompted"]
    equal(columns, [("public", "prompted", "id", "bigint"), ("public", "prompted", "name", "text")])


@feature("lists functions, types, databases, keys")
def functions(executor):
    assert "main" in executor.databases()
    assert any(function.func_name == "abs" for function in executor.functions())
    list(executor.datatypes())
    list(executor.casing())
    equal([key for key in executor.foreignkeys() if key.parenttable == "prompted"], [])
    equal(executor.search_path(), ["pg_catalog", "public"])


@feature("view and function definitions")
def definitions(executor):
    rows(executor, "CREATE OR REPLACE VIEW prompt_view AS SELECT 1 AS a")
    assert "SELECT 1 AS a" in executor.view_definition("prompt_view")


@feature("backslash commands")
def special(executor):
    assert any("prompted" in row for row in rows(executor, "\\dt"))
    assert rows(executor, "\\d prompted")
    for command in ["\\l", "\\dn", "\\du", "\\df abs", "\\dv", "\\di", "\\ds", "\\dx", "\\dT", "\\dm", "\\dp", "\\ddp", "\\db"]:
        rows(executor, command)


@feature("refreshes completions")
def completions(executor):
    import threading
    done = threading.Event()
    found = []
    CompletionRefresher().refresh(executor, None, lambda completer: (found.append(completer), done.set()), settings={})
    assert done.wait(60), "no completer"
    assert "prompted" in found[0].dbmetadata["tables"]["public"]


run(pgcli.__version__, connect, close=lambda executor: executor.conn.close())
