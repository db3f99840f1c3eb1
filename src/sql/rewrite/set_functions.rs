//! Functions that return sets, as PostgreSQL has them. In FROM, `unnest` by any of its names becomes the
//! UNNEST that the planner knows, and a function without column aliases has one column named like itself:
//! `generate_series(1, 3)` gives `generate_series`, `generate_series(1, 3) AS g` gives `g`. In expressions,
//! what the planner has as a function of arrays (`generate_series`, `_pg_expandarray`) is unnested.

use std::ops::ControlFlow;

use sqlparser::ast::{
    CastKind, DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    LambdaFunction, LambdaFunctionParameter, LambdaSyntax, ObjectName, ObjectNamePart,
    OneOrManyWithParens, SelectItem, SetExpr, TableAlias, TableAliasColumnDef, TableFactor,
    TimezoneInfo, TypedString, Value, visit_expressions, visit_expressions_mut,
};

use super::{call, cast, document_constants, made_query, record_functions, take};
use crate::base::{Error, Result};
use crate::sql::cursor::fold;
use crate::sql::output_name::marked;

const GENERATE_SERIES: &str = "generate_series";
const UNNEST: &str = "unnest";
/// Functions that are relations to the grammar.
const RELATIONS: [&str; 2] = ["table_changes", "read_files"];

/// `ROWS FROM (…)` is a call of this function, whose arguments are the calls.
pub const ROWS_FROM: &str = "__rows_from";

pub fn in_relation(factor: &mut TableFactor) -> Result<()> {
    let (name, arguments, alias, with_ordinality) = match factor {
        // What is refused of functions is refused elsewhere.
        TableFactor::Table {
            name,
            args: Some(args),
            alias,
            with_ordinality,
            version: None,
            ..
        } => (name, &mut args.args, alias, with_ordinality),
        TableFactor::Function { name, args, alias, with_ordinality, .. } => {
            (name, args, alias, with_ordinality)
        }
        TableFactor::UNNEST { array_exprs, alias, with_offset: false, with_ordinality, .. } => {
            array_exprs.iter_mut().for_each(make_array);
            let names = vec![UNNEST; array_exprs.len()];
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
        && arguments.iter().all(|one| expression_of(one).is_some_and(is_whole_number));
    if constant_series {
        // The planner's table function takes constant whole numbers, its function of arrays takes all.
        name_column(alias, GENERATE_SERIES);
        return Ok(());
    }
    let document = set_returning(name).and_then(|function| function.document.clone());
    let Some((mut arrays, names)) = arrays_of(name, arguments)? else {
        if let Some(scalar) = scalar_function(name, arguments, alias, *with_ordinality)? {
            *factor = scalar;
        }
        return Ok(());
    };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    finish(alias, &function, &names, &mut arrays, *with_ordinality);
    let typed = names.len().checked_sub(1).zip(document);
    *factor = match (typed, alias.take()) {
        (Some(document), Some(alias)) => documents(arrays, alias, document)?,
        (_, alias) => unnest(arrays, alias),
    };
    Ok(())
}

/// A function of one value in FROM: `LATERAL (SELECT f(x) AS f) AS f`.
fn scalar_function(
    name: &ObjectName,
    arguments: &mut Vec<FunctionArg>,
    alias: &mut Option<TableAlias>,
    with_ordinality: bool,
) -> Result<Option<TableFactor>> {
    let [.., ObjectNamePart::Identifier(last)] = name.0.as_slice() else { return Ok(None) };
    // It names a relation.
    if RELATIONS.iter().any(|relation| is(name, relation)) {
        return Ok(None);
    }
    if with_ordinality || arguments.iter().any(|one| expression_of(one).is_none()) {
        return Ok(None);
    }
    let function = fold(&last.value, last.quote_style);
    let mut value = call(&function, expressions(std::mem::take(arguments)));
    if let Expr::Function(call) = &mut value {
        call.name = name.clone();
    }
    name_column(alias, &function);
    let Some(alias) = alias.take() else { return Ok(None) };
    let item = SelectItem::ExprWithAlias { expr: value, alias: Ident::with_quote('"', function) };
    derived("SELECT 1", vec![item], alias, |_| {}).map(Some)
}

/// The name of the relation inside of a function's query.
pub const INNER: &str = "__function";

/// Arrays unnested, of which one column is documents:
/// `LATERAL (SELECT key, value::jsonb FROM unnest(…) AS __function (key, value)) AS alias`.
fn documents(
    arrays: Vec<Expr>,
    alias: TableAlias,
    (at, document): (usize, DataType),
) -> Result<TableFactor> {
    let columns = alias.columns.iter().map(|column| column.name.clone());
    let items = columns.enumerate().map(|(index, name)| {
        let column = Expr::Identifier(name.clone());
        let expr = if index == at { cast(column, document.clone()) } else { column };
        SelectItem::ExprWithAlias { expr, alias: name }
    });
    let inner = TableAlias { name: Ident::new(INNER), ..alias.clone() };
    derived("SELECT 1 FROM unnest(NULL) AS f", items.collect(), alias, |factor| {
        *factor = unnest(arrays, Some(inner));
    })
}

/// A lateral query made from a template.
fn derived(
    template: &str,
    items: Vec<SelectItem>,
    alias: TableAlias,
    relation: impl FnOnce(&mut TableFactor),
) -> Result<TableFactor> {
    let mut subquery = made_query(template)?;
    if let SetExpr::Select(select) = subquery.body.as_mut() {
        select.projection = items;
        if let Some(from) = select.from.first_mut() {
            relation(&mut from.relation);
        }
    }
    Ok(TableFactor::Derived { lateral: true, subquery, alias: Some(alias), sample: None })
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
    if let Some(function) = set_returning(name) {
        let mut given = expressions(std::mem::take(arguments));
        document_constants::read_first(&mut given, function.name);
        let arrays = function.arrays.iter().map(|array| call(array, given.clone()));
        let names = match function.columns {
            [] => vec![function.name.to_owned()],
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
                let known = unnested_name(&name, &list.args);
                match arrays_of(&name, &mut list.args)? {
                    Some((arrays, _)) if known.is_some() => (arrays, known.into_iter().collect()),
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

/// What a function was called that has been unnested as an expression.
fn unnested_name(name: &ObjectName, arguments: &[FunctionArg]) -> Option<String> {
    let (true, [argument]) = (is(name, UNNEST), arguments) else { return None };
    let Expr::Function(inner) = expression_of(argument)? else { return None };
    if is(&inner.name, GENERATE_SERIES) {
        return Some(GENERATE_SERIES.to_owned());
    }
    let of_array =
        |function: &&SetFunction| matches!(function.arrays, [array] if is(&inner.name, array));
    SET_FUNCTIONS.iter().find(of_array).map(|function| function.name.to_owned())
}

/// Names the columns, and adds the one that numbers the rows.
fn finish(
    alias: &mut Option<TableAlias>,
    function: &str,
    names: &[&str],
    arrays: &mut Vec<Expr>,
    with_ordinality: bool,
) {
    tell_apart(arrays);
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
        [name] if is_alone && explicit && *name == function => vec![alias.name.clone()],
        names => names.iter().map(|name| Ident::new(*name)).collect(),
    };
    for index in 1..all.len() {
        let (before, rest) = all.split_at_mut(index);
        if let Some(name) = rest.first_mut()
            && before.iter().any(|known| known.value == name.value)
        {
            *name = Ident::with_quote('"', marked(index, &name.value));
        }
    }
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
    } else if let Some(&SetFunction { arrays: &[array], ref document, .. }) =
        set_returning(&function.name)
    {
        let mut given = expressions(std::mem::take(&mut list.args));
        let name = function.name.to_string().to_lowercase();
        document_constants::read_first(&mut given, &name);
        let unnested = call(UNNEST, vec![call(array, given)]);
        *expression = match document {
            Some(document) => cast(unnested, document.clone()),
            None => unnested,
        };
    } else if is(&function.name, UNNEST) {
        if let [FunctionArg::Unnamed(FunctionArgExpr::Expr(array))] = list.args.as_mut_slice() {
            flatten(array);
        }
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
    flatten(array);
    if has_column(array)
        && let Expr::Array(elements) = array
    {
        *array = call("make_array", std::mem::take(&mut elements.elem));
    }
}

/// All elements of an array that may have several dimensions.
fn flatten(array: &mut Expr) {
    let may_have_several = match &*array {
        Expr::Array(elements) => elements.elem.iter().any(|one| matches!(one, Expr::Array(_))),
        Expr::Cast { data_type, .. } => matches!(data_type, DataType::Array(_)),
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => true,
        _ => false,
    };
    if may_have_several {
        *array = call("array_elements", vec![take(array)]);
    }
}

/// A function that returns a set.
struct SetFunction {
    name: &'static str,
    /// The functions of the arrays that have its columns.
    arrays: &'static [&'static str],
    /// The columns' names where they are not the function's own.
    columns: &'static [&'static str],
    /// What the last column holds: elements of arrays are texts to the planner.
    document: Option<DataType>,
}

const fn of_texts(
    name: &'static str,
    arrays: &'static [&'static str],
    columns: &'static [&'static str],
) -> SetFunction {
    SetFunction { name, arrays, columns, document: None }
}

const fn of_documents(
    name: &'static str,
    arrays: &'static [&'static str],
    columns: &'static [&'static str],
    document: DataType,
) -> SetFunction {
    SetFunction { name, arrays, columns, document: Some(document) }
}

static SET_FUNCTIONS: [SetFunction; 20] = [
    of_texts("pg_listening_channels", &["listening_channels"], &[]),
    of_texts(
        "pg_options_to_table",
        &["foreign_option_names", "foreign_option_values"],
        &["option_name", "option_value"],
    ),
    of_texts(
        "pg_partition_tree",
        &["partition_relids", "partition_parents", "partition_leaves", "partition_levels"],
        &["relid", "parentrelid", "isleaf", "level"],
    ),
    of_texts("pg_partition_ancestors", &["partition_ancestors"], &["relid"]),
    of_texts("regexp_matches", &["regexp_match_all"], &[]),
    of_texts("regexp_split_to_table", &["regexp_split_to_array"], &[]),
    of_texts("string_to_table", &["string_to_array"], &[]),
    of_texts("generate_subscripts", &["array_subscripts"], &[]),
    of_documents("json_array_elements", &["json_elements"], &["value"], DataType::JSON),
    of_documents("jsonb_array_elements", &["jsonb_elements"], &["value"], DataType::JSONB),
    of_texts("json_array_elements_text", &["json_element_texts"], &["value"]),
    of_texts("jsonb_array_elements_text", &["jsonb_element_texts"], &["value"]),
    of_documents("jsonb_path_query", &["jsonb_path_items"], &[], DataType::JSONB),
    of_documents("jsonb_path_query_tz", &["jsonb_path_items"], &[], DataType::JSONB),
    of_texts("json_object_keys", &["json_keys"], &[]),
    of_texts("jsonb_object_keys", &["jsonb_keys"], &[]),
    of_documents("json_each", &["json_keys", "json_values"], &["key", "value"], DataType::JSON),
    of_documents("jsonb_each", &["jsonb_keys", "jsonb_values"], &["key", "value"], DataType::JSONB),
    of_texts("jsonb_each_text", &["jsonb_keys", "jsonb_value_texts"], &["key", "value"]),
    of_texts("json_each_text", &["json_keys", "json_value_texts"], &["key", "value"]),
];

fn set_returning(name: &ObjectName) -> Option<&'static SetFunction> {
    SET_FUNCTIONS.iter().find(|function| is(name, function.name))
}

/// An array of rows `(x, n)`: each element and its number, as `information_schema._pg_expandarray` gives.
fn expanded(array: Expr) -> Expr {
    // No relation has that name, which would be taken for its rows.
    let number = Ident::with_quote('"', "__number");
    let text = |text: &str| Expr::value(Value::SingleQuotedString(text.to_owned()));
    // Its type is that of the count, from the start.
    let one = cast(Expr::value(Value::Number("1".to_owned(), false)), DataType::Int(None));
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

/// The planner takes arrays that are written alike, but for casts, for one column: each such gets calls around it that
/// change nothing, one more than the one before.
fn tell_apart(arrays: &mut [Expr]) {
    if arrays.len() < 2 {
        return;
    }
    let uncast: Vec<Expr> = arrays.iter().map(without_casts).collect();
    for (index, array) in arrays.iter_mut().enumerate() {
        let before = uncast.iter().take(index);
        let alike = before.filter(|one| uncast.get(index) == Some(*one)).count();
        for _ in 0..alike {
            *array = call("coalesce", vec![take(array)]);
        }
    }
}

fn without_casts(expression: &Expr) -> Expr {
    let mut expression = expression.clone();
    let ControlFlow::Continue(()) = visit_expressions_mut(&mut expression, |part| {
        while let Expr::Cast { expr, .. } | Expr::Nested(expr) = part {
            let inner = take(expr);
            *part = inner;
        }
        ControlFlow::<std::convert::Infallible>::Continue(())
    });
    expression
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

/// Whether the expression is a whole number for every row and every execution.
fn is_whole_number(argument: &Expr) -> bool {
    use sqlparser::ast::BinaryOperator::{Minus, Multiply, Plus};
    match argument {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.bytes().all(|byte| byte.is_ascii_digit()),
            _ => false,
        },
        Expr::Nested(inner) | Expr::UnaryOp { expr: inner, .. } => is_whole_number(inner),
        Expr::BinaryOp { left, op: Plus | Minus | Multiply, right } => {
            is_whole_number(left) && is_whole_number(right)
        }
        Expr::Cast { expr, data_type, .. } => {
            let is_integer = matches!(
                data_type,
                DataType::SmallInt(_)
                    | DataType::Int(_)
                    | DataType::Integer(_)
                    | DataType::Int4(_)
                    | DataType::BigInt(_)
                    | DataType::Int8(_)
            );
            is_integer && is_whole_number(expr)
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
