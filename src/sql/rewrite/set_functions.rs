//! Functions that return sets, as PostgreSQL has them. In FROM, `unnest` by any of its names becomes the
//! UNNEST that the planner knows, and a function without column aliases has one column named like itself:
//! `generate_series(1, 3)` gives `generate_series`, `generate_series(1, 3) AS g` gives `g`. In expressions,
//! what the planner has as a function of arrays (`generate_series`, `_pg_expandarray`) is unnested.

use std::ops::ControlFlow;

use sqlparser::ast::{
    CastKind, DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    LambdaFunction, LambdaFunctionParameter, LambdaSyntax, ObjectName, OneOrManyWithParens,
    TableAlias, TableAliasColumnDef, TableFactor, TimezoneInfo, TypedString, Value,
    visit_expressions,
};

use super::{call, record_functions, take};
use crate::base::{Error, Result};

const GENERATE_SERIES: &str = "generate_series";
const UNNEST: &str = "unnest";

/// `ROWS FROM (…)` is a call of this function, whose arguments are the calls.
pub const ROWS_FROM: &str = "__rows_from";

pub fn in_relation(factor: &mut TableFactor) -> Result<()> {
    let (name, arguments, alias, with_ordinality) = match factor {
        TableFactor::Table { name, args: Some(args), alias, with_ordinality, .. } => {
            (name, &mut args.args, alias, with_ordinality)
        }
        TableFactor::Function { name, args, alias, with_ordinality, .. } => {
            (name, args, alias, with_ordinality)
        }
        TableFactor::UNNEST {
            array_exprs, alias, with_offset: false, with_ordinality, ..
        } => {
            array_exprs.iter_mut().for_each(make_array);
            let names = if array_exprs.len() == 1 { vec![UNNEST] } else { Vec::new() };
            finish(alias, UNNEST, &names, array_exprs, std::mem::take(with_ordinality));
            return Ok(());
        }
        _ => return Ok(()),
    };
    if let Some(derived) = record_functions::derived(name, arguments, alias)? {
        if *with_ordinality {
            return Err(Error::unsupported(
                "WITH ORDINALITY of a function with a column definition list",
            ));
        }
        *factor = derived;
        return Ok(());
    }
    let function = name.to_string().to_lowercase();
    let constant_series = is(name, GENERATE_SERIES)
        && !*with_ordinality
        && !arguments.iter().filter_map(expression_of).any(|one| is_of_time(one) || has_column(one));
    if constant_series {
        // The planner's table function takes constant whole numbers, its function of arrays takes all.
        name_column(alias, GENERATE_SERIES);
        return Ok(());
    }
    let Some((mut arrays, names)) = arrays_of(name, arguments)? else { return Ok(()) };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    finish(alias, &function, &names, &mut arrays, *with_ordinality);
    *factor = unnest(arrays, alias.take());
    Ok(())
}

/// The arrays that have the columns of a function that returns a set, and the columns' own names: none where
/// the planner's must do. `None` for another function.
fn arrays_of(
    name: &ObjectName,
    arguments: &mut Vec<FunctionArg>,
) -> Result<Option<(Vec<Expr>, Vec<String>)>> {
    if arguments.iter().any(|one| expression_of(one).is_none()) {
        return Ok(None);
    }
    if is(name, GENERATE_SERIES) {
        let series = series(expressions(std::mem::take(arguments)));
        return Ok(Some((vec![series], vec![GENERATE_SERIES.to_owned()])));
    }
    if let Some((functions, columns)) = set_returning(name) {
        let given = expressions(std::mem::take(arguments));
        let arrays = functions.iter().map(|array| call(array, given.clone()));
        let names = match columns {
            [] => vec![name.to_string().to_lowercase()],
            columns => columns.iter().map(|column| (*column).to_owned()).collect(),
        };
        return Ok(Some((arrays.collect(), names)));
    }
    if is(name, UNNEST) {
        let mut arrays = expressions(std::mem::take(arguments));
        arrays.iter_mut().for_each(make_array);
        let names = vec![UNNEST.to_owned(); arrays.len()];
        return Ok(Some((arrays, names)));
    }
    if is(name, ROWS_FROM) {
        return rows_from(std::mem::take(arguments)).map(Some);
    }
    Ok(None)
}

/// The columns of several functions beside each other.
fn rows_from(calls: Vec<FunctionArg>) -> Result<(Vec<Expr>, Vec<String>)> {
    let (mut arrays, mut names) = (Vec::new(), Vec::new());
    for mut one in expressions(calls) {
        // Functions in expressions have been unnested before.
        let (mut of_one, mut names_of_one) = match &mut one {
            Expr::Function(function) => {
                let name = function.name.clone();
                let FunctionArguments::List(list) = &mut function.args else {
                    return Err(Error::unsupported("such a function in ROWS FROM"));
                };
                match arrays_of(&name, &mut list.args)? {
                    Some(found) => found,
                    None => {
                        let single = call("make_array", vec![take(&mut one)]);
                        (vec![single], vec![name.to_string().to_lowercase()])
                    }
                }
            }
            _ => return Err(Error::unsupported("a value in ROWS FROM")),
        };
        arrays.append(&mut of_one);
        names.append(&mut names_of_one);
    }
    Ok((arrays, names))
}

/// Names the columns, and adds the one that numbers the rows.
fn finish(
    alias: &mut Option<TableAlias>,
    function: &str,
    names: &[&str],
    arrays: &mut Vec<Expr>,
    with_ordinality: bool,
) {
    if with_ordinality {
        arrays.push(call("row_numbers", arrays.clone()));
    }
    if names.is_empty() && !with_ordinality {
        return;
    }
    let is_alone = arrays.len() == 1 || arrays.len() == 2 && with_ordinality;
    let explicit = alias.is_some();
    let alias = alias.get_or_insert_with(|| TableAlias {
        explicit: true,
        name: Ident::new(function),
        columns: Vec::new(),
        at: None,
    });
    let mut all: Vec<Ident> = match names {
        // The alias of a function with one column is the column's name too.
        [_] if is_alone && explicit => vec![alias.name.clone()],
        names => names.iter().map(|name| Ident::new(*name)).collect(),
    };
    if with_ordinality {
        all.resize(arrays.len().saturating_sub(1), Ident::new(UNNEST));
        all.push(Ident::new("ordinality"));
    }
    let missing = all.into_iter().skip(alias.columns.len());
    let definitions = missing.map(|name| TableAliasColumnDef { name, data_type: None });
    if alias.columns.is_empty() || with_ordinality {
        alias.columns.extend(definitions);
    }
}

pub fn in_expression(expression: &mut Expr) -> Result<()> {
    let Expr::Function(function) = expression else { return Ok(()) };
    let FunctionArguments::List(list) = &mut function.args else { return Ok(()) };
    if is(&function.name, GENERATE_SERIES) {
        let series = series(expressions(std::mem::take(&mut list.args)));
        *expression = call(UNNEST, vec![series]);
    } else if let Some((&[array], _)) = set_returning(&function.name) {
        let given = expressions(std::mem::take(&mut list.args));
        *expression = call(UNNEST, vec![call(array, given)]);
    } else if is_expand_array(&function.name) {
        let [argument] = list.args.as_mut_slice() else { return Ok(()) };
        if let FunctionArg::Unnamed(FunctionArgExpr::Expr(array)) = argument {
            *expression = call(UNNEST, vec![expanded(take(array))]);
        }
    }
    Ok(())
}

/// `ARRAY[t.a, t.b]` as a call: the planner looks for columns in an array only in the relations beside it, and
/// for a relation of its own those stand outside.
fn make_array(array: &mut Expr) {
    if has_column(array)
        && let Expr::Array(elements) = array
    {
        *array = call("make_array", std::mem::take(&mut elements.elem));
    }
}

/// Functions that return sets: the functions of the arrays that have their rows, and the columns' names where
/// they are not the function's own.
fn set_returning(name: &ObjectName) -> Option<(&'static [&'static str], &'static [&'static str])> {
    let all: &[(&str, &[&str], &[&str])] = &[
        ("regexp_matches", &["regexp_match_all"], &[]),
        ("regexp_split_to_table", &["regexp_split_to_array"], &[]),
        ("string_to_table", &["string_to_array"], &[]),
        ("generate_subscripts", &["array_subscripts"], &[]),
        ("json_array_elements", &["json_elements"], &["value"]),
        ("jsonb_array_elements", &["jsonb_elements"], &["value"]),
        ("json_array_elements_text", &["json_element_texts"], &["value"]),
        ("jsonb_array_elements_text", &["json_element_texts"], &["value"]),
        ("jsonb_path_query", &["jsonb_path_items"], &[]),
        ("jsonb_path_query_tz", &["jsonb_path_items"], &[]),
        ("json_object_keys", &["json_keys"], &[]),
        ("jsonb_object_keys", &["jsonb_keys"], &[]),
        ("json_each", &["json_keys", "json_values"], &["key", "value"]),
        ("jsonb_each", &["jsonb_keys", "jsonb_values"], &["key", "value"]),
        ("jsonb_each_text", &["jsonb_keys", "json_value_texts"], &["key", "value"]),
        ("json_each_text", &["json_keys", "json_value_texts"], &["key", "value"]),
    ];
    let found = all.iter().find(|(function, _, _)| is(name, function));
    found.map(|(_, arrays, columns)| (*arrays, *columns))
}

/// An array of rows `(x, n)`: each element and its number, as `information_schema._pg_expandarray` gives.
fn expanded(array: Expr) -> Expr {
    let number = Ident::with_quote('"', "n");
    let text = |text: &str| Expr::value(Value::SingleQuotedString(text.to_owned()));
    let one = Expr::value(Value::Number("1".to_owned(), false));
    let count = call("cardinality", vec![array.clone()]);
    let element = call("array_element", vec![array, Expr::Identifier(number.clone())]);
    let row =
        call("named_struct", vec![text("x"), element, text("n"), Expr::Identifier(number.clone())]);
    call("array_transform", vec![call(GENERATE_SERIES, vec![one, count]), lambda(number, row)])
}

/// `parameter -> body`
pub fn lambda(parameter: Ident, body: Expr) -> Expr {
    Expr::Lambda(LambdaFunction {
        params: OneOrManyWithParens::One(LambdaFunctionParameter {
            name: parameter,
            data_type: None,
        }),
        body: Box::new(body),
        syntax: LambdaSyntax::Arrow,
    })
}

fn unnest(array_exprs: Vec<Expr>, alias: Option<TableAlias>) -> TableFactor {
    TableFactor::UNNEST {
        alias,
        array_exprs,
        with_offset: false,
        with_offset_alias: None,
        with_ordinality: false,
    }
}

/// Names the column of a function that returns one.
fn name_column(alias: &mut Option<TableAlias>, function: &str) {
    let alias = alias.get_or_insert_with(|| TableAlias {
        explicit: true,
        name: Ident::new(function),
        columns: Vec::new(),
        at: None,
    });
    if alias.columns.is_empty() {
        let name = alias.name.clone();
        alias.columns.push(TableAliasColumnDef { name, data_type: None });
    }
}

/// The array of a series. Strings among its arguments are what the others say: points in time and a step.
/// A series of dates is one of timestamps.
fn series(mut arguments: Vec<Expr>) -> Expr {
    let told = arguments.iter().take(2).find_map(|bound| match bound {
        Expr::TypedString(TypedString { data_type, .. }) | Expr::Cast { data_type, .. } => {
            Some(data_type.clone())
        }
        _ => None,
    });
    let told = match told {
        Some(DataType::Date) => Some(DataType::Timestamp(None, TimezoneInfo::WithTimeZone)),
        Some(told @ DataType::Timestamp(_, _)) => Some(told),
        _ => None,
    };
    if let Some(point) = told {
        let step = DataType::Interval { fields: None, precision: None };
        let types = [point.clone(), point, step];
        for (argument, data_type) in arguments.iter_mut().zip(types) {
            let is_step = matches!(data_type, DataType::Interval { .. });
            let is_string = matches!(
                argument,
                Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_))
            );
            if is_string || !is_step {
                let expr = Box::new(take(argument));
                let kind = CastKind::DoubleColon;
                *argument = Expr::Cast { kind, expr, data_type, array: false, format: None };
            }
        }
    }
    call(GENERATE_SERIES, arguments)
}

/// Whether a series with this bound or step is one of points in time.
fn is_of_time(argument: &Expr) -> bool {
    match argument {
        Expr::Interval(_) => true,
        Expr::TypedString(TypedString { data_type, .. }) | Expr::Cast { data_type, .. } => {
            matches!(
                data_type,
                DataType::Date | DataType::Timestamp(_, _) | DataType::Interval { .. }
            )
        }
        _ => false,
    }
}

/// Whether the expression names a column.
fn has_column(argument: &Expr) -> bool {
    let found = visit_expressions(argument, |expression| match expression {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

fn expression_of(argument: &FunctionArg) -> Option<&Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => Some(expression),
        _ => None,
    }
}

fn expressions(arguments: Vec<FunctionArg>) -> Vec<Expr> {
    let expressions = arguments.into_iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => Some(expression),
        _ => None,
    });
    expressions.collect()
}

fn is(name: &ObjectName, function: &str) -> bool {
    name.0.len() == 1 && name.to_string().eq_ignore_ascii_case(function)
}

fn is_expand_array(name: &ObjectName) -> bool {
    name.to_string().eq_ignore_ascii_case("information_schema._pg_expandarray")
}
