//! A long `UNION ALL` chain becomes a balanced tree: the rows and their order stay, and nothing that walks or
//! copies the tree has to go as deep as the chain is long.

use sqlparser::ast::{Query, SetExpr, SetOperator, SetQuantifier, Values};

use crate::base::Result;
use crate::sql::depth::BALANCED_ABOVE;

pub fn rewrite(query: &mut Query) -> Result<()> {
    if length(&query.body) > BALANCED_ABOVE {
        let mut level = parts(take(&mut query.body));
        while level.len() > 1 {
            let mut pairs = level.into_iter();
            let mut above = Vec::new();
            while let Some(left) = pairs.next() {
                above.push(match pairs.next() {
                    Some(right) => union(left, right),
                    None => left,
                });
            }
            level = above;
        }
        if let Some(balanced) = level.pop() {
            *query.body = balanced;
        }
    }
    Ok(())
}

fn union(left: SetExpr, right: SetExpr) -> SetExpr {
    SetExpr::SetOperation {
        op: SetOperator::Union,
        set_quantifier: SetQuantifier::All,
        left: Box::new(left),
        right: Box::new(right),
    }
}

/// How many queries the chain joins, counted from its last.
fn length(mut body: &SetExpr) -> usize {
    let mut length = 1;
    while let SetExpr::SetOperation {
        op: SetOperator::Union,
        set_quantifier: SetQuantifier::All,
        left,
        ..
    } = body
    {
        length += 1;
        body = left;
    }
    length
}

/// The joined queries, in order.
fn parts(mut body: SetExpr) -> Vec<SetExpr> {
    let mut parts = Vec::new();
    loop {
        match body {
            SetExpr::SetOperation {
                op: SetOperator::Union,
                set_quantifier: SetQuantifier::All,
                left,
                right,
            } => {
                parts.push(*right);
                body = *left;
            }
            first => {
                parts.push(first);
                parts.reverse();
                return parts;
            }
        }
    }
}

fn take(body: &mut SetExpr) -> SetExpr {
    let nothing = Values { explicit_row: false, value_keyword: false, rows: Vec::new() };
    std::mem::replace(body, SetExpr::Values(nothing))
}
