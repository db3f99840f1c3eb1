//! `date(x)` becomes `CAST(x AS date)`: a type's name, called like a function with one value, is a cast
//! (https://www.postgresql.org/docs/16/sql-expressions.html#SQL-SYNTAX-TYPE-CASTS).

use sqlparser::ast::{
    CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    ObjectName, ObjectNamePart,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::take;
use crate::base::Result;

/// The types whose names may be called. Those of the grammar (`timestamp`, `numeric`) have to be quoted.
const TYPES: &[&str] = &[
    "bool",
    "bpchar",
    "bytea",
    "char",
    "date",
    "float4",
    "float8",
    "inet",
    "int2",
    "int4",
    "int8",
    "interval",
    "json",
    "jsonb",
    "name",
    "numeric",
    "oid",
    "regclass",
    "regnamespace",
    "regproc",
    "regrole",
    "regtype",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "uuid",
    "varchar",
];

/// Those of the grammar, where a value may not stand in parentheses.
const OF_GRAMMAR: &[&str] = &["char", "interval", "numeric", "time", "timestamp", "varchar"];

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::Function(function) = expression else { return Ok(()) };
    let Some(name) = type_name(&function.name) else { return Ok(()) };
    let data_type = match name {
        // Without the quotes it is `character(1)`.
        "char" => {
            DataType::Custom(ObjectName::from(vec![Ident::with_quote('"', name)]), Vec::new())
        }
        name => {
            match Parser::new(&PostgreSqlDialect {})
                .try_with_sql(name)
                .and_then(|mut of| of.parse_data_type())
            {
                Ok(data_type) => data_type,
                Err(_) => return Ok(()),
            }
        }
    };
    if let Some(value) = only_argument(function) {
        let expr = Box::new(take(value));
        *expression =
            Expr::Cast { kind: CastKind::Cast, expr, data_type, array: false, format: None };
    }
    Ok(())
}

fn type_name(name: &ObjectName) -> Option<&'static str> {
    let ident = match name.0.as_slice() {
        [ObjectNamePart::Identifier(ident)]
            if ident.quote_style.is_none()
                && OF_GRAMMAR.iter().any(|word| ident.value.eq_ignore_ascii_case(word)) =>
        {
            return None;
        }
        [ObjectNamePart::Identifier(ident)] => ident,
        [ObjectNamePart::Identifier(schema), ObjectNamePart::Identifier(ident)]
            if schema.value.eq_ignore_ascii_case("pg_catalog") =>
        {
            ident
        }
        _ => return None,
    };
    let is_said = |known: &&&str| match ident.quote_style {
        Some(_) => ident.value == **known,
        None => ident.value.eq_ignore_ascii_case(known),
    };
    TYPES.iter().find(is_said).copied()
}

/// The argument of a plain call with one value.
fn only_argument(function: &mut Function) -> Option<&mut Expr> {
    let plain = function.over.is_none()
        && function.filter.is_none()
        && function.null_treatment.is_none()
        && function.within_group.is_empty()
        && function.parameters == FunctionArguments::None;
    let FunctionArguments::List(list) = &mut function.args else { return None };
    if !plain || list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
        return None;
    }
    match list.args.as_mut_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(value))] => Some(value),
        _ => None,
    }
}
