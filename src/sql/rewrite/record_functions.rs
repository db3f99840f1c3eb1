//! `json_to_record` and its relatives, whose columns a list after the alias defines: `json_to_record(j) AS t(a int)`
//! becomes `LATERAL (SELECT json_field(j, 'a')::int AS a) AS t`, and of a set, the same over its elements.

use sqlparser::ast::{
    ArrayElemTypeDef, CastKind, DataType, Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName,
    ObjectNamePart, SelectItem, SetExpr, TableAlias, TableAliasColumnDef, TableFactor, Value,
};

use super::{call, document_constants, made_query, take};
use crate::base::{Error, ErrorKind, Result};

/// A function that takes a document.
struct RecordFunction {
    name: &'static str,
    is_set: bool,
    /// Whether a record comes before the document, of which only the type counts: it must be NULL.
    populates: bool,
}

const FUNCTIONS: [RecordFunction; 8] = [
    RecordFunction { name: "json_to_record", is_set: false, populates: false },
    RecordFunction { name: "jsonb_to_record", is_set: false, populates: false },
    RecordFunction { name: "json_to_recordset", is_set: true, populates: false },
    RecordFunction { name: "jsonb_to_recordset", is_set: true, populates: false },
    RecordFunction { name: "json_populate_record", is_set: false, populates: true },
    RecordFunction { name: "jsonb_populate_record", is_set: false, populates: true },
    RecordFunction { name: "json_populate_recordset", is_set: true, populates: true },
    RecordFunction { name: "jsonb_populate_recordset", is_set: true, populates: true },
];

const ELEMENTS: &str = "__elements";

/// The relation as a query; `None` for another function.
pub fn derived(
    name: &ObjectName,
    arguments: &mut [FunctionArg],
    alias: &mut Option<TableAlias>,
) -> Result<Option<TableFactor>> {
    let [ObjectNamePart::Identifier(ident)] = name.0.as_slice() else { return Ok(None) };
    let function = ident.value.to_lowercase();
    let Some(function) = FUNCTIONS.iter().find(|known| known.name == function) else {
        return Ok(None);
    };
    let document = match arguments {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(document))] if !function.populates => document,
        [
            FunctionArg::Unnamed(FunctionArgExpr::Expr(record)),
            FunctionArg::Unnamed(FunctionArgExpr::Expr(document)),
        ] if function.populates => {
            if !is_null_record(record) {
                let what = format!("{} with a type that is not record", function.name);
                return Err(Error::unsupported(what).with_hint(
                    "Give NULL::record, and a list of columns and types after the alias.",
                ));
            }
            document
        }
        _ => return Ok(None),
    };
    let mut document = take(document);
    let is_binary = function.name.starts_with("jsonb");
    document_constants::read(
        &mut document,
        if is_binary { DataType::JSONB } else { DataType::JSON },
    );
    let Some(alias) = alias.as_mut().filter(|alias| {
        !alias.columns.is_empty() && alias.columns.iter().all(|column| column.data_type.is_some())
    }) else {
        let message = "a column definition list is required for functions returning \"record\"";
        return Err(Error::new(ErrorKind::SyntaxError, message));
    };
    query_of(function, document, alias).map(Some)
}

fn is_null_record(expression: &Expr) -> bool {
    let Expr::Cast { expr, data_type, .. } = expression else { return false };
    matches!(expr.as_ref(), Expr::Value(value) if value.value == Value::Null)
        && data_type.to_string().eq_ignore_ascii_case("record")
}

fn query_of(
    function: &RecordFunction,
    document: Expr,
    alias: &mut TableAlias,
) -> Result<TableFactor> {
    let source = match function.is_set {
        true => "SELECT 1 FROM unnest(NULL) AS __elements (__elements)",
        false => "SELECT 1",
    };
    let mut query = made_query(source)?;
    let SetExpr::Select(select) = query.body.as_mut() else {
        return Err(Error::internal("a made query is no SELECT"));
    };
    let value = match select.from.first_mut().map(|from| &mut from.relation) {
        Some(TableFactor::UNNEST { array_exprs, .. }) => {
            let elements = if function.name.starts_with("jsonb") { "jsonb" } else { "json" };
            *array_exprs = vec![call(&format!("{elements}_elements"), vec![document])];
            Expr::Identifier(Ident::new(ELEMENTS))
        }
        _ => document,
    };
    let columns = std::mem::take(&mut alias.columns);
    select.projection = columns.iter().map(|column| field(&value, column)).collect();
    alias.columns = columns
        .into_iter()
        .map(|column| TableAliasColumnDef { name: column.name, data_type: None })
        .collect();
    let alias = Some(alias.clone());
    Ok(TableFactor::Derived { lateral: true, subquery: query, alias, sample: None })
}

/// `json_field(document, 'a')::int AS a`
fn field(document: &Expr, column: &TableAliasColumnDef) -> SelectItem {
    let folded = crate::sql::cursor::fold(&column.name.value, column.name.quote_style);
    let key = Expr::value(Value::SingleQuotedString(folded));
    let data_type = column.data_type.clone().unwrap_or(DataType::Text);
    let function = match &data_type {
        DataType::JSON | DataType::JSONB => "json_field_document",
        DataType::Array(ArrayElemTypeDef::None) => "json_field",
        DataType::Array(_) => "json_field_array",
        _ => "json_field",
    };
    let expr = Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(call(function, vec![document.clone(), key])),
        data_type,
        array: false,
        format: None,
    };
    SelectItem::ExprWithAlias { expr, alias: column.name.clone() }
}
