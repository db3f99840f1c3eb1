//! `a[2:]` and `a[:2]` become slices with both bounds, which the planner wants: a slice beyond the array ends with
//! it. And `array_replace` replaces every element that is equal.

use sqlparser::ast::{AccessExpr, Expr, Ident, ObjectName, Subscript, Value};

use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    match expression {
        Expr::CompoundFieldAccess { access_chain, .. } => {
            for access in access_chain {
                if let AccessExpr::Subscript(Subscript::Slice {
                    lower_bound, upper_bound, ..
                }) = access
                {
                    lower_bound.get_or_insert_with(|| number("1"));
                    upper_bound.get_or_insert_with(|| number("2147483647"));
                }
            }
        }
        Expr::Function(function)
            if function.name.to_string().eq_ignore_ascii_case("array_replace") =>
        {
            function.name = ObjectName::from(vec![Ident::new("array_replace_all")]);
        }
        _ => {}
    }
    Ok(())
}

fn number(digits: &str) -> Expr {
    Expr::value(Value::Number(digits.to_owned(), false))
}
