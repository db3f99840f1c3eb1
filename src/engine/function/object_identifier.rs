//! The types whose values are OIDs and whose text is a name: `regclass`, `regtype`, `regproc`,
//! `regprocedure`, `regoper`, `regoperator`, `regcollation`, `regnamespace`, `regrole`. A value is an Int64 with the type's name in the field's metadata; this file
//! puts the look-ups between text and number where SQL asks for them. It looks nothing up itself.
//!
//! - `'t'::regclass` (text to `reg*`) becomes `regclassin('t')`, an error when there is no `t`;
//! - `oid::regclass` only changes the metadata;
//! - `oid::regclass::text` becomes `regclassout(oid)`;
//! - `conrelid::regclass = 't'` reads the literal as a `regclass`, as PostgreSQL reads unknown literals;
//! - `pg_relation_size('t')` reads the literal as a `regclass` too;
//! - a `reg*` column that goes to a client is sent as its name: [`object_identifiers_as_text`].

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DFSchema, Result};
use datafusion::logical_expr::expr::{Cast, InList, ScalarFunction};
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, ScalarUDF,
};
use datafusion::optimizer::AnalyzerRule;

use crate::base::datatype::{BaseType, TYPE_METADATA};
use crate::engine::comparison::is_comparison;
use crate::engine::plan_rewrite::rewrite_expressions;

use super::define::{Function, PostgresFunction};
use super::{object_name, routine_name};

/// Resolves casts and comparisons of object identifier types. Runs before DataFusion's type coercion.
#[derive(Debug)]
pub struct ObjectIdentifierRule;

impl AnalyzerRule for ObjectIdentifierRule {
    fn name(&self) -> &str {
        "object_identifiers"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        rewrite_expressions(plan, rewrite_expression)
    }
}

/// Functions whose first parameter is a `regclass`: they take the name of a relation.
const OF_RELATIONS: [&str; 6] = [
    "pg_relation_size",
    "pg_table_size",
    "pg_total_relation_size",
    "pg_indexes_size",
    "pg_relation_is_updatable",
    "pg_column_is_updatable",
];

fn rewrite_expression(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expression {
        Expr::Cast(cast) => rewrite_cast(cast, schema),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(op) => {
            let (left_type, right_type) = (kind_of(&left, schema), kind_of(&right, schema));
            let (left, right) = match (left_type, right_type) {
                (Some(kind), _) if is_text_literal(&right) => (*left, input(kind, *right)),
                (_, Some(kind)) if is_text_literal(&left) => (input(kind, *left), *right),
                _ => return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))),
            };
            let expression = BinaryExpr { left: Box::new(left), op, right: Box::new(right) };
            Ok(Transformed::yes(Expr::BinaryExpr(expression)))
        }
        Expr::ScalarFunction(mut call) if OF_RELATIONS.contains(&call.func.name()) => {
            let Some(first) = call.args.first_mut().filter(|first| is_text_literal(first)) else {
                return Ok(Transformed::no(Expr::ScalarFunction(call)));
            };
            *first = input(IdentifierType::Regclass, std::mem::take(first));
            Ok(Transformed::yes(Expr::ScalarFunction(call)))
        }
        Expr::InList(InList { expr, list, negated }) => {
            let Some(kind) = kind_of(&expr, schema) else {
                return Ok(Transformed::no(Expr::InList(InList { expr, list, negated })));
            };
            let read = |item: Expr| if is_text_literal(&item) { input(kind, item) } else { item };
            let list = list.into_iter().map(read).collect();
            Ok(Transformed::yes(Expr::InList(InList { expr, list, negated })))
        }
        other => Ok(Transformed::no(other)),
    }
}

fn rewrite_cast(cast: Cast, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let to = identifier_type(&cast.field);
    let source = cast.expr.to_field(schema)?.1;
    match (identifier_type(&source), to) {
        (None, Some(kind))
            if source.data_type().is_string() && cast.field.data_type().is_integer() =>
        {
            Ok(Transformed::yes(input(kind, *cast.expr)))
        }
        (Some(kind), None)
            if source.data_type().is_integer() && cast.field.data_type().is_string() =>
        {
            let name = call(kind.output(), *cast.expr);
            Ok(Transformed::yes(Expr::Cast(Cast::new_from_field(Box::new(name), cast.field))))
        }
        _ => Ok(Transformed::no(Expr::Cast(cast))),
    }
}

fn is_text_literal(expression: &Expr) -> bool {
    match expression {
        Expr::Literal(value, _) => value.try_as_str().flatten().is_some(),
        Expr::Alias(alias) => is_text_literal(&alias.expr),
        _ => false,
    }
}

/// The plan with the names of objects where it gave their numbers, for a client that reads text. The columns
/// keep their type's name in their metadata. `wanted` says for which columns. `None` where there are none.
pub fn object_identifiers_as_text(
    plan: &LogicalPlan,
    wanted: impl Fn(usize) -> bool,
) -> Result<Option<LogicalPlan>> {
    let fields = plan.schema().fields().clone();
    let kind_at = |index: usize, field: &Field| {
        identifier_type(field).filter(|_| wanted(index) && field.data_type().is_integer())
    };
    if !fields.iter().enumerate().any(|(index, field)| kind_at(index, field).is_some()) {
        return Ok(None);
    }
    let mut columns = Vec::with_capacity(fields.len());
    for (index, (qualifier, field)) in plan.schema().iter().enumerate() {
        let column = Expr::Column(Column::from((qualifier, field)));
        columns.push(match kind_at(index, field) {
            Some(kind) => named(kind, call(kind.output(), column))
                .alias_qualified(qualifier.cloned(), field.name()),
            None => column,
        });
    }
    LogicalPlanBuilder::from(plan.clone()).project(columns)?.build().map(Some)
}

/// Text that says which type it is the text of.
fn named(kind: IdentifierType, text: Expr) -> Expr {
    let metadata = [(TYPE_METADATA.to_owned(), kind.base().name().to_owned())];
    let field = Field::new(kind.base().name(), DataType::Utf8, true);
    let field = field.with_metadata(metadata.into_iter().collect());
    Expr::Cast(Cast::new_from_field(Box::new(text), Arc::new(field)))
}

/// The types of this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IdentifierType {
    Regclass,
    Regtype,
    Regproc,
    Regprocedure,
    Regoper,
    Regoperator,
    Regcollation,
    Regnamespace,
    Regrole,
}

impl IdentifierType {
    const ALL: [IdentifierType; 9] = [
        IdentifierType::Regclass,
        IdentifierType::Regtype,
        IdentifierType::Regproc,
        IdentifierType::Regprocedure,
        IdentifierType::Regoper,
        IdentifierType::Regoperator,
        IdentifierType::Regcollation,
        IdentifierType::Regnamespace,
        IdentifierType::Regrole,
    ];

    fn base(self) -> BaseType {
        match self {
            IdentifierType::Regclass => BaseType::Regclass,
            IdentifierType::Regtype => BaseType::Regtype,
            IdentifierType::Regproc => BaseType::Regproc,
            IdentifierType::Regprocedure => BaseType::Regprocedure,
            IdentifierType::Regoper => BaseType::Regoper,
            IdentifierType::Regoperator => BaseType::Regoperator,
            IdentifierType::Regcollation => BaseType::Regcollation,
            IdentifierType::Regnamespace => BaseType::Regnamespace,
            IdentifierType::Regrole => BaseType::Regrole,
        }
    }

    fn input(self) -> &'static str {
        match self {
            IdentifierType::Regclass => "regclassin",
            IdentifierType::Regtype => "regtypein",
            IdentifierType::Regproc => "regprocin",
            IdentifierType::Regprocedure => "regprocedurein",
            IdentifierType::Regoper => "regoperin",
            IdentifierType::Regoperator => "regoperatorin",
            IdentifierType::Regcollation => "regcollationin",
            IdentifierType::Regnamespace => "regnamespacein",
            IdentifierType::Regrole => "regrolein",
        }
    }

    fn output(self) -> &'static str {
        match self {
            IdentifierType::Regclass => "regclassout",
            IdentifierType::Regtype => "regtypeout",
            IdentifierType::Regproc => "regprocout",
            IdentifierType::Regprocedure => "regprocedureout",
            IdentifierType::Regoper => "regoperout",
            IdentifierType::Regoperator => "regoperatorout",
            IdentifierType::Regcollation => "regcollationout",
            IdentifierType::Regnamespace => "regnamespaceout",
            IdentifierType::Regrole => "regroleout",
        }
    }
}

fn identifier_type(field: &Field) -> Option<IdentifierType> {
    let name = field.metadata().get(TYPE_METADATA)?;
    IdentifierType::ALL.into_iter().find(|kind| kind.base().name() == name)
}

/// The object identifier type of an expression.
fn kind_of(expression: &Expr, schema: &DFSchema) -> Option<IdentifierType> {
    let (_, field) = expression.to_field(schema).ok()?;
    identifier_type(&field).filter(|_| field.data_type().is_integer())
}

fn input(kind: IdentifierType, text: Expr) -> Expr {
    call(kind.input(), text)
}

fn call(function: &str, argument: Expr) -> Expr {
    match input_output_function(function) {
        Some(function) => Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![argument])),
        None => argument,
    }
}

fn input_output_function(name: &str) -> Option<Arc<ScalarUDF>> {
    let mut functions = object_name::FUNCTIONS.iter().chain(routine_name::FUNCTIONS);
    functions.find(|function: &&Function| function.name == name).map(PostgresFunction::udf)
}
