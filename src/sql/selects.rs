//! The SELECTs that give a query its rows. It looks into no subquery.

use sqlparser::ast::{Select, SetExpr};

/// The SELECTs of a query's body, through UNION, INTERSECT and EXCEPT, in the order in which they are written. Queries in
/// parentheses are queries of their own.
pub fn selects(body: &mut SetExpr) -> Vec<&mut Select> {
    match body {
        SetExpr::Select(select) => vec![select],
        SetExpr::SetOperation { left, right, .. } => {
            let mut found = selects(left);
            found.extend(selects(right));
            found
        }
        SetExpr::Query(_)
        | SetExpr::Values(_)
        | SetExpr::Table(_)
        | SetExpr::Insert(_)
        | SetExpr::Update(_)
        | SetExpr::Delete(_)
        | SetExpr::Merge(_) => Vec::new(),
    }
}
