//! The TPC-H tables at scale 0.01, which the files in `tests/slt/tpch` ask: loaded once, by COPY, as
//! `benches/tpch/tables.py` declares them.

use std::fmt::{Display, Write};

use libtest_mimic::Failed;
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator,
    PartSuppGenerator, RegionGenerator, SupplierGenerator,
};

use super::support::{Endpoint, RawClient, message};

pub const SCHEMA: &str = "tpch";

const SCALE: f64 = 0.01;
/// Averages of decimals are cut after six digits.
const TOLERANCE: f64 = 1e-6;
/// Bytes in a CopyData message.
const PIECE: usize = 64 * 1024;

const REGION: &str = "r_regionkey bigint NOT NULL, r_name text NOT NULL, r_comment text";
const NATION: &str = "n_nationkey bigint NOT NULL, n_name text NOT NULL, n_regionkey bigint NOT NULL, \
    n_comment text";
const PART: &str = "p_partkey bigint NOT NULL, p_name text NOT NULL, p_mfgr text NOT NULL, \
    p_brand text NOT NULL, p_type text NOT NULL, p_size integer NOT NULL, p_container text NOT NULL, \
    p_retailprice numeric(15,2) NOT NULL, p_comment text NOT NULL";
const SUPPLIER: &str = "s_suppkey bigint NOT NULL, s_name text NOT NULL, s_address text NOT NULL, \
    s_nationkey bigint NOT NULL, s_phone text NOT NULL, s_acctbal numeric(15,2) NOT NULL, \
    s_comment text NOT NULL";
const PARTSUPP: &str = "ps_partkey bigint NOT NULL, ps_suppkey bigint NOT NULL, \
    ps_availqty integer NOT NULL, ps_supplycost numeric(15,2) NOT NULL, ps_comment text NOT NULL";
const CUSTOMER: &str = "c_custkey bigint NOT NULL, c_name text NOT NULL, c_address text NOT NULL, \
    c_nationkey bigint NOT NULL, c_phone text NOT NULL, c_acctbal numeric(15,2) NOT NULL, \
    c_mktsegment text NOT NULL, c_comment text NOT NULL";
const ORDERS: &str = "o_orderkey bigint NOT NULL, o_custkey bigint NOT NULL, \
    o_orderstatus text NOT NULL, o_totalprice numeric(15,2) NOT NULL, o_orderdate date NOT NULL, \
    o_orderpriority text NOT NULL, o_clerk text NOT NULL, o_shippriority integer NOT NULL, \
    o_comment text NOT NULL";
const LINEITEM: &str = "l_orderkey bigint NOT NULL, l_partkey bigint NOT NULL, \
    l_suppkey bigint NOT NULL, l_linenumber integer NOT NULL, l_quantity numeric(15,2) NOT NULL, \
    l_extendedprice numeric(15,2) NOT NULL, l_discount numeric(15,2) NOT NULL, \
    l_tax numeric(15,2) NOT NULL, l_returnflag text NOT NULL, l_linestatus text NOT NULL, \
    l_shipdate date NOT NULL, l_commitdate date NOT NULL, l_receiptdate date NOT NULL, \
    l_shipinstruct text NOT NULL, l_shipmode text NOT NULL, l_comment text NOT NULL";

/// Makes the schema and fills it.
pub fn load(endpoint: &Endpoint) -> Result<(), Failed> {
    let mut client = RawClient::connect(endpoint, &[("search_path", SCHEMA)])?;
    client.simple_query(&format!("DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))?;
    client.simple_query(&format!("CREATE SCHEMA {SCHEMA}"))?;
    let mut table = |name: &str, columns: &str, rows: Vec<u8>| -> Result<(), Failed> {
        client.simple_query(&format!("CREATE TABLE {name} ({columns})"))?;
        copy(&mut client, name, &rows)
    };
    table("region", REGION, text_of(RegionGenerator::new(SCALE, 1, 1).iter()))?;
    table("nation", NATION, text_of(NationGenerator::new(SCALE, 1, 1).iter()))?;
    table("part", PART, text_of(PartGenerator::new(SCALE, 1, 1).iter()))?;
    table("supplier", SUPPLIER, text_of(SupplierGenerator::new(SCALE, 1, 1).iter()))?;
    table("partsupp", PARTSUPP, text_of(PartSuppGenerator::new(SCALE, 1, 1).iter()))?;
    table("customer", CUSTOMER, text_of(CustomerGenerator::new(SCALE, 1, 1).iter()))?;
    table("orders", ORDERS, text_of(OrderGenerator::new(SCALE, 1, 1).iter()))?;
    table("lineitem", LINEITEM, text_of(LineItemGenerator::new(SCALE, 1, 1).iter()))
}

/// The rows as COPY reads them: the generator ends every column with a bar, COPY all but the last.
fn text_of(rows: impl Iterator<Item = impl Display>) -> Vec<u8> {
    let mut text = String::new();
    for row in rows {
        let _ = write!(text, "{row}");
        text.pop();
        text.push('\n');
    }
    text.into_bytes()
}

fn copy(client: &mut RawClient, table: &str, rows: &[u8]) -> Result<(), Failed> {
    let statement = format!("COPY {table} FROM STDIN (DELIMITER '|')\0");
    client.send(&message(b'Q', statement.as_bytes()))?;
    let mut error = None;
    loop {
        let answer = client.receive()?;
        match answer.kind {
            b'G' => {
                for piece in rows.chunks(PIECE) {
                    client.send(&message(b'd', piece))?;
                }
                client.send(&message(b'c', b""))?;
            }
            b'E' => error = Some(answer.error()),
            b'Z' => return error.map_or(Ok(()), |error| Err(error.into())),
            _ => {}
        }
    }
}

/// Whether the rows are those expected, numbers with a fraction alike to [`TOLERANCE`]: a quotient of
/// decimals has more digits in PostgreSQL than in Arrow.
pub fn validate(
    normalizer: sqllogictest::Normalizer,
    actual: &[Vec<String>],
    expected: &[String],
) -> bool {
    let rows = |row: &Vec<String>| normalizer(&row.join(" "));
    let actual: Vec<String> = actual.iter().map(rows).collect();
    let expected: Vec<String> = expected.iter().map(normalizer).collect();
    actual.len() == expected.len()
        && actual.iter().zip(&expected).all(|(actual, expected)| is_row_alike(actual, expected))
}

fn is_row_alike(actual: &str, expected: &str) -> bool {
    let (actual, expected): (Vec<_>, Vec<_>) =
        (actual.split(' ').collect(), expected.split(' ').collect());
    actual.len() == expected.len()
        && actual.iter().zip(&expected).all(|(actual, expected)| is_alike(actual, expected))
}

fn is_alike(actual: &str, expected: &str) -> bool {
    let number = |text: &str| text.contains('.').then(|| text.parse::<f64>().ok()).flatten();
    match (number(actual), number(expected)) {
        (Some(actual), Some(expected)) => {
            (actual - expected).abs() <= TOLERANCE * expected.abs().max(1.0)
        }
        _ => actual == expected,
    }
}
