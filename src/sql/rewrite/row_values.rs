//! Rows as values. `ROW(a, b)` and `(a, b)` become calls of `record`, which knows the fields' names; IS NULL
//! looks into each field; and a relation's name in the place of a column, `SELECT t FROM t`, is marked for the
//! planner, which alone knows whether `t` has a column of that name. `GROUP BY (a, b)` groups by both.

use std::ops::ControlFlow;

use sqlparser::ast::{
    AccessExpr, BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr,
    Ident, ObjectName, ObjectNamePart, Query, Select, SelectItem, SetExpr, TableFactor,
    TableWithJoins, Value, VisitMut, VisitorMut,
};

use super::set_functions::INNER;
use super::{call, take};
use crate::base::Result;
use crate::sql::dialect::joined;
use crate::sql::folded;
use crate::sql::selects::selects;

/// The function that makes a row of names and values.
const RECORD: &str = "record";

/// The name that `record` gets for a row whose fields are fields of the row that it makes: `ROW(t.*)`.
pub const ALL_FIELDS: &str = "*";

/// The operator that stands between nothing and a relation's name, for the row of that relation.
pub const WHOLE_ROW: &str = "whole_row";

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    match expression {
        Expr::Tuple(values) => *expression = record(std::mem::take(values)),
        Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("row") => {
            let FunctionArguments::List(list) = &mut function.args else { return Ok(()) };
            let values = list.args.iter_mut().enumerate().filter_map(|(index, argument)| {
                let FunctionArg::Unnamed(argument) = argument else { return None };
                match argument {
                    FunctionArgExpr::Expr(value) => Some((field_name(index), take(value))),
                    FunctionArgExpr::QualifiedWildcard(relation) => {
                        Some((ALL_FIELDS.to_owned(), row_of(relation)?))
                    }
                    _ => None,
                }
            });
            *expression = named_record(values.collect());
        }
        Expr::Function(function) => {
            let FunctionArguments::List(list) = &mut function.args else { return Ok(()) };
            for argument in &mut list.args {
                if let FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(relation)) = argument
                    && let Some(row) = row_of(relation)
                {
                    *argument = FunctionArg::Unnamed(FunctionArgExpr::Expr(row));
                }
            }
        }
        Expr::QualifiedWildcard(relation, _) => {
            if let Some(row) = row_of(relation) {
                *expression = row;
            }
        }
        Expr::IsNull(value) => each_field(expression_of(value), expression, Expr::IsNull),
        Expr::IsNotNull(value) => each_field(expression_of(value), expression, Expr::IsNotNull),
        _ => {}
    }
    Ok(())
}

fn expression_of(value: &Expr) -> Option<Vec<Expr>> {
    match value {
        Expr::Nested(inner) => expression_of(inner),
        value => fields(value),
    }
}

/// A test of a row is the test of all its fields.
fn each_field(fields: Option<Vec<Expr>>, expression: &mut Expr, test: fn(Box<Expr>) -> Expr) {
    let tests =
        fields.map(|fields| fields.into_iter().map(|field| test(Box::new(field))).collect());
    let truth = || Expr::value(Value::Boolean(true));
    let all = tests.map(|tests: Vec<Expr>| joined(tests, &BinaryOperator::And));
    if let Some(all) = all.map(|all| all.unwrap_or_else(truth)) {
        *expression = Expr::Nested(Box::new(all));
    }
}

/// The row of a relation, `t.*` in the place of a value.
fn row_of(relation: &ObjectName) -> Option<Expr> {
    match relation.0.as_slice() {
        [ObjectNamePart::Identifier(name)] => Some(Expr::Identifier(name.clone())),
        _ => None,
    }
}

fn field_name(index: usize) -> String {
    format!("f{}", index + 1)
}

/// `record('f1', a, 'f2', b)`
fn record(values: Vec<Expr>) -> Expr {
    let named = values.into_iter().enumerate().map(|(index, value)| (field_name(index), value));
    named_record(named.collect())
}

fn named_record(values: Vec<(String, Expr)>) -> Expr {
    let named = values
        .into_iter()
        .flat_map(|(name, value)| [Expr::value(Value::SingleQuotedString(name)), value]);
    call(RECORD, named.collect())
}

/// The values of a row.
pub fn fields(expression: &Expr) -> Option<Vec<Expr>> {
    let Expr::Function(function) = expression else { return None };
    if function.name.to_string() != RECORD {
        return None;
    }
    let FunctionArguments::List(list) = &function.args else { return None };
    let values = list.args.iter().skip(1).step_by(2).map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => Some(value.clone()),
        _ => None,
    });
    values.collect()
}

pub fn in_query(query: &mut Query) -> Result<()> {
    selects(&mut query.body).into_iter().for_each(in_select);
    Ok(())
}

fn in_select(select: &mut Select) {
    if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
        let flat = std::mem::take(keys).into_iter().flat_map(|key| match fields(&key) {
            Some(fields) => fields,
            None => vec![key],
        });
        *keys = flat.collect();
    }
    let mut relations = Vec::new();
    select.from.iter().for_each(|table| named(table, &mut relations));
    if relations.is_empty() {
        return;
    }
    let mut marker = Marker { relations, queries: 0 };
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr @ Expr::Identifier(_)) = item
            && let Expr::Identifier(name) = &*expr
            && marker.relation(name).is_some()
        {
            let alias = Ident::with_quote('"', folded(name));
            *item = SelectItem::ExprWithAlias { expr: take(expr), alias };
        }
        let ControlFlow::Continue(()) = item.visit(&mut marker);
    }
    for condition in [&mut select.selection, &mut select.having].into_iter().flatten() {
        let ControlFlow::Continue(()) = condition.visit(&mut marker);
    }
}

/// The relations that a bare name may mean: those that do not say themselves that they have such a column.
fn named(table: &TableWithJoins, names: &mut Vec<Named>) {
    let factors = table.joins.iter().map(|join| &join.relation);
    for factor in std::iter::once(&table.relation).chain(factors) {
        match factor {
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                named(table_with_joins, names);
            }
            TableFactor::Table { name, alias: None, args: None, .. } => {
                if let Some(ObjectNamePart::Identifier(last)) = name.0.last() {
                    names.push(Named { name: folded(last), value: None });
                }
            }
            TableFactor::Table { alias: Some(alias), .. }
            | TableFactor::Derived { alias: Some(alias), .. }
            | TableFactor::UNNEST { alias: Some(alias), .. }
            | TableFactor::Function { alias: Some(alias), .. } => {
                let name = folded(&alias.name);
                if alias.columns.iter().all(|column| folded(&column.name) != name) {
                    let value = match alias.columns.as_slice() {
                        [column] if is_function(factor) => Some(column.name.clone()),
                        _ => None,
                    };
                    names.push(Named { name, value });
                }
            }
            _ => {}
        }
    }
}

/// A relation that a bare name may mean.
struct Named {
    name: String,
    /// The column of a function that returns values: they are the rows.
    value: Option<Ident>,
}

fn is_function(factor: &TableFactor) -> bool {
    match factor {
        TableFactor::UNNEST { .. }
        | TableFactor::Function { .. }
        | TableFactor::Table { args: Some(_), .. } => true,
        TableFactor::Derived { subquery, .. } => {
            let SetExpr::Select(select) = subquery.body.as_ref() else { return false };
            select.from.iter().any(|from| match &from.relation {
                TableFactor::UNNEST { alias: Some(alias), .. } => alias.name.value == INNER,
                _ => false,
            })
        }
        _ => false,
    }
}

/// Marks the names of relations, outside of subqueries.
struct Marker {
    relations: Vec<Named>,
    queries: usize,
}

impl Marker {
    fn relation(&self, name: &Ident) -> Option<&Named> {
        let name = folded(name);
        self.relations.iter().find(|relation| relation.name == name)
    }
}

impl VisitorMut for Marker {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Self::Break> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Self::Break> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    /// In `t.xs[1]` the relation is no value.
    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<Self::Break> {
        if let Expr::CompoundFieldAccess { root, access_chain } = expression
            && let Expr::Identifier(relation) = root.as_ref()
            && let Some(AccessExpr::Dot(Expr::Identifier(column))) = access_chain.first()
        {
            **root = Expr::CompoundIdentifier(vec![relation.clone(), column.clone()]);
            access_chain.remove(0);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<Self::Break> {
        if self.queries == 0
            && let Expr::Identifier(name) = expression
            && let Some(named) = self.relation(name)
        {
            if let Some(value) = &named.value {
                *expression = Expr::CompoundIdentifier(vec![name.clone(), value.clone()]);
                return ControlFlow::Continue(());
            }
            let relation = Expr::value(Value::SingleQuotedString(folded(name)));
            *expression = Expr::BinaryOp {
                left: Box::new(Expr::value(Value::Null)),
                op: BinaryOperator::Custom(WHOLE_ROW.to_owned()),
                right: Box::new(relation),
            };
        }
        ControlFlow::Continue(())
    }
}
