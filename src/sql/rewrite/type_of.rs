//! `pg_typeof('a')` is `unknown`: the planner would take a string constant for a text.

use sqlparser::ast::{
    CastKind, DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName,
    Value,
};

use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::Function(function) = expression else { return Ok(()) };
    if !function.name.to_string().eq_ignore_ascii_case("pg_typeof") {
        return Ok(());
    }
    let FunctionArguments::List(list) = &function.args else { return Ok(()) };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(argument)))] = list.args.as_slice()
    else {
        return Ok(());
    };
    if matches!(argument.value, Value::SingleQuotedString(_)) {
        let name = Value::SingleQuotedString("unknown".to_owned());
        *expression = Expr::Cast {
            kind: CastKind::DoubleColon,
            expr: Box::new(Expr::value(name)),
            data_type: DataType::Custom(ObjectName::from(vec![Ident::new("regtype")]), Vec::new()),
            array: false,
            format: None,
        };
    }
    Ok(())
}
