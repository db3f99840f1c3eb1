//! What PostgreSQL calls the columns of a SELECT (`FigureColname` in parse_target.c). DataFusion names an
//! expression by its whole text and refuses two of one name; so every output that is not a plain column gets
//! PostgreSQL's name as its alias, and one that stands there already gets a unique alias that still tells
//! the name. It changes no value.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;

use sqlparser::ast::{
    AccessExpr, BinaryOperator, DataType, Expr, GroupByExpr, Ident, ObjectNamePart, Query,
    SelectItem, SelectItemQualifiedWildcardKind, SetExpr, TrimWhereField, VisitMut, VisitorMut,
};

use super::selects::selects;

/// Begins and ends the counter of the aliases made here. No identifier of a user begins with it.
const MARK: char = '\u{1}';

/// PostgreSQL's name for an expression without a name of its own.
const NAMELESS: &str = "?column?";

/// What a client is shown for a column that a plan calls `name`.
pub fn shown(name: &str) -> &str {
    match name.strip_prefix(MARK).and_then(|marked| marked.split_once(MARK)) {
        Some((_, shown)) => shown,
        None => name,
    }
}

/// A name of a plan's own that is shown as `name`, the `index`th of its columns.
pub fn marked(index: usize, name: &str) -> String {
    format!("{MARK}{index}{MARK}{name}")
}

/// Names the outputs of every SELECT in a query or an expression.
pub fn name_outputs(tree: &mut impl VisitMut) {
    let ControlFlow::Continue(()) = tree.visit(&mut Namer);
}

struct Namer;

impl VisitorMut for Namer {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        for select in selects(&mut query.body) {
            name_list(&mut select.projection);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<Self::Break> {
        if let Expr::Subquery(query) = expression {
            tell_from_columns(query);
        }
        ControlFlow::Continue(())
    }
}

/// The planner calls a subquery's value as the subquery calls its output: beside a column of that name neither would be
/// found. Subqueries that are written alike keep one name, so that GROUP BY knows them again.
fn tell_from_columns(query: &mut Query) {
    let Some(name) = renamable(query) else { return };
    let mut hasher = DefaultHasher::new();
    query.to_string().hash(&mut hasher);
    let number = usize::try_from(hasher.finish()).unwrap_or_default();
    if let SetExpr::Select(select) = &mut *query.body {
        select.projection.iter_mut().for_each(|item| rename(item, marked(number, &name)));
    }
}

/// The name of the one output of a SELECT, where nothing in the query means it by that.
fn renamable(query: &Query) -> Option<String> {
    let is_ordered = query.order_by.is_some();
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let is_grouped = match &select.group_by {
        GroupByExpr::All(_) => true,
        GroupByExpr::Expressions(keys, _) => !keys.is_empty(),
    };
    let [item] = select.projection.as_slice() else { return None };
    let name = match item {
        SelectItem::UnnamedExpr(expression) => name_of(expression),
        // ORDER BY and GROUP BY may mean it by its name.
        SelectItem::ExprWithAlias { .. } if is_ordered || is_grouped => return None,
        SelectItem::ExprWithAlias { alias, .. } => Some(shown(&folded(alias)).to_owned()),
        SelectItem::ExprWithAliases { .. }
        | SelectItem::Wildcard(_)
        | SelectItem::QualifiedWildcard(_, _) => return None,
    };
    Some(name.unwrap_or_else(|| NAMELESS.to_owned()))
}

fn name_list(items: &mut [SelectItem]) {
    let wildcards = Wildcards::of(items);
    let mut taken = HashSet::new();
    for (index, item) in items.iter_mut().enumerate() {
        let (name, is_column) = match &*item {
            SelectItem::UnnamedExpr(expression) => {
                let is_column = match expression {
                    Expr::Identifier(name) => !super::rewrite::is_session_word(name),
                    Expr::CompoundIdentifier(_) => true,
                    _ => false,
                };
                (name_of(expression).unwrap_or_else(|| NAMELESS.to_owned()), is_column)
            }
            SelectItem::ExprWithAlias { alias, .. } => (folded(alias), false),
            SelectItem::ExprWithAliases { .. }
            | SelectItem::Wildcard(_)
            | SelectItem::QualifiedWildcard(_, _) => continue,
        };
        let may_repeat = is_column && wildcards.may_hold(item);
        let is_new = taken.insert(name.clone()) && !may_repeat;
        let alias = match (&*item, is_new) {
            (SelectItem::UnnamedExpr(_), true) if is_column => continue,
            (SelectItem::ExprWithAlias { .. }, true) => continue,
            (_, true) => name,
            (_, false) => marked(index, &name),
        };
        rename(item, alias);
    }
}

/// The stars of a list: what they stand for is not known here.
struct Wildcards {
    /// `*`, or one of what has more than a name.
    any: bool,
    /// The tables of those like `t.*`.
    tables: Vec<String>,
}

impl Wildcards {
    fn of(items: &[SelectItem]) -> Self {
        let mut wildcards = Wildcards { any: false, tables: Vec::new() };
        for item in items {
            match item {
                SelectItem::Wildcard(_) => wildcards.any = true,
                SelectItem::QualifiedWildcard(kind, _) => match kind {
                    SelectItemQualifiedWildcardKind::ObjectName(name) => match name.0.as_slice() {
                        [ObjectNamePart::Identifier(table)] => {
                            wildcards.tables.push(folded(table));
                        }
                        _ => wildcards.any = true,
                    },
                    SelectItemQualifiedWildcardKind::Expr(_) => wildcards.any = true,
                },
                SelectItem::UnnamedExpr(_)
                | SelectItem::ExprWithAlias { .. }
                | SelectItem::ExprWithAliases { .. } => {}
            }
        }
        wildcards
    }

    /// Whether a star may stand for the same column of the same table.
    fn may_hold(&self, column: &SelectItem) -> bool {
        match column {
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => match parts.as_slice() {
                [table, _] => self.any || self.tables.contains(&folded(table)),
                _ => self.any || !self.tables.is_empty(),
            },
            _ => self.any || !self.tables.is_empty(),
        }
    }
}

fn rename(item: &mut SelectItem, name: String) {
    let alias = Ident::with_quote('"', name);
    match item {
        SelectItem::ExprWithAlias { alias: old, .. } => *old = alias,
        SelectItem::UnnamedExpr(expression) => {
            let expr = std::mem::replace(expression, Expr::Identifier(Ident::new("")));
            *item = SelectItem::ExprWithAlias { expr, alias };
        }
        SelectItem::ExprWithAliases { .. }
        | SelectItem::Wildcard(_)
        | SelectItem::QualifiedWildcard(_, _) => {}
    }
}

fn folded(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    }
}

/// The name of an expression that is alone; `None` where it has none.
pub fn of_expression(expression: &Expr) -> Option<String> {
    name_of(expression)
}

/// The name that an expression has of itself, or takes from what is in it.
fn name_of(expression: &Expr) -> Option<String> {
    let fixed = |name: &str| Some(name.to_owned());
    match expression {
        Expr::Identifier(ident) => Some(folded(ident)),
        Expr::CompoundIdentifier(idents) => idents.last().map(folded),
        Expr::CompoundFieldAccess { root, access_chain } => {
            let field = access_chain.iter().rev().find_map(|access| match access {
                AccessExpr::Dot(Expr::Identifier(field)) => Some(folded(field)),
                _ => None,
            });
            field.or_else(|| name_of(root))
        }
        Expr::Function(function) => match function.name.0.last()? {
            ObjectNamePart::Identifier(ident) => Some(folded(ident)),
            ObjectNamePart::Function(_) => None,
        },
        Expr::Nested(inner) => name_of(inner),
        Expr::Collate { expr, .. } => name_of(expr),
        Expr::Cast { expr, data_type, .. } => strong_name_of(expr).or_else(|| type_name(data_type)),
        Expr::TypedString(typed) => type_name(&typed.data_type),
        Expr::Interval(_) => fixed("interval"),
        Expr::Case { else_result, .. } => {
            else_result.as_deref().and_then(strong_name_of).or_else(|| fixed("case"))
        }
        Expr::Exists { negated: false, .. } => fixed("exists"),
        Expr::Subquery(query) => name_of_query(query),
        Expr::Array(_) => fixed("array"),
        Expr::Tuple(_) => fixed("row"),
        Expr::BinaryOp { op: BinaryOperator::Overlaps, .. } => fixed("overlaps"),
        Expr::Extract { .. } => fixed("extract"),
        Expr::Ceil { .. } => fixed("ceil"),
        Expr::Floor { .. } => fixed("floor"),
        Expr::Position { .. } => fixed("position"),
        Expr::Substring { shorthand: true, .. } => fixed("substr"),
        Expr::Substring { .. } => fixed("substring"),
        Expr::Overlay { .. } => fixed("overlay"),
        Expr::AtTimeZone { .. } => fixed("timezone"),
        Expr::Trim { trim_where, .. } => fixed(match trim_where {
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
            Some(TrimWhereField::Both) | None => "btrim",
        }),
        _ => None,
    }
}

/// A name good enough to outdo the type of a cast or the word `case`: not one that is itself a last resort.
fn strong_name_of(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Nested(inner) => strong_name_of(inner),
        Expr::Cast { expr, .. } => strong_name_of(expr),
        Expr::Case { else_result, .. } => else_result.as_deref().and_then(strong_name_of),
        Expr::TypedString(_) | Expr::Interval(_) => None,
        other => name_of(other),
    }
}

fn name_of_query(query: &Query) -> Option<String> {
    let mut body = &query.body;
    loop {
        match body.as_ref() {
            SetExpr::Query(inner) => body = &inner.body,
            SetExpr::SetOperation { left, .. } => body = left,
            SetExpr::Select(select) => {
                return match select.projection.first()? {
                    SelectItem::UnnamedExpr(expression) => name_of(expression),
                    SelectItem::ExprWithAlias { alias, .. } => {
                        Some(shown(&folded(alias)).to_owned())
                    }
                    SelectItem::ExprWithAliases { .. }
                    | SelectItem::Wildcard(_)
                    | SelectItem::QualifiedWildcard(_, _) => None,
                };
            }
            _ => return None,
        }
    }
}

/// The name of a type in `pg_type`.
fn type_name(data_type: &DataType) -> Option<String> {
    use crate::base::datatype::PgType;
    let data_type = match data_type {
        DataType::Timestamp(Some(_), zone) => &DataType::Timestamp(None, *zone),
        DataType::Time(Some(_), zone) => &DataType::Time(None, *zone),
        DataType::Varchar(_) => &DataType::Varchar(None),
        other => other,
    };
    let field = super::datatype::cast_type(data_type).ok()?;
    let (pg_type, _) = crate::base::datatype::pg_type_of(&field).ok()?;
    let (PgType::Scalar(base) | PgType::Array(base)) = pg_type;
    Some(base.name().to_owned())
}
