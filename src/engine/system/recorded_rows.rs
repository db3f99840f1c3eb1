//! Relations of `pg_catalog` whose rows are PostgreSQL's own, cut down to what Lakegate has: operators, casts,
//! aggregates and the like, recorded in `sql/system/<relation>.tsv`. They depend on nobody and are nobody's
//! secret.

use datafusion::common::{Result, internal_err};

use crate::base::datatype::{BaseType, PgType};

use super::cell::Cell;
use super::lookup::Lookup;
use super::recorded::{self, Fields, RecordedColumn, RecordedRelation, lines};
use super::rows::Rows;

/// A relation with its rows as text.
#[derive(Debug)]
pub struct RecordedRows {
    pub name: &'static str,
    text: &'static str,
}

macro_rules! recorded {
    ($($name:literal)*) => {
        /// Every such relation, by name.
        pub static RECORDED_ROWS: &[RecordedRows] = &[$(RecordedRows {
            name: $name,
            text: include_str!(concat!("../../../sql/system/", $name, ".tsv")),
        },)*];
    };
}

recorded! {
    "pg_aggregate" "pg_am" "pg_amop" "pg_amproc" "pg_cast" "pg_language" "pg_opclass" "pg_operator"
    "pg_opfamily"
}

impl RecordedRows {
    /// The relation's columns; `None` for a relation that PostgreSQL has not.
    pub fn relation(&self) -> Option<&'static RecordedRelation> {
        recorded::relation_by_name("pg_catalog", self.name)
    }

    /// Pushes the rows that the lookup admits.
    pub fn push(&self, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
        let Some(relation) = self.relation() else {
            return internal_err!("{} has no columns", self.name);
        };
        for line in lines(self.text) {
            let mut fields = Fields::of(line);
            let mut cells = Vec::with_capacity(relation.columns.len());
            let mut admitted = true;
            for column in &relation.columns {
                let cell = cell_of(column, &mut fields)?;
                admitted &= admits(lookup, column.name, &cell);
                cells.push(cell);
            }
            if admitted {
                rows.push(&cells)?;
            }
        }
        Ok(())
    }
}

fn admits(lookup: &Lookup, column: &str, cell: &Cell<'_>) -> bool {
    match cell {
        Cell::Int8(number) => lookup.admits_number(column, *number),
        Cell::Text(text) => lookup.admits_text(column, text),
        _ => true,
    }
}

fn cell_of(column: &RecordedColumn, fields: &mut Fields) -> Result<Cell<'static>> {
    use BaseType::*;
    let Some(text) = fields.optional() else { return Ok(Cell::Null) };
    let number = || text.parse::<i64>().ok();
    let cell = match column.pg_type {
        PgType::Scalar(Bool) => Some(Cell::Bool(text == "t")),
        PgType::Scalar(Int2) => text.parse().ok().map(Cell::Int2),
        PgType::Scalar(Int4) => text.parse().ok().map(Cell::Int4),
        PgType::Scalar(base) if recorded::type_by_oid(base.oid()).is_some_and(is_identifier) => {
            number().map(Cell::Int8)
        }
        PgType::Scalar(Name | Text | Char) => Some(text.into()),
        PgType::Scalar(_) | PgType::Array(_) => None,
    };
    match cell {
        Some(cell) => Ok(cell),
        None => internal_err!("\"{text}\" is no value of {}", column.name),
    }
}

/// Whether a type's values are OIDs: numbers that are no amounts.
fn is_identifier(recorded: &recorded::RecordedType) -> bool {
    recorded.oid == BaseType::Oid.oid() || recorded.oid == BaseType::Regproc.oid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Oid;
    use crate::base::datatype::NO_TYPMOD;
    use crate::engine::system::field::field_of;
    use datafusion::arrow::datatypes::Schema;
    use std::sync::Arc;

    #[test]
    fn every_row_can_be_read() {
        for recorded in RECORDED_ROWS {
            let columns = &recorded.relation().unwrap().columns;
            let field =
                |column: &RecordedColumn| field_of(column.name, column.pg_type, NO_TYPMOD).unwrap();
            let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
            let mut rows = Rows::new(schema, (0..columns.len()).collect());
            recorded.push(&Lookup::default(), &mut rows).unwrap();
            let count: usize = rows.finish().unwrap().iter().map(|batch| batch.num_rows()).sum();
            assert_eq!(count, lines(recorded.text).count(), "{}", recorded.name);
        }
    }

    #[test]
    fn operators_stand_on_functions_that_are_there() {
        assert!(recorded::OPERATORS.iter().all(|operator| operator.oprright != Oid::INVALID));
    }
}
