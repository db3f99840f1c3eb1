#!/usr/bin/env python3
"""Records what PostgreSQL itself declares, cut down to what Lakegate has, into the files of this folder.

    sql/system/record.py POSTGRESQL LAKEGATE        two connection strings; needs psycopg 3

What Lakegate has is asked, not listed: a type that it casts NULL to, a function, an operator or a cast that it plans
and gives PostgreSQL's type for. relations.tsv is written by hand from PostgreSQL's columns with the changes of 16.
"""

import pathlib
import sys

import psycopg

HERE = pathlib.Path(__file__).resolve().parent

# Types without values of their own, which functions are declared with.
PSEUDO_TYPES = """any anyarray anyelement anynonarray anyenum anyrange anymultirange anycompatible anycompatiblearray
anycompatiblenonarray anycompatiblerange anycompatiblemultirange cstring _cstring internal record _record void trigger
event_trigger language_handler fdw_handler index_am_handler table_am_handler tsm_handler pg_ddl_command unknown""".split()


VECTORS = ["_int2vector", "_oidvector"]


class Lakegate:
    """Says what it has."""

    def __init__(self, url):
        self.connection = psycopg.connect(url, autocommit=True)

    def type_of(self, expression):
        """The OID of an expression's type; None where it is not planned."""
        plan = self.connection.pgconn
        if plan.prepare(b"", f"SELECT {expression}".encode()).status != psycopg.pq.ExecStatus.COMMAND_OK:
            return None
        described = plan.describe_prepared(b"")
        return described.ftype(0) if described.nfields == 1 else None


# From the manual of 16.
SETTINGS_16 = [
    ("scram_iterations", None, "Connections and Authentication / Authentication", None, "user", "integer", "1", "2147483647"),
    ("enable_presorted_aggregate", None, "Query Tuning / Planner Method Configuration", None, "user", "bool", None, None),
    ("debug_parallel_query", None, "Developer Options", None, "user", "enum", None, None),
]

NUMBERS = {20, 21, 23, 26, 700, 701, 1700}
TEXTS = {19, 25, 1042, 1043}


def alike(given, declared):
    """Whether a result is of the declared type, or at least of its kind."""
    return given == declared or {given, declared} <= NUMBERS or {given, declared} <= TEXTS


def null(name):
    return f"CAST(NULL AS {name})"


def write(name, title, rows):
    def text(value):
        if value is None:
            return "\\N"
        if isinstance(value, bool):
            return "t" if value else "f"
        assert not set(str(value)) & set("\t\n"), value
        return str(value)

    lines = ["\t".join(map(text, row)) for row in rows]
    header = [f"# {line}" for line in title.splitlines()]
    (HERE / f"{name}.tsv").write_text("\n".join(header + lines) + "\n")
    print(name, len(lines))


def main():
    postgresql = psycopg.connect(sys.argv[1], autocommit=True)
    lakegate = Lakegate(sys.argv[2])

    def rows(sql, *parameters):
        return postgresql.execute(sql, parameters).fetchall()

    spelled = dict(rows("SELECT oid, format_type(oid, NULL) FROM pg_type"))
    spelled = {oid: '"char"' if name == '"char"' else name for oid, name in spelled.items()}

    types = []
    for row in rows("""
            SELECT oid, typname, typlen, typbyval, typtype::text, typcategory::text, typispreferred, typdelim::text, typelem,
                typarray, typinput::oid, typoutput::oid, typreceive::oid, typsend::oid, typmodin::oid, typmodout::oid,
                typalign::text, typstorage::text, typcollation, typsubscript::oid, typanalyze::oid
            FROM pg_type WHERE typrelid = 0 AND typnamespace = 11 AND oid < 10000 ORDER BY oid"""):
        if row[1] in PSEUDO_TYPES + VECTORS or lakegate.type_of(null(spelled[row[0]])) == row[0]:
            types.append(row)
    known = {row[0] for row in types}
    write("types", "pg_type of PostgreSQL 16 for the types that Lakegate has: oid, typname, typlen, typbyval, typtype, typcategory,\n"
          "typispreferred, typdelim, typelem, typarray, typinput, typoutput, typreceive, typsend, typmodin, typmodout,\n"
          "typalign, typstorage, typcollation, typsubscript, typanalyze. Recorded with record.py.", types)

    support = {oid for row in types for oid in row[10:16] + row[19:21] if oid}

    operators, cast_rows = [], []
    for row in rows("""
            SELECT oid, oprname, oprnamespace, oprowner, oprkind::text, oprcanmerge, oprcanhash, oprleft, oprright, oprresult,
                oprcom, oprnegate, oprcode::oid, oprrest::oid, oprjoin::oid
            FROM pg_operator WHERE oid < 10000 ORDER BY oid"""):
        name, left, right, result = row[1], row[7], row[8], row[9]
        operand = lambda oid: null(spelled[oid]) if spelled[oid] not in PSEUDO_TYPES else None
        if not {left, right, result} - {0} <= known:
            continue
        if spelled[right] in PSEUDO_TYPES or (left and spelled[left] in PSEUDO_TYPES):
            continue
        expression = f"{operand(left) if left else ''} {name} {operand(right)}"
        if name != "@@" and lakegate.type_of(expression) == result:
            operators.append(row)
    kept = {row[0] for row in operators}
    # Of the commutator and the negator only those that are there.
    operators = [row[:10] + (row[10] if row[10] in kept else 0, row[11] if row[11] in kept else 0) + row[12:]
                 for row in operators]

    for row in rows("""
            SELECT oid, castsource, casttarget, castfunc, castcontext::text, castmethod::text FROM pg_cast
            WHERE oid < 16384 ORDER BY oid"""):
        if {row[1], row[2]} <= known and lakegate.type_of(f"CAST({null(spelled[row[1]])} AS {spelled[row[2]]})") == row[2]:
            cast_rows.append(row)

    families = rows("""
        SELECT oid, opfmethod, opfname, opfnamespace, opfowner FROM pg_opfamily
        WHERE opfmethod IN (SELECT oid FROM pg_am WHERE amname IN ('btree', 'hash')) ORDER BY oid""")
    amops = [row for row in rows("""
        SELECT oid, amopfamily, amoplefttype, amoprighttype, amopstrategy, amoppurpose::text, amopopr, amopmethod, amopsortfamily
        FROM pg_amop ORDER BY oid""") if row[6] in kept]
    amprocs = [row for row in rows("""
        SELECT oid, amprocfamily, amproclefttype, amprocrighttype, amprocnum, amproc::oid FROM pg_amproc ORDER BY oid""")
        if {row[2], row[3]} <= known]
    classes = [row for row in rows("""
        SELECT oid, opcmethod, opcname, opcnamespace, opcowner, opcfamily, opcintype, opcdefault, opckeytype
        FROM pg_opclass ORDER BY oid""") if row[6] in known]
    used = {row[1] for row in amops}
    families = [row for row in families if row[0] in used]
    used = {row[0] for row in families}
    amops = [row for row in amops if row[1] in used]
    amprocs = [row for row in amprocs if row[1] in used]
    classes = [row for row in classes if row[5] in used]

    methods = rows("SELECT oid, amname, amhandler::oid, amtype::text FROM pg_am WHERE amname IN ('heap', 'btree', 'hash') ORDER BY oid")
    languages = rows("""
        SELECT oid, lanname, lanowner, lanispl, lanpltrusted, lanplcallfoid, laninline, lanvalidator, NULL
        FROM pg_language WHERE oid < 10000 ORDER BY oid""")
    support |= {row[12] for row in operators} | {row[3] for row in cast_rows} | {row[5] for row in amprocs}
    support |= {row[2] for row in methods} | {row[7] for row in languages}

    procedures = []
    for row in rows("""
            SELECT oid, proname, prolang, procost, prorows, provariadic, prokind::text, proleakproof, proisstrict, proretset,
                provolatile::text, proparallel::text, pronargs, pronargdefaults, prorettype, proargtypes::text, prosrc,
                array_to_string(proallargtypes, ' '), array_to_string(proargmodes, ' '), array_to_string(proargnames, '|'),
                pg_get_function_arguments(oid), pg_get_function_identity_arguments(oid),
                pg_get_function_result(oid), CAST(oid::regproc AS text) AS regproc
            FROM pg_proc WHERE pronamespace = 11 AND oid < 12000 ORDER BY oid"""):
        row = list(row)
        arguments = [int(oid) for oid in row[15].split()]
        if row[16] and "\n" in row[16]:
            row[16] = " ".join(row[16].split())
        if not {row[14], *arguments} <= known:
            continue
        if row[0] not in support and not is_function(lakegate, row, arguments, spelled):
            continue
        procedures.append(row)
    present = {row[0] for row in procedures}

    aggregates = [row for row in rows("""
        SELECT aggfnoid::oid, aggkind::text, aggnumdirectargs, aggtransfn::oid, aggfinalfn::oid, aggcombinefn::oid,
            aggserialfn::oid, aggdeserialfn::oid, aggmtransfn::oid, aggminvtransfn::oid, aggmfinalfn::oid, aggfinalextra,
            aggmfinalextra, aggfinalmodify::text, aggmfinalmodify::text, aggsortop, aggtranstype, aggtransspace,
            aggmtranstype, aggmtransspace, agginitval, aggminitval
        FROM pg_aggregate ORDER BY 1""") if row[0] in present]
    # What an aggregate is made of is PostgreSQL's, by OID.
    steps = {oid for row in aggregates for oid in row[3:11] if oid}
    for row in rows("""
            SELECT oid, proname, prolang, procost, prorows, provariadic, prokind::text, proleakproof, proisstrict, proretset,
                provolatile::text, proparallel::text, pronargs, pronargdefaults, prorettype, proargtypes::text, prosrc,
                array_to_string(proallargtypes, ' '), array_to_string(proargmodes, ' '), array_to_string(proargnames, '|'),
                pg_get_function_arguments(oid), pg_get_function_identity_arguments(oid),
                pg_get_function_result(oid), CAST(oid::regproc AS text) AS regproc
            FROM pg_proc WHERE oid = ANY(%s) ORDER BY oid""", list(steps - present)):
        arguments = [int(oid) for oid in row[15].split()]
        if {row[14], *arguments} <= known:
            procedures.append(list(row))
    procedures.sort(key=lambda row: row[0])
    present = {row[0] for row in procedures}
    aggregates = [row[:3] + tuple(oid if oid in present else 0 for oid in row[3:11]) + row[11:15]
                  + (row[15] if row[15] in kept else 0,) + row[16:] for row in aggregates]

    write("procedures", "pg_proc of PostgreSQL 16 for the functions that Lakegate has: oid, proname, prolang, procost, prorows,\n"
          "provariadic, prokind, proleakproof, proisstrict, proretset, provolatile, proparallel, pronargs,\n"
          "pronargdefaults, prorettype, proargtypes, prosrc, proallargtypes, proargmodes, proargnames (with | between),\n"
          "pg_get_function_arguments, pg_get_function_identity_arguments, pg_get_function_result, regproc. Recorded with record.py.", procedures)

    def record(name, found):
        write(name, f"pg_catalog.{name} of PostgreSQL 16, cut down to what Lakegate has. Recorded with record.py.", found)

    record("pg_operator", operators)
    record("pg_cast", cast_rows)
    record("pg_aggregate", aggregates)
    record("pg_am", methods)
    record("pg_opclass", classes)
    record("pg_opfamily", families)
    record("pg_amop", amops)
    record("pg_amproc", amprocs)
    record("pg_language", languages)

    objects = {1247: known, 1255: present, 2617: kept, 2605: {row[0] for row in cast_rows}, 2601: {row[0] for row in methods},
               2612: {row[0] for row in languages}, 3456: {100, 950, 951}, 2615: {11}}
    described = [row for row in rows("""
        SELECT objoid, classoid, objsubid, replace(description, E'\\n', ' ') FROM pg_description ORDER BY classoid, objoid, objsubid""")
        if row[0] in objects.get(row[1], ())]
    write("descriptions", "pg_description of PostgreSQL 16 for the objects that Lakegate has: objoid, classoid, objsubid, description.\n"
          "Recorded with record.py.", described)

    relations = rows("""
        SELECT n.nspname, c.relname, c.oid, t.oid, t.typarray FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_type t ON t.oid = c.reltype
        WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v') AND c.oid < 10000 ORDER BY c.oid""")
    write("row_types", "The row types of system relations whose OIDs PostgreSQL fixes: schema, relation, OID, row type, array type.\n"
          "Recorded with record.py.", relations)

    settings = []
    names = [name for name, in lakegate.connection.execute("SELECT name FROM pg_settings")]
    for row in rows("""
            SELECT name, unit, category, extra_desc, context, vartype, min_val, max_val FROM pg_settings
            WHERE name = ANY(%s) ORDER BY name""", names):
        settings.append(row)
    settings += SETTINGS_16
    write("settings", "pg_settings of PostgreSQL 16 for the settings that Lakegate has: name, unit, category, extra_desc, context, vartype,\n"
          "min_val, max_val. Recorded with record.py.", settings)


def is_function(lakegate, row, arguments, spelled):
    """Whether Lakegate plans a call and gives the declared type."""
    name, kind, result = row[1], row[6], row[14]
    polymorphic = {2276: "text", 2277: "integer[]", 2283: "integer", 2776: "integer", 5077: "integer", 5078: "integer[]",
                   5079: "integer"}
    if any(spelled[oid] in ("internal", "cstring", "trigger", "event_trigger") for oid in [result, *arguments]):
        return False
    calls = [null(polymorphic.get(oid, spelled[oid])) for oid in arguments]
    if row[5] and calls:
        calls[-1] = null(polymorphic.get(row[5], spelled[row[5]]))
    text = f'pg_catalog."{name}"({", ".join(calls)})'
    if name == "count" and not arguments:
        text = "count(*)"
    if kind == "w":
        text += " OVER ()"
    if row[1] in ("mode", "percentile_cont", "percentile_disc"):
        return True
    found = lakegate.type_of(text)
    if found is None:
        found = lakegate.type_of(text.replace("pg_catalog.", "", 1))
    expected = {2277: 1007, 2283: 23, 2776: 23, 5077: 23, 5078: 1007}.get(result, result)
    return found is not None and (alike(found, expected) or row[9] or result == 2249)


main()
