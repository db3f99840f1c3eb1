//! `pg_catalog.f(x)` becomes `f(x)`: the planner knows no schemas of functions, and ours are all in
//! `pg_catalog`.

use sqlparser::ast::{Expr, ObjectName, ObjectNamePart, TableFactor};

use crate::base::Result;

pub fn in_expression(expression: &mut Expr) -> Result<()> {
    if let Expr::Function(function) = expression {
        unqualify(&mut function.name);
    }
    Ok(())
}

pub fn in_relation(factor: &mut TableFactor) -> Result<()> {
    if let TableFactor::Function { name, .. } | TableFactor::Table { name, args: Some(_), .. } =
        factor
    {
        unqualify(name);
    }
    Ok(())
}

fn unqualify(name: &mut ObjectName) {
    if let [ObjectNamePart::Identifier(schema), _] = name.0.as_slice() {
        let folded = schema.quote_style.is_none();
        if schema.value == "pg_catalog" || folded && schema.value.eq_ignore_ascii_case("pg_catalog")
        {
            name.0.remove(0);
        }
    }
}
