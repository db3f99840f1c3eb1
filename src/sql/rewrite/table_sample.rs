//! `t TABLESAMPLE BERNOULLI (10)` as the rows of `t` that chance chooses, one by one: `SYSTEM` does the same,
//! since data files are far larger than PostgreSQL's pages and a sample of them would be no sample.
//! REPEATABLE is refused: rows have no order to repeat a choice by.

use sqlparser::ast::{
    BinaryOperator, Expr, Ident, ObjectNamePart, SetExpr, TableAlias, TableFactor, TableSample,
    TableSampleKind, TableSampleMethod, TableSampleModifier, Value,
};
use sqlparser::parser::Parser;

use super::super::dialect::LakegateDialect;
use super::call;
use crate::base::{Error, ErrorKind, Result};

pub fn rewrite(factor: &mut TableFactor) -> Result<()> {
    let TableFactor::Table { name, alias, sample, args: None, .. } = factor else { return Ok(()) };
    let Some(TableSampleKind::AfterTableAlias(clause) | TableSampleKind::BeforeTableAlias(clause)) =
        sample.take()
    else {
        return Ok(());
    };
    let percentage = percentage(*clause)?;
    let last = name.0.last().and_then(ObjectNamePart::as_ident).cloned();
    let own_name = || TableAlias {
        explicit: true,
        name: last.unwrap_or_else(|| Ident::new("sample")),
        columns: Vec::new(),
        at: None,
    };
    let alias = alias.take().unwrap_or_else(own_name);
    let dialect = LakegateDialect::for_tokens(&[]);
    let mut query = Parser::new(&dialect)
        .try_with_sql("SELECT * FROM sampled")
        .and_then(|mut parser| parser.parse_query())
        .map_err(|error| Error::internal(error.to_string()))?;
    if let SetExpr::Select(select) = query.body.as_mut() {
        let chance = call("random", Vec::new());
        let hundred = Expr::value(Value::Number("100".to_owned(), false));
        select.selection = Some(binary(
            binary(chance, BinaryOperator::Multiply, hundred),
            BinaryOperator::Lt,
            percentage,
        ));
        for from in &mut select.from {
            from.relation = factor.clone();
        }
    }
    *factor =
        TableFactor::Derived { lateral: false, subquery: query, alias: Some(alias), sample: None };
    Ok(())
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

/// How many of a hundred rows are wanted.
fn percentage(clause: TableSample) -> Result<Expr> {
    if !matches!(clause.modifier, TableSampleModifier::TableSample)
        || clause.bucket.is_some()
        || clause.offset.is_some()
    {
        return Err(Error::unsupported("this form of TABLESAMPLE")
            .with_hint("Use TABLESAMPLE BERNOULLI (percentage)."));
    }
    if clause.seed.is_some() {
        return Err(Error::unsupported("TABLESAMPLE … REPEATABLE"));
    }
    match clause.name {
        Some(TableSampleMethod::Bernoulli | TableSampleMethod::System) => {}
        Some(TableSampleMethod::Row | TableSampleMethod::Block) | None => {
            return Err(Error::new(ErrorKind::UndefinedObject, "unknown tablesample method")
                .with_hint("The methods are BERNOULLI and SYSTEM."));
        }
    }
    match clause.quantity {
        Some(quantity) if quantity.unit.is_none() => match &quantity.value {
            Expr::Value(value) => match &value.value {
                Value::Number(number, _) if !is_percentage(number) => Err(Error::new(
                    ErrorKind::InvalidTablesampleArgument,
                    "sample percentage must be between 0 and 100",
                )),
                _ => Ok(quantity.value),
            },
            _ => Ok(quantity.value),
        },
        _ => Err(Error::unsupported("a TABLESAMPLE that is not a percentage")),
    }
}

fn is_percentage(number: &str) -> bool {
    number.parse::<f64>().is_ok_and(|number| (0.0..=100.0).contains(&number))
}
