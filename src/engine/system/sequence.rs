//! The sequences that PostgreSQL would have for identity columns, made of the columns that the catalog has. Nothing
//! is kept for one: it has the name and the OID that follow from its column. The number that comes next stands in the
//! table's log, which is not looked at here.

use std::sync::Arc;

use crate::base::Oid;
use crate::base::datatype::{BaseType, PgType, pg_type_of};
use crate::base::name::IDENTIFIER_BYTES_MAX;
use crate::catalog::{Column, ColumnSource, Relation, Snapshot};

/// Where the OIDs of sequences begin: the bits that row types of relations have, and those of arrays of them, both.
const SEQUENCES: u32 = 3 << 30;

/// How many bits number the identity columns of one table.
const NUMBER_BITS: u32 = 4;

/// How many bytes of a table's name are at least in that of a sequence, whatever the column is called.
const LEFT_OF_TABLE: usize = 24;

/// How many attributes a sequence has: `last_value`, `log_cnt`, `is_called`.
pub const ATTRIBUTES: i16 = 3;

/// The sequence of an identity column.
#[derive(Debug, Clone)]
pub struct Sequence<'a> {
    pub oid: Oid,
    pub relation: &'a Arc<Relation>,
    pub column: &'a Column,
    pub name: String,
    pub start: i64,
    pub step: i64,
}

/// The sequences of a relation, in the order of its columns.
pub fn sequences_of<'a>(snapshot: &Snapshot, relation: &'a Arc<Relation>) -> Vec<Sequence<'a>> {
    let identities = relation.columns.iter().filter_map(|column| match column.source {
        Some(ColumnSource::Identity { start, step, by_default: _ }) => Some((column, start, step)),
        Some(ColumnSource::Default(_) | ColumnSource::Generated(_)) | None => None,
    });
    let numbered = (0..1 << NUMBER_BITS).zip(identities);
    let sequences = numbered.map(|(number, (column, start, step))| Sequence {
        oid: Oid(SEQUENCES | (relation.oid.0 << NUMBER_BITS | number) & !SEQUENCES),
        relation,
        column,
        name: name_of(snapshot, relation, column),
        start,
        step,
    });
    sequences.collect()
}

/// The OID of the relation that a sequence of this OID belongs to; `None` for what is no sequence's.
pub fn relation_of(oid: Oid) -> Option<Oid> {
    (oid.0 & SEQUENCES == SEQUENCES).then_some(Oid((oid.0 & !SEQUENCES) >> NUMBER_BITS))
}

/// Whether a sequence of this name may be the relation's: its name begins with the relation's, which is cut when long.
pub fn may_belong_to(name: &str, relation: &Relation) -> bool {
    name.starts_with(cut(&relation.name, LEFT_OF_TABLE))
}

impl Sequence<'_> {
    pub fn pg_type(&self) -> PgType {
        let found = pg_type_of(&self.column.field);
        found.map_or(PgType::Scalar(BaseType::Int8), |(pg_type, _)| pg_type)
    }

    /// The least and the greatest number that it may give.
    pub fn bounds(&self) -> (i64, i64) {
        bounds(self.pg_type(), self.step)
    }
}

/// PostgreSQL's bounds of a sequence where nobody names others.
pub fn bounds(pg_type: PgType, step: i64) -> (i64, i64) {
    let (least, greatest) = match pg_type {
        PgType::Scalar(BaseType::Int2) => (i16::MIN.into(), i16::MAX.into()),
        PgType::Scalar(BaseType::Int4) => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN, i64::MAX),
    };
    if step < 0 { (least, -1) } else { (1, greatest) }
}

/// `table_column_seq`, with a number behind where that name is another's.
fn name_of(snapshot: &Snapshot, relation: &Relation, column: &Column) -> String {
    let both = format!("{}_{}", relation.name, column.field.name());
    // Of `a_b` with `c`, and `a` with `b_c`, the one that was made first has the name.
    let before = both.match_indices('_').filter(|(at, _)| {
        let (Some(table), Some(other)) = (both.get(..*at), both.get(at + 1..)) else {
            return false;
        };
        let table = snapshot.relation(relation.schema, table);
        table.filter(|table| table.oid < relation.oid).is_some_and(|table| {
            let mut columns = table.columns.iter().filter(|column| is_identity(column));
            columns.any(|column| column.field.name() == other)
        })
    });
    let mut number = before.count();
    loop {
        let suffix = match number {
            0 => "_seq".to_owned(),
            number => format!("_seq{number}"),
        };
        let name = made_name(&relation.name, column.field.name(), &suffix);
        if snapshot.relation(relation.schema, &name).is_none() {
            return name;
        }
        number += 1;
    }
}

fn is_identity(column: &Column) -> bool {
    matches!(column.source, Some(ColumnSource::Identity { .. }))
}

/// Of a name that would be too long, the longer part is cut, as PostgreSQL does it (`makeObjectName`).
fn made_name(table: &str, column: &str, suffix: &str) -> String {
    let room = IDENTIFIER_BYTES_MAX.saturating_sub(suffix.len() + 1);
    let (mut first, mut second) = (table.len(), column.len());
    while first + second > room {
        if first > second { first -= 1 } else { second -= 1 }
    }
    format!("{}_{}{suffix}", cut(table, first), cut(column, second))
}

/// The longest beginning of a text that has at most so many bytes.
fn cut(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let end = (0..=bytes).rev().find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}
