//! PostgreSQL syntax that DataFusion's planner lacks, said in syntax that it has. Each rule keeps the
//! meaning and stands in its own file; they run bottom-up, in the order of the list.

mod aggregates;
mod array_casts;
mod array_fill;
mod array_slices;
mod array_subquery;
mod at_time_zone;
mod catalog_functions;
mod character_casts;
mod collations;
mod composite_fields;
mod datetime_precision;
mod document_constants;
mod extract;
mod fetch;
mod float_constants;
mod frame_offsets;
mod grouping_tuples;
mod hypothetical;
mod interval_literals;
mod joined_relations;
mod lateral_names;
mod like_any;
mod like_escape;
mod merged_columns;
mod normalized;
mod named_arguments;
mod numeric_constants;
mod ordered_subqueries;
mod prefix_operators;
mod quantified;
mod record_functions;
mod row_comparison;
mod row_values;
mod session_words;
mod set_functions;
mod substrings;
mod system_columns;
mod table_sample;
mod type_functions;
mod type_of;
mod ungrouped_having;
mod union_chains;
mod values_lists;
mod values_subqueries;
mod variadic;
mod window_arguments;
mod window_names;
mod with_order;
mod with_scopes;

use std::ops::ControlFlow;

use sqlparser::ast::{
    CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, ObjectNamePart, Query, TableFactor, VisitMut, VisitorMut,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Span;

pub use quantified::QUANTIFIED;
pub use row_comparison::PERIOD_END;
pub use row_values::{ALL_FIELDS, WHOLE_ROW};
pub use session_words::is_session_word;
pub use set_functions::ROWS_FROM;

use super::selects::selects;
use super::source::Source;
use crate::base::{Error, Result};

/// What a rule looks at. It changes what it knows and leaves the rest.
enum Rule {
    Expression(fn(&mut Expr) -> Result<()>),
    Query(fn(&mut Query) -> Result<()>),
    Relation(fn(&mut TableFactor) -> Result<()>),
}

const RULES: &[Rule] = &[
    Rule::Expression(catalog_functions::in_expression),
    Rule::Relation(catalog_functions::in_relation),
    Rule::Relation(set_functions::in_relation),
    Rule::Relation(table_sample::rewrite),
    Rule::Relation(joined_relations::rewrite),
    Rule::Relation(lateral_names::rewrite),
    Rule::Relation(ordered_subqueries::in_relation),
    Rule::Expression(set_functions::in_expression),
    Rule::Expression(composite_fields::rewrite),
    Rule::Expression(collations::rewrite),
    Rule::Expression(array_casts::rewrite),
    Rule::Expression(type_functions::rewrite),
    Rule::Expression(float_constants::rewrite),
    Rule::Expression(numeric_constants::rewrite),
    Rule::Expression(character_casts::rewrite),
    Rule::Expression(interval_literals::rewrite),
    Rule::Expression(frame_offsets::rewrite),
    Rule::Expression(window_arguments::rewrite),
    Rule::Expression(datetime_precision::rewrite),
    Rule::Expression(extract::rewrite),
    Rule::Expression(variadic::rewrite),
    Rule::Expression(named_arguments::rewrite),
    Rule::Expression(normalized::refuse),
    Rule::Expression(substrings::rewrite),
    Rule::Expression(session_words::rewrite),
    Rule::Expression(type_of::rewrite),
    Rule::Expression(at_time_zone::rewrite),
    Rule::Expression(prefix_operators::rewrite),
    Rule::Expression(aggregates::rewrite),
    Rule::Expression(array_fill::rewrite),
    Rule::Expression(array_slices::rewrite),
    Rule::Expression(array_subquery::rewrite),
    Rule::Expression(document_constants::rewrite),
    Rule::Expression(values_subqueries::rewrite),
    Rule::Expression(row_comparison::rewrite),
    Rule::Expression(row_values::rewrite),
    Rule::Expression(like_any::rewrite),
    Rule::Expression(quantified::rewrite),
    Rule::Expression(like_escape::rewrite),
    Rule::Expression(grouping_tuples::rewrite),
    Rule::Query(fetch::rewrite),
    Rule::Query(ordered_subqueries::in_query),
    Rule::Query(with_scopes::rewrite),
    Rule::Query(with_order::rewrite),
    Rule::Query(merged_columns::rewrite),
    Rule::Query(ungrouped_having::rewrite),
    Rule::Query(system_columns::rewrite),
    Rule::Query(union_chains::rewrite),
    Rule::Query(values_lists::rewrite),
    Rule::Query(row_values::in_query),
    Rule::Query(window_names::rewrite),
];

/// Applies every rule everywhere in `node`.
pub fn apply<V: VisitMut>(node: &mut V, source: &Source<'_>) -> Result<()> {
    match node.visit(&mut Rewriter { source }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Rewriter<'a> {
    source: &'a Source<'a>,
}

impl VisitorMut for Rewriter<'_> {
    type Break = Error;

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<Error> {
        for rule in RULES {
            if let Rule::Expression(apply) = rule
                && let Err(error) = apply(expression)
            {
                let position = span_of(expression).and_then(|span| self.source.position(span));
                return ControlFlow::Break(error.at_if(position));
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        for rule in RULES {
            if let Rule::Query(apply) = rule
                && let Err(error) = apply(query)
            {
                return ControlFlow::Break(error);
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        for rule in RULES {
            if let Rule::Relation(apply) = rule
                && let Err(error) = apply(factor)
            {
                return ControlFlow::Break(error);
            }
        }
        ControlFlow::Continue(())
    }
}

/// Where a refused expression can be pointed at.
fn span_of(expression: &Expr) -> Option<Span> {
    match expression {
        Expr::Collate { collation, .. } => {
            collation.0.first().and_then(ObjectNamePart::as_ident).map(|ident| ident.span)
        }
        _ => None,
    }
}

pub fn cast(expression: Expr, data_type: DataType) -> Expr {
    let (kind, expr) = (CastKind::DoubleColon, Box::new(expression));
    Expr::Cast { kind, expr, data_type, array: false, format: None }
}

/// A call of a function by its bare name.
pub fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let args =
        arguments.into_iter().map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)));
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// A query that is written here.
fn made_query(text: &str) -> Result<Box<Query>> {
    let mut parser = Parser::new(&PostgreSqlDialect {}).try_with_sql(text);
    let parsed = parser.as_mut().map_err(|_| ()).and_then(|p| p.parse_query().map_err(|_| ()));
    parsed.map_err(|()| Error::internal("a made query is none"))
}

/// A query that is written here, over another in the place of its `FROM (SELECT 1)`.
pub fn made_query_over(text: &str, inner: Query) -> Result<Box<Query>> {
    let mut made = made_query(text)?;
    let from = selects(&mut made.body).into_iter().flat_map(|select| &mut select.from).next();
    match from.map(|from| &mut from.relation) {
        Some(TableFactor::Derived { subquery, .. }) => **subquery = inner,
        _ => return Err(Error::internal("a made query reads no other")),
    }
    Ok(made)
}

/// Takes an expression out of the tree, leaving NULL.
fn take(expression: &mut Expr) -> Expr {
    std::mem::replace(expression, Expr::value(sqlparser::ast::Value::Null))
}
