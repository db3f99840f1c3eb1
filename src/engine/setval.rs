//! `setval`: where the numbers of an identity column go on. It gives no number.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type};

use crate::base::{Error, ErrorKind, Oid, PrincipalId, Result};
use crate::bind::bound::{BoundQuery, BoundTruncate};
use crate::bind::{Bound, BoundStatement};
use crate::delta::change::{self, Alteration};
use crate::governance::authorize;

use super::alter::upgrade_of;
use super::open::location_of;
use super::output::OutputColumn;
use super::show::{self, Cell, Header, Kind};
use super::stream::RowStream;
use super::system::sequence::Sequence;
use super::system::visible::Visible;
use super::{Engine, Outcome, Request};

const HEADER: Header = &[("setval", Kind::Number)];

/// The columns of its answer.
pub(super) fn columns() -> Result<Arc<[OutputColumn]>> {
    show::columns(HEADER)
}

/// One call, with arguments that are not NULL.
struct Call {
    name: String,
    sequence: Option<Oid>,
    number: i64,
    is_given: bool,
}

impl Engine {
    /// Runs the calls for which `query` gives the arguments, in order.
    pub(super) async fn set_value(
        self: &Arc<Self>,
        query: BoundQuery,
        principal: PrincipalId,
        request: &Request,
    ) -> Result<Outcome> {
        let mut rows = self.query(query, request).await?;
        let mut calls = Vec::new();
        while let Some(batch) = rows.next().await {
            calls.extend(calls_of(&batch?)?);
        }
        drop(rows);
        let mut answers = Vec::with_capacity(calls.len());
        for call in calls {
            if let Some(call) = &call {
                self.set_last_number(call, principal, request).await?;
            }
            answers.push(vec![Cell::Number(call.map(|call| call.number))]);
        }
        let rows = RowStream::ready(columns()?, vec![show::batch(HEADER, answers)?]);
        Ok(Outcome::Rows { rows, tag: "SELECT" })
    }

    async fn set_last_number(
        self: &Arc<Self>,
        call: &Call,
        principal: PrincipalId,
        request: &Request,
    ) -> Result<()> {
        let sequence = found(call, &Visible::new(&request.facts))?;
        let (table, snapshot) = (sequence.relation, Arc::clone(&request.facts.snapshot));
        // What empties the table and begins its numbers again needs the same rights.
        let truncate = BoundTruncate {
            tables: vec![Arc::clone(table)],
            cascaded: Vec::new(),
            restart_identity: true,
        };
        let statement = BoundStatement::Truncate(truncate);
        authorize(Bound { snapshot, statement }, principal)?;
        let (least, greatest) = sequence.bounds();
        if !(least..=greatest).contains(&call.number) {
            let message = format!(
                "setval: value {} is out of bounds for sequence \"{}\" ({least}..{greatest})",
                call.number, sequence.name
            );
            return Err(Error::new(ErrorKind::NumericValueOutOfRange, message));
        }
        let last = match call.is_given {
            true => Some(call.number),
            false => call.number.checked_sub(sequence.step),
        };
        let column = sequence.column.field.name().clone();
        let changes = vec![Alteration::SetLastNumber { column, last }];
        let (location, upgrade) = (location_of(table)?, upgrade_of(table));
        let ctx = self.change_context(self.context.statement(&request.facts), request, None);
        self.cpu
            .run(async move { change::alter(&ctx, &location, changes, upgrade).await })
            .await
            .map(drop)
    }
}

/// The sequence of a call.
fn found<'v>(call: &Call, visible: &Visible<'v>) -> Result<Sequence<'v>> {
    let Some(oid) = call.sequence else {
        let message = format!("relation \"{}\" does not exist", call.name);
        return Err(Error::new(ErrorKind::UndefinedTable, message));
    };
    let found = visible.sequence_by_oid(oid).map(|(_, sequence)| sequence);
    found.ok_or_else(|| {
        let message = format!("\"{}\" is not a sequence", call.name);
        Error::new(ErrorKind::WrongObjectType, message)
    })
}

/// The calls of a batch of arguments; `None` for one with a NULL, which does nothing.
fn calls_of(batch: &RecordBatch) -> Result<Vec<Option<Call>>> {
    let column = |index: usize, data_type: &DataType| {
        let column =
            batch.columns().get(index).ok_or_else(|| Error::internal("an argument is missing"))?;
        cast(column, data_type)
            .map_err(|error| Error::internal("an argument of another type").caused_by(error))
    };
    let (names, oids) = (column(0, &DataType::Utf8)?, column(1, &DataType::Int64)?);
    let (numbers, given) = (column(2, &DataType::Int64)?, column(3, &DataType::Boolean)?);
    let calls = (0..batch.num_rows()).map(|row| {
        if names.is_null(row) || numbers.is_null(row) || given.is_null(row) {
            return None;
        }
        let oid = (!oids.is_null(row)).then(|| oids.as_primitive::<Int64Type>().value(row));
        Some(Call {
            name: names.as_string::<i32>().value(row).to_owned(),
            sequence: oid.and_then(|oid| u32::try_from(oid).ok()).map(Oid),
            number: numbers.as_primitive::<Int64Type>().value(row),
            is_given: given.as_boolean().value(row),
        })
    });
    Ok(calls.collect())
}
