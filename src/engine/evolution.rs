//! WITH SCHEMA EVOLUTION: the columns that the source of an INSERT or MERGE has and its table lacks are added to the
//! table, in the commit that brings the rows. It takes no column away and makes no type narrower.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, TimeUnit};

use crate::base::{Error, ErrorKind, Result};
use crate::bind::bound::{BoundInsert, BoundMerge, BoundMergeAction};
use crate::catalog::Relation;
use crate::catalog::column_type::canonical;
use crate::delta::TableVersion;
use crate::delta::change::{self, Alteration, ENABLE_TYPE_WIDENING, NewColumn};

use super::alter::upgrade_of;
use super::insert::{target_columns, without_defaults};
use super::open::location_of;
use super::{Engine, Outcome, Request};

/// What a query calls a column without a name.
const UNNAMED: &str = "?column?";

impl Engine {
    pub(super) async fn insert_evolving(
        self: &Arc<Self>,
        insert: BoundInsert,
        request: &Request,
    ) -> Result<Outcome> {
        let engine = Arc::clone(self);
        let make = move |request: Request| {
            let (engine, insert) = (Arc::clone(&engine), insert.clone());
            async move {
                let request = engine.reading_from_before(&insert.table, &request).await?;
                let (planner, asked, within) =
                    (Arc::clone(&engine), insert.clone(), request.clone());
                let evolve = async move { planner.evolve_for_insert(asked, &within).await };
                engine.cpu.run(evolve).await?;
                engine.insert_once(insert, &request).await
            }
        };
        self.as_one(request, make).await
    }

    pub(super) async fn merge_evolving(
        self: &Arc<Self>,
        merge: BoundMerge,
        request: &Request,
    ) -> Result<Outcome> {
        let engine = Arc::clone(self);
        let make = move |request: Request| {
            let (engine, merge) = (Arc::clone(&engine), merge.clone());
            async move {
                let request = engine.reading_from_before(&merge.table, &request).await?;
                let (planner, asked, within) =
                    (Arc::clone(&engine), merge.clone(), request.clone());
                let evolve = async move { planner.evolve_for_merge(asked, &within).await };
                engine.cpu.run(evolve).await?;
                engine.merge_once(merge, &request).await
            }
        };
        self.as_one(request, make).await
    }

    /// The request of a statement that reads its table, if it does, without the columns that it adds.
    async fn reading_from_before(&self, table: &Relation, request: &Request) -> Result<Request> {
        let work = Arc::new(request.work.of_parts());
        let version = self.open_newest(table, &work).await?;
        work.keep(table.id, version);
        Ok(Request { work, ..request.clone() })
    }

    async fn evolve_for_insert(&self, insert: BoundInsert, request: &Request) -> Result<()> {
        let version = self.open_newest(&insert.table, &request.work).await?;
        let (insert, _) = without_defaults(insert, &version)?;
        let BoundInsert { table, columns, source: Some(query), by_name, .. } = insert else {
            return Ok(());
        };
        let given = self.given_columns(query, request).await?;
        let schema = version.schema();
        let mut evolution = Evolution::new(&table, &version);
        if by_name {
            given.into_iter().try_for_each(|field| evolution.give_by_name(field))?;
        } else {
            let is_listed = !columns.is_empty();
            let targets = target_columns(&table, &schema, &columns)?;
            for (place, field) in given.into_iter().enumerate() {
                match targets.get(place) {
                    Some(target) => evolution.give(target, &field)?,
                    // There are more values than names for them, which the INSERT itself tells.
                    None if is_listed => {}
                    None => evolution.add(&field)?,
                }
            }
        }
        self.evolve(&table, evolution.changes(), request).await
    }

    async fn evolve_for_merge(&self, merge: BoundMerge, request: &Request) -> Result<()> {
        let BoundMerge { table, source, clauses, .. } = merge;
        let version = self.open_newest(&table, &request.work).await?;
        let given = self.given_columns(source, request).await?;
        let mut evolution = Evolution::new(&table, &version);
        let takes_all = |action: &BoundMergeAction| {
            matches!(action, BoundMergeAction::UpdateAll | BoundMergeAction::InsertAll)
        };
        if clauses.iter().any(|clause| takes_all(&clause.action)) {
            given.into_iter().try_for_each(|field| evolution.give_by_name(field))?;
            return self.evolve(&table, evolution.changes(), request).await;
        }
        // A column that is named is added if the source has one of that name.
        let named = clauses.iter().flat_map(|clause| match &clause.action {
            BoundMergeAction::Update(assignments) => {
                assignments.iter().map(|assignment| &assignment.column).collect()
            }
            BoundMergeAction::Insert { columns, values: _ } => columns.iter().collect(),
            BoundMergeAction::UpdateAll
            | BoundMergeAction::InsertAll
            | BoundMergeAction::Delete
            | BoundMergeAction::DoNothing => Vec::new(),
        });
        let named: Vec<&str> = named.map(|column| column.name.as_str()).collect();
        let given = given.into_iter().filter(|field| named.contains(&field.name().as_str()));
        let known = version.schema();
        for field in given.filter(|field| known.field_with_name(field.name()).is_err()) {
            evolution.add(&field)?;
        }
        self.evolve(&table, evolution.changes(), request).await
    }

    /// The columns of a source under the names that a client sees.
    async fn given_columns(
        &self,
        query: crate::bind::BoundQuery,
        request: &Request,
    ) -> Result<Vec<FieldRef>> {
        let columns = self.plan(query, request).await?.columns()?.into_iter();
        Ok(columns.map(|column| Arc::new(column.field.with_name(column.name))).collect())
    }

    /// Changes the columns of the table, and those that the metastore has of it.
    pub(super) async fn evolve(
        &self,
        table: &Relation,
        changes: Vec<Alteration>,
        request: &Request,
    ) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let location = location_of(table)?;
        let ctx = self.change_context(self.context.statement(&request.facts), request, None);
        change::alter(&ctx, &location, changes, upgrade_of(table)).await?;
        let newest = self.tables_of(&request.work).open(&location).await?;
        let snapshot = request.work.snapshot(&self.metastore)?;
        match self.columns_change(table, &newest, &snapshot)? {
            Some(change) => self.change_metastore(&[change], request).await,
            None => Ok(()),
        }
    }
}

/// What a table needs for the columns that it is given.
struct Evolution<'a> {
    table: &'a Relation,
    schema: Arc<Schema>,
    widens: bool,
    added: Vec<NewColumn>,
    changed: Vec<Alteration>,
}

impl<'a> Evolution<'a> {
    fn new(table: &'a Relation, version: &TableVersion) -> Self {
        // Without it a column keeps its type, as in other engines.
        let widens = version.properties().get(ENABLE_TYPE_WIDENING);
        Evolution {
            table,
            schema: version.schema(),
            widens: widens.is_some_and(|value| value == "true"),
            added: Vec::new(),
            changed: Vec::new(),
        }
    }

    /// A column for the one of its name, or a new one.
    fn give_by_name(&mut self, field: FieldRef) -> Result<()> {
        let schema = Arc::clone(&self.schema);
        match schema.fields().iter().find(|known| known.name() == field.name()) {
            Some(target) => self.give(target, &field),
            None => self.add(&field),
        }
    }

    /// A column for one that the table has.
    fn give(&mut self, target: &FieldRef, given: &Field) -> Result<()> {
        let given = canonical(given)?;
        let column = target.name().clone();
        if target.data_type().is_nested() {
            if let Some(data_type) = with_fields_of(target.data_type(), given.data_type()) {
                let field = Arc::new(target.as_ref().clone().with_data_type(data_type));
                self.changed.push(Alteration::AddFields { column, field });
            }
        } else if self.widens && is_widened(target.data_type(), given.data_type()) {
            let field = Arc::new(given.with_name(&column));
            self.changed.push(Alteration::SetType { column, field });
        }
        Ok(())
    }

    fn add(&mut self, given: &Field) -> Result<()> {
        let name = given.name();
        if name == UNNAMED {
            let message = format!("a new column of table \"{}\" has no name", self.table.name);
            return Err(Error::new(ErrorKind::SyntaxError, message)
                .with_hint("Give the columns of the query names with AS."));
        }
        let stored = canonical(given)?;
        let data_type = match stored.data_type() {
            DataType::Null => DataType::Utf8,
            other => other.clone(),
        };
        let field = Field::new(name, data_type, true).with_metadata(stored.metadata().clone());
        self.added.push(NewColumn { field: Arc::new(field), default: None, place: None });
        Ok(())
    }

    fn changes(self) -> Vec<Alteration> {
        let mut changes = self.changed;
        if !self.added.is_empty() {
            changes.push(Alteration::AddColumns { columns: self.added, if_not_exists: false });
        }
        changes
    }
}

/// Whether a column of a type gets another by itself, as in Databricks: never from integers to those with digits
/// after the point.
fn is_widened(from: &DataType, to: &DataType) -> bool {
    use DataType::*;
    match (from, to) {
        (Int8, Int16 | Int32 | Int64)
        | (Int16, Int32 | Int64)
        | (Int32, Int64)
        | (Float32, Float64)
        | (Date32, Timestamp(TimeUnit::Microsecond, None)) => true,
        (Decimal128(precision, scale), Decimal128(to_precision, to_scale)) => {
            let whole = |precision: u8, scale: i8| i16::from(precision) - i16::from(scale);
            let holds =
                to_scale >= scale && whole(*to_precision, *to_scale) >= whole(*precision, *scale);
            holds && (precision, scale) != (to_precision, to_scale)
        }
        _ => false,
    }
}

/// A nested type with the fields that another has besides, last and nullable; `None` if there are none.
fn with_fields_of(known: &DataType, given: &DataType) -> Option<DataType> {
    match (known, given) {
        (DataType::Struct(known), DataType::Struct(given)) => {
            let mut fields: Vec<FieldRef> = Vec::with_capacity(given.len());
            let mut is_other = false;
            for field in known {
                let same = given.iter().find(|other| other.name() == field.name());
                let grown =
                    same.and_then(|other| with_fields_of(field.data_type(), other.data_type()));
                is_other |= grown.is_some();
                fields.push(match grown {
                    Some(data_type) => Arc::new(field.as_ref().clone().with_data_type(data_type)),
                    None => Arc::clone(field),
                });
            }
            for field in given {
                if known.iter().all(|other| other.name() != field.name()) {
                    fields.push(Arc::new(field.as_ref().clone().with_nullable(true)));
                    is_other = true;
                }
            }
            is_other.then(|| DataType::Struct(Fields::from(fields)))
        }
        (DataType::List(known), DataType::List(given)) => {
            let grown = with_fields_of(known.data_type(), given.data_type())?;
            Some(DataType::List(Arc::new(known.as_ref().clone().with_data_type(grown))))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn structure(fields: &[(&str, DataType)]) -> DataType {
        let fields = fields.iter().map(|(name, of)| Field::new(*name, of.clone(), true));
        DataType::Struct(fields.collect())
    }

    #[test]
    fn structs_grow_at_their_end() {
        let known =
            structure(&[("a", DataType::Int32), ("b", structure(&[("x", DataType::Utf8)]))]);
        assert_eq!(with_fields_of(&known, &known), None);
        let inner = structure(&[("y", DataType::Int64), ("x", DataType::Utf8)]);
        let given = structure(&[("c", DataType::Utf8), ("b", inner)]);
        let inner = structure(&[("x", DataType::Utf8), ("y", DataType::Int64)]);
        let expected = structure(&[("a", DataType::Int32), ("b", inner), ("c", DataType::Utf8)]);
        assert_eq!(with_fields_of(&known, &given), Some(expected.clone()));
        let list = |of: DataType| DataType::List(Arc::new(Field::new("element", of, true)));
        assert_eq!(with_fields_of(&list(known), &list(given)), Some(list(expected)));
    }

    #[test]
    fn only_types_of_one_kind_widen() {
        assert!(is_widened(&DataType::Int16, &DataType::Int64));
        assert!(is_widened(&DataType::Decimal128(5, 2), &DataType::Decimal128(8, 3)));
        assert!(!is_widened(&DataType::Int64, &DataType::Int32));
        assert!(!is_widened(&DataType::Int32, &DataType::Float64));
        assert!(!is_widened(&DataType::Int32, &DataType::Decimal128(20, 0)));
        assert!(!is_widened(&DataType::Decimal128(5, 2), &DataType::Decimal128(5, 2)));
    }
}
