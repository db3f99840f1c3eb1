//! The merged columns of `JOIN … USING (x)`. In an outer join that can lack its left side, `x` becomes
//! `coalesce(a.x, b.x)`, or `b.x` in a RIGHT JOIN, and USING becomes ON: the planner would take `a.x`. In every other
//! join it becomes `a.x`: in a subquery the planner would take an outer column of the name. And `*` names merged
//! columns first, as the standard orders them.
//!
//! A relation of the join that has no name, or a column that any of several may have, leaves the join as it
//! is: then the planner refuses what it would get wrong.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, ExceptSelectItem, Expr, Ident, Join, JoinConstraint, JoinOperator, ObjectName,
    ObjectNamePart, OrderByKind, Query, Select, SelectItem, SelectItemQualifiedWildcardKind,
    SetExpr, TableFactor, TableWithJoins, VisitMut, VisitorMut, WildcardAdditionalOptions,
};

use super::call;
use crate::base::Result;
use crate::sql::dialect::joined;
use crate::sql::selects::selects;

pub fn rewrite(query: &mut Query) -> Result<()> {
    let order = match &mut query.order_by {
        Some(order) => match &mut order.kind {
            OrderByKind::Expressions(order) => order.as_mut_slice(),
            OrderByKind::All(_) => &mut [],
        },
        None => &mut [],
    };
    let SetExpr::Select(select) = query.body.as_mut() else {
        for select in selects(&mut query.body) {
            if let Some(merged) = merge(select) {
                rewrite_select(select, &merged);
            }
        }
        return Ok(());
    };
    let Some(merged) = merge(select) else { return Ok(()) };
    let outputs: Vec<Ident> = select.projection.iter().filter_map(output_name).collect();
    let has_all = select.projection.iter().any(is_wildcard);
    rewrite_select(select, &merged);
    for sort in order {
        // An output of this name is what ORDER BY means first.
        let is_output = matches!(&sort.expr, Expr::Identifier(name)
            if has_all || outputs.iter().any(|output| same(output, name)));
        if !is_output {
            replace(&mut sort.expr, &merged.columns);
        }
    }
    Ok(())
}

/// The joins of a FROM clause.
struct Merged {
    /// What their columns are qualified with.
    relations: Vec<ObjectName>,
    columns: Vec<MergedColumn>,
    /// Whether a join can lack its left side.
    replaces: bool,
}

/// A column of USING, and what it stands for.
struct MergedColumn {
    name: Ident,
    value: Expr,
}

/// What the USING clauses of a select merge; `None` where there are none or they cannot be told.
fn merge(select: &Select) -> Option<Merged> {
    let [from] = select.from.as_slice() else { return None };
    let mut merged =
        Merged { relations: vec![name_of(&from.relation)?], columns: Vec::new(), replaces: false };
    for join in &from.joins {
        let relation = name_of(&join.relation)?;
        if let Some(columns) = using(join)? {
            for column in columns {
                merged.add(column, &relation, &join.join_operator)?;
            }
        }
        merged.relations.push(relation);
    }
    (!merged.columns.is_empty()).then_some(merged)
}

impl Merged {
    fn add(&mut self, name: Ident, relation: &ObjectName, operator: &JoinOperator) -> Option<()> {
        let right = column(relation, &name);
        let known = self.columns.iter_mut().find(|known| same(&known.name, &name));
        let left = match (&known, self.relations.as_slice()) {
            (Some(known), _) => known.value.clone(),
            (None, [only]) => column(only, &name),
            (None, _) => return None,
        };
        let value = match operator {
            JoinOperator::Join(_)
            | JoinOperator::Inner(_)
            | JoinOperator::Left(_)
            | JoinOperator::LeftOuter(_) => left,
            JoinOperator::Right(_) | JoinOperator::RightOuter(_) => {
                self.replaces = true;
                right
            }
            JoinOperator::FullOuter(_) => {
                self.replaces = true;
                call("coalesce", vec![left, right])
            }
            _ => return None,
        };
        match known {
            Some(known) => known.value = value,
            None => self.columns.push(MergedColumn { name, value }),
        }
        Some(())
    }
}

/// The columns of the join's USING; `Some(None)` without one, `None` for a join whose columns cannot be told.
fn using(join: &Join) -> Option<Option<Vec<Ident>>> {
    match constraint(&join.join_operator)? {
        JoinConstraint::Using(columns) => {
            let names = columns.iter().map(|column| match column.0.as_slice() {
                [name] => name.as_ident().cloned(),
                _ => None,
            });
            names.collect::<Option<Vec<_>>>().map(Some)
        }
        JoinConstraint::Natural => None,
        JoinConstraint::On(_) | JoinConstraint::None => Some(None),
    }
}

fn constraint(operator: &JoinOperator) -> Option<&JoinConstraint> {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::CrossJoin(constraint) => Some(constraint),
        _ => None,
    }
}

fn constraint_mut(operator: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint) => Some(constraint),
        _ => None,
    }
}

/// What a relation's columns are qualified with.
fn name_of(relation: &TableFactor) -> Option<ObjectName> {
    let (alias, name) = match relation {
        TableFactor::Table { alias, name, .. } => (alias, Some(name)),
        TableFactor::Derived { alias, .. }
        | TableFactor::UNNEST { alias, .. }
        | TableFactor::Function { alias, .. } => (alias, None),
        _ => return None,
    };
    match alias {
        Some(alias) => Some(ObjectName::from(vec![alias.name.clone()])),
        None => name.cloned(),
    }
}

fn rewrite_select(select: &mut Select, merged: &Merged) {
    if let [SelectItem::Wildcard(options)] = select.projection.as_slice()
        && *options == WildcardAdditionalOptions::default()
    {
        select.projection = all_columns(merged);
    }
    for item in &mut select.projection {
        match item {
            SelectItem::UnnamedExpr(expression) => {
                let name = match &*expression {
                    Expr::Identifier(name) => Some(name.clone()),
                    _ => None,
                };
                replace(expression, &merged.columns);
                if let Some(alias) = name.filter(|_| merged.replaces) {
                    let expr = super::take(expression);
                    *item = SelectItem::ExprWithAlias { expr, alias };
                }
            }
            SelectItem::ExprWithAlias { expr, .. } => replace(expr, &merged.columns),
            _ => {}
        }
    }
    if merged.replaces {
        select.from.iter_mut().for_each(use_conditions);
    }
    replace(&mut select.selection, &merged.columns);
    replace(&mut select.group_by, &merged.columns);
    replace(&mut select.having, &merged.columns);
    replace(&mut select.named_window, &merged.columns);
}

/// `*`: the merged columns, and of each relation the others.
fn all_columns(merged: &Merged) -> Vec<SelectItem> {
    let first = merged.columns.iter().map(|column| SelectItem::ExprWithAlias {
        expr: column.value.clone(),
        alias: column.name.clone(),
    });
    let mut names = merged.columns.iter().map(|column| column.name.clone());
    let except = names.next().map(|first_element| ExceptSelectItem {
        first_element,
        additional_elements: names.collect(),
    });
    let rest = merged.relations.iter().map(|relation| {
        let options = WildcardAdditionalOptions {
            opt_except: except.clone(),
            ..WildcardAdditionalOptions::default()
        };
        let relation = SelectItemQualifiedWildcardKind::ObjectName(relation.clone());
        SelectItem::QualifiedWildcard(relation, options)
    });
    first.chain(rest).collect()
}

/// USING as ON: what a column merges so far equals that of the next relation.
fn use_conditions(from: &mut TableWithJoins) {
    let Some(first) = name_of(&from.relation) else { return };
    let mut merged = Merged { relations: vec![first], columns: Vec::new(), replaces: false };
    for join in &mut from.joins {
        let (Some(relation), Some(columns)) = (name_of(&join.relation), using(join)) else {
            return;
        };
        let mut equalities = Vec::new();
        for name in columns.into_iter().flatten() {
            let known = merged.columns.iter().find(|known| same(&known.name, &name));
            let left = match (known, merged.relations.first()) {
                (Some(known), _) => known.value.clone(),
                (None, Some(only)) => column(only, &name),
                (None, None) => return,
            };
            let (op, right) = (BinaryOperator::Eq, Box::new(column(&relation, &name)));
            equalities.push(Expr::BinaryOp { left: Box::new(left), op, right });
            if merged.add(name, &relation, &join.join_operator).is_none() {
                return;
            }
        }
        if let Some(condition) = joined(equalities, &BinaryOperator::And)
            && let Some(constraint) = constraint_mut(&mut join.join_operator)
        {
            *constraint = JoinConstraint::On(condition);
        }
        merged.relations.push(relation);
    }
}

fn is_wildcard(item: &SelectItem) -> bool {
    matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..))
}

fn output_name(item: &SelectItem) -> Option<Ident> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.clone()),
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(name.clone()),
        _ => None,
    }
}

fn column(relation: &ObjectName, name: &Ident) -> Expr {
    let qualifiers = relation.0.iter().filter_map(ObjectNamePart::as_ident).cloned();
    Expr::CompoundIdentifier(qualifiers.chain([name.clone()]).collect())
}

/// Whether two names are one, unquoted ones folded.
fn same(one: &Ident, other: &Ident) -> bool {
    let folded = |name: &Ident| match name.quote_style {
        Some(_) => name.value.clone(),
        None => name.value.to_lowercase(),
    };
    folded(one) == folded(other)
}

/// Puts values in the place of merged columns, but not inside subqueries, where a name may be another's.
fn replace<V: VisitMut>(node: &mut V, columns: &[MergedColumn]) {
    let ControlFlow::Continue(()) = node.visit(&mut Replacer { columns, queries: 0 });
}

struct Replacer<'a> {
    columns: &'a [MergedColumn],
    queries: usize,
}

impl VisitorMut for Replacer<'_> {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<Self::Break> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Self::Break> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<Self::Break> {
        if let Expr::Identifier(name) = &*expression
            && self.queries == 0
            && let Some(merged) = self.columns.iter().find(|column| same(&column.name, name))
        {
            *expression = merged.value.clone();
        }
        ControlFlow::Continue(())
    }
}
