"""The data: the eight TPC-H tables as parquet files, as Delta tables, and as PostgreSQL declares them."""

import pathlib
import subprocess
import sysconfig

import deltalake
import pyarrow.dataset

# Columns as the specification has them. The keys come after loading, with the indexes that keep PostgreSQL from
# scanning lineitem once a row in queries 17 and 20.
POSTGRESQL = {
    "region": "r_regionkey bigint NOT NULL, r_name text NOT NULL, r_comment text",
    "nation": "n_nationkey bigint NOT NULL, n_name text NOT NULL, n_regionkey bigint NOT NULL, n_comment text",
    "part": "p_partkey bigint NOT NULL, p_name text NOT NULL, p_mfgr text NOT NULL, p_brand text NOT NULL,"
    " p_type text NOT NULL, p_size integer NOT NULL, p_container text NOT NULL,"
    " p_retailprice numeric(15,2) NOT NULL, p_comment text NOT NULL",
    "supplier": "s_suppkey bigint NOT NULL, s_name text NOT NULL, s_address text NOT NULL,"
    " s_nationkey bigint NOT NULL, s_phone text NOT NULL, s_acctbal numeric(15,2) NOT NULL, s_comment text NOT NULL",
    "partsupp": "ps_partkey bigint NOT NULL, ps_suppkey bigint NOT NULL, ps_availqty integer NOT NULL,"
    " ps_supplycost numeric(15,2) NOT NULL, ps_comment text NOT NULL",
    "customer": "c_custkey bigint NOT NULL, c_name text NOT NULL, c_address text NOT NULL,"
    " c_nationkey bigint NOT NULL, c_phone text NOT NULL, c_acctbal numeric(15,2) NOT NULL,"
    " c_mktsegment text NOT NULL, c_comment text NOT NULL",
    "orders": "o_orderkey bigint NOT NULL, o_custkey bigint NOT NULL, o_orderstatus text NOT NULL,"
    " o_totalprice numeric(15,2) NOT NULL, o_orderdate date NOT NULL, o_orderpriority text NOT NULL,"
    " o_clerk text NOT NULL, o_shippriority integer NOT NULL, o_comment text NOT NULL",
    "lineitem": "l_orderkey bigint NOT NULL, l_partkey bigint NOT NULL, l_suppkey bigint NOT NULL,"
    " l_linenumber integer NOT NULL, l_quantity numeric(15,2) NOT NULL, l_extendedprice numeric(15,2) NOT NULL,"
    " l_discount numeric(15,2) NOT NULL, l_tax numeric(15,2) NOT NULL, l_returnflag text NOT NULL,"
    " l_linestatus text NOT NULL, l_shipdate date NOT NULL, l_commitdate date NOT NULL,"
    " l_receiptdate date NOT NULL, l_shipinstruct text NOT NULL, l_shipmode text NOT NULL, l_comment text NOT NULL",
}

POSTGRESQL_INDEXES = [
    "ALTER TABLE region ADD PRIMARY KEY (r_regionkey)",
    "ALTER TABLE nation ADD PRIMARY KEY (n_nationkey)",
    "ALTER TABLE part ADD PRIMARY KEY (p_partkey)",
    "ALTER TABLE supplier ADD PRIMARY KEY (s_suppkey)",
    "ALTER TABLE partsupp ADD PRIMARY KEY (ps_partkey, ps_suppkey)",
    "ALTER TABLE customer ADD PRIMARY KEY (c_custkey)",
    "ALTER TABLE orders ADD PRIMARY KEY (o_orderkey)",
    "ALTER TABLE lineitem ADD PRIMARY KEY (l_orderkey, l_linenumber)",
    "CREATE INDEX ON orders (o_custkey)",
    "CREATE INDEX ON lineitem (l_partkey, l_suppkey)",
    "CREATE INDEX ON partsupp (ps_suppkey)",
]

TABLES = list(POSTGRESQL)

QUERIES = pathlib.Path(__file__).parent / "queries"


def query(number, scale):
    """The text of a query; the fraction of query 11 depends on the scale."""
    text = (QUERIES / f"q{number:02}.sql").read_text()
    return text.replace("0.0001", f"{0.0001 / scale:.10f}".rstrip("0")) if number == 11 else text


def make(folder, scale):
    """Makes the data below `folder` unless it is there: `parquet/<table>.parquet` and `delta/<table>`."""
    parquet, delta = folder / "parquet", folder / "delta"
    if not (folder / "complete").exists():
        program = pathlib.Path(sysconfig.get_path("scripts")) / "tpcgen-cli"
        arguments = ["tpch", "parquet", "-s", str(scale), "--output-dir", str(parquet)]
        subprocess.run([program, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for table in TABLES:
            reader = pyarrow.dataset.dataset(parquet / f"{table}.parquet").scanner().to_reader()
            deltalake.write_deltalake(str(delta / table), reader, mode="overwrite")
        (folder / "complete").touch()
    return parquet, delta
