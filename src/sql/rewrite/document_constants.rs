//! A string constant that a function of documents takes is read as a document: `jsonb_each('{"b":1}')` sees it in
//! the form of `jsonb`, and what is none is refused.

use sqlparser::ast::{
    CastKind, DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Value,
};

use super::take;
use crate::base::Result;

/// The functions whose first argument is a document, without the prefix of their type. Functions of arrays stand
/// for those that return sets.
const FUNCTIONS: [&str; 24] = [
    "array_length",
    "extract_path",
    "extract_path_text",
    "insert",
    "path_exists",
    "path_match",
    "path_query_array",
    "path_query_first",
    "path_items",
    "pretty",
    "set",
    "strip_nulls",
    "typeof",
    "keys",
    "elements",
    "element_texts",
    "values",
    "value_texts",
    "array_elements",
    "array_elements_text",
    "each",
    "each_text",
    "object_keys",
    "path_query",
];

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::Function(function) = expression else { return Ok(()) };
    let Some(document) = document_of(&function.name.to_string().to_lowercase()) else {
        return Ok(());
    };
    if let FunctionArguments::List(list) = &mut function.args
        && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(first))) = list.args.first_mut()
    {
        read(first, document);
    }
    Ok(())
}

/// Reads the first of the arguments of a function that takes a document there.
pub fn read_first(arguments: &mut [Expr], function: &str) {
    if let (Some(first), Some(document)) = (arguments.first_mut(), document_of(function)) {
        read(first, document);
    }
}

/// The type of the documents that a function takes.
fn document_of(function: &str) -> Option<DataType> {
    let (name, document) = match function.strip_prefix("jsonb_") {
        Some(name) => (name, DataType::JSONB),
        None => (function.strip_prefix("json_")?, DataType::JSON),
    };
    FUNCTIONS.contains(&name).then_some(document)
}

/// Casts a constant.
pub fn read(argument: &mut Expr, document: DataType) {
    if let Expr::Value(value) = argument
        && matches!(value.value, Value::SingleQuotedString(_))
    {
        *argument = Expr::Cast {
            kind: CastKind::DoubleColon,
            expr: Box::new(take(argument)),
            data_type: document,
            array: false,
            format: None,
        };
    }
}
