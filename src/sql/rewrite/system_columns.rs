//! `tableoid`, the column that every relation has and no `*` shows: the OID of the relation that a row comes
//! from. Here it is a constant of the relation's name, since no relation has rows of others. And the one use of
//! `ctid` that has a meaning here.

use std::ops::ControlFlow;

use sqlparser::ast::{
    DataType, Expr, Ident, ObjectName, ObjectNamePart, OrderByKind, Query, Select, SelectItem,
    SetExpr, TableFactor, Value, VisitMut, VisitorMut,
};

use super::cast;
use crate::base::Result;
use crate::sql::folded;
use crate::sql::selects::selects;

const TABLEOID: &str = "tableoid";
const CTID: &str = "ctid";

pub fn rewrite(query: &mut Query) -> Result<()> {
    let with: Vec<String> = query
        .with
        .iter()
        .flat_map(|with| with.cte_tables.iter().map(|table| folded(&table.alias.name)))
        .collect();
    if let SetExpr::Select(select) = query.body.as_mut() {
        let relations = in_select(select, &with);
        let order = query.order_by.as_mut().map(|order| &mut order.kind);
        if let Some(OrderByKind::Expressions(order)) = order {
            order.iter_mut().for_each(|sort| replace(&mut sort.expr, &relations));
        }
    } else {
        for select in selects(&mut query.body) {
            in_select(select, &with);
        }
    }
    Ok(())
}

/// Replaces the columns of one SELECT, whose outputs keep the column's name.
fn in_select(select: &mut Select, with: &[String]) -> Relations {
    let relations = relations(select, with);
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expression) = item
            && relations.of(expression).is_some()
        {
            let (expr, alias) = (expression.clone(), Ident::new(TABLEOID));
            *item = SelectItem::ExprWithAlias { expr, alias };
        }
    }
    replace(select, &relations);
    relations
}

/// The relations of a FROM clause: how columns are qualified, and the name to look up.
struct Relations {
    named: Vec<(String, String)>,
    /// Whether an unqualified column can only be the one relation's.
    alone: bool,
}

impl Relations {
    /// The name of the relation whose `tableoid` an expression is.
    fn of(&self, expression: &Expr) -> Option<&str> {
        let found = match expression {
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [qualifier, column] if folded(column) == TABLEOID => {
                    let qualifier = folded(qualifier);
                    self.named.iter().find(|(name, _)| *name == qualifier)
                }
                _ => None,
            },
            Expr::Identifier(column) if self.alone && folded(column) == TABLEOID => {
                self.named.first()
            }
            _ => None,
        };
        found.map(|(_, name)| name.as_str())
    }
}

fn relations(select: &Select, with: &[String]) -> Relations {
    let factors = select.from.iter().flat_map(|from| {
        std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation))
    });
    let factors: Vec<&TableFactor> = factors.collect();
    let named = factors.iter().filter_map(|factor| relation(factor, with)).collect();
    Relations { named, alone: factors.len() == 1 }
}

fn relation(factor: &TableFactor, with: &[String]) -> Option<(String, String)> {
    let TableFactor::Table { name, alias, args: None, .. } = factor else { return None };
    let last = name.0.last().and_then(ObjectNamePart::as_ident)?;
    if name.0.len() == 1 && with.contains(&folded(last)) {
        return None;
    }
    let qualifier = alias.as_ref().map_or(last, |alias| &alias.name);
    Some((folded(qualifier), name.to_string()))
}

fn replace<V: VisitMut>(node: &mut V, relations: &Relations) {
    if !relations.named.is_empty() {
        let ControlFlow::Continue(()) = node.visit(&mut Replacer { relations });
    }
}

struct Replacer<'a> {
    relations: &'a Relations,
}

impl VisitorMut for Replacer<'_> {
    type Break = std::convert::Infallible;

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<Self::Break> {
        if is_whole_range(expression) {
            *expression = Expr::value(Value::Boolean(true));
        } else if let Some(name) = self.relations.of(expression) {
            *expression = oid_of(name);
        }
        ControlFlow::Continue(())
    }
}

/// `ctid BETWEEN '(0,0)'::tid AND '(4294967295,0)'::tid`: all rows, as parallel readers ask for them where a
/// table has no pages.
fn is_whole_range(expression: &Expr) -> bool {
    let Expr::Between { expr, negated: false, low, high } = expression else { return false };
    let column = match expr.as_ref() {
        Expr::Identifier(name) => Some(name),
        Expr::CompoundIdentifier(parts) => parts.last(),
        _ => None,
    };
    let position = |bound: &Expr| match bound {
        Expr::Cast { expr, .. } => match expr.as_ref() {
            Expr::Value(value) => value.value.clone().into_string(),
            _ => None,
        },
        _ => None,
    };
    column.is_some_and(|name| folded(name) == CTID)
        && position(low).as_deref() == Some("(0,0)")
        && position(high).is_some_and(|text| text.starts_with("(4294967295,"))
}

/// `'name'::regclass::oid`.
fn oid_of(name: &str) -> Expr {
    let text = Expr::value(Value::SingleQuotedString(name.to_owned()));
    let oid = DataType::Custom(ObjectName::from(vec![Ident::new("oid")]), Vec::new());
    cast(cast(text, DataType::Regclass), oid)
}
