//! GROUP BY of a primary key: the other columns of the table have one value in each group, so a query may name them
//! without grouping by them (PostgreSQL's `check_functional_grouping`). Those that it names are added to its GROUP BY.
//! No key is enforced: of rows that share one, each that differs in these columns is a group of its own.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use sqlparser::ast::{
    Expr, GroupByExpr, Ident, ObjectName as AstName, ObjectNamePart, OrderBy, OrderByKind, Query,
    Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, TableFactor, TableWithJoins,
    Value, Visit, VisitMut, Visitor, VisitorMut,
};

use crate::base::name::ObjectName;
use crate::catalog::{Column, Relation};
use crate::sql::{folded, selects};

/// The tables with a primary key that a query reads, by the names that they have in it.
pub type Keys = HashMap<ObjectName, Arc<Relation>>;

/// Adds what the keys of `keys` determine to the GROUP BYs of a query and of those in it. `is_aggregate` tells whether
/// a function of this name makes one value of many.
pub fn extend_grouping(query: &mut Query, keys: &Keys, is_aggregate: &dyn Fn(&str) -> bool) {
    if keys.is_empty() {
        return;
    }
    let ControlFlow::Continue(()) = query.visit(&mut Extender { keys, is_aggregate });
}

struct Extender<'a> {
    keys: &'a Keys,
    is_aggregate: &'a dyn Fn(&str) -> bool,
}

impl VisitorMut for Extender<'_> {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        // The order of a set operation goes by its outputs.
        let is_select = matches!(*query.body, SetExpr::Select(_));
        let order_by = query.order_by.as_ref().filter(|_| is_select);
        for select in selects(&mut query.body) {
            let missing = self.missing(select, order_by);
            if let GroupByExpr::Expressions(grouped, _) = &mut select.group_by {
                grouped.extend(missing);
            }
        }
        ControlFlow::Continue(())
    }
}

impl<'a> Extender<'a> {
    /// The columns that a SELECT names beside its groups, of tables whose keys it groups by.
    fn missing(&self, select: &Select, order_by: Option<&OrderBy>) -> Vec<Expr> {
        let GroupByExpr::Expressions(grouped, modifiers) = &select.group_by else {
            return Vec::new();
        };
        let is_set =
            |group: &Expr| matches!(group, Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_));
        if grouped.is_empty() || !modifiers.is_empty() || grouped.iter().any(is_set) {
            return Vec::new();
        }
        let grouped: Vec<&Expr> =
            grouped.iter().map(|group| meant(group, &select.projection)).collect();
        let mut tables = Vec::new();
        select.from.iter().for_each(|from| self.tables(from, &mut tables));
        let groups_by = |table: &Named<'_>, column: &Column| {
            grouped.iter().any(|group| table.is_column(group, column.field.name()))
        };
        tables.retain(|table| table.key().all(|column| groups_by(table, column)));
        if tables.is_empty() {
            return Vec::new();
        }
        let mut named = NamedColumns {
            tables: &tables,
            found: HashSet::new(),
            is_aggregate: self.is_aggregate,
            aggregates: 0,
            queries: 0,
        };
        named.look(select, order_by);
        let found = named.found;
        let mut missing = Vec::new();
        for (index, table) in tables.iter().enumerate() {
            for (place, column) in table.relation.columns.iter().enumerate() {
                if found.contains(&(index, place)) && !groups_by(table, column) {
                    let column = Ident::with_quote('"', column.field.name());
                    missing.push(Expr::CompoundIdentifier(vec![table.name.clone(), column]));
                }
            }
        }
        missing
    }

    fn tables(&self, from: &TableWithJoins, tables: &mut Vec<Named<'a>>) {
        let joined = from.joins.iter().map(|join| &join.relation);
        for factor in std::iter::once(&from.relation).chain(joined) {
            match factor {
                TableFactor::Table { name, alias, args: None, .. } => {
                    let Some(relation) = self.keys.get(&name_in_query(name)) else { continue };
                    let last = name.0.last().and_then(ObjectNamePart::as_ident);
                    let Some(name) = alias.as_ref().map(|alias| &alias.name).or(last) else {
                        continue;
                    };
                    // Columns under other names are not looked for.
                    if alias.as_ref().is_none_or(|alias| alias.columns.is_empty()) {
                        tables.push(Named { name: name.clone(), relation });
                    }
                }
                TableFactor::NestedJoin { table_with_joins, alias: None } => {
                    self.tables(table_with_joins, tables);
                }
                _ => {}
            }
        }
    }
}

/// The name by which [`Keys`] knows a relation of a query.
fn name_in_query(name: &AstName) -> ObjectName {
    let mut parts = name.0.iter().rev().filter_map(ObjectNamePart::as_ident).map(folded);
    let object = parts.next().unwrap_or_default();
    let (schema, catalog) = (parts.next(), parts.next());
    ObjectName { catalog, schema, object, position: None }
}

/// What a member of GROUP BY stands for: a number for an output.
fn meant<'a>(group: &'a Expr, outputs: &'a [SelectItem]) -> &'a Expr {
    match group {
        Expr::Nested(inner) => meant(inner, outputs),
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => {
                let place = number.to_string().parse::<usize>().ok();
                match place.and_then(|place| outputs.get(place.checked_sub(1)?)) {
                    Some(
                        SelectItem::UnnamedExpr(output)
                        | SelectItem::ExprWithAlias { expr: output, .. },
                    ) => output,
                    _ => group,
                }
            }
            _ => group,
        },
        _ => group,
    }
}

/// A table in FROM.
struct Named<'k> {
    name: Ident,
    relation: &'k Relation,
}

impl Named<'_> {
    fn is_column(&self, expression: &Expr, column: &str) -> bool {
        match expression {
            Expr::Identifier(name) => folded(name) == column,
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [table, name] => folded(table) == folded(&self.name) && folded(name) == column,
                _ => false,
            },
            _ => false,
        }
    }

    /// The columns of the primary key.
    fn key(&self) -> impl Iterator<Item = &Column> {
        let key = self.relation.primary_key().map_or(&[][..], |key| key.kind.columns());
        self.relation.columns.iter().filter(|column| key.contains(&column.id))
    }

    fn place(&self, column: &str) -> Option<usize> {
        self.relation.columns.iter().position(|known| known.field.name() == column)
    }
}

/// Finds the columns of tables that stand outside aggregates, by the places of the table and the column.
struct NamedColumns<'a> {
    tables: &'a [Named<'a>],
    found: HashSet<(usize, usize)>,
    is_aggregate: &'a dyn Fn(&str) -> bool,
    /// How many aggregates are around the current place.
    aggregates: usize,
    /// How many queries are around it, inside the one that groups.
    queries: usize,
}

impl NamedColumns<'_> {
    fn look(&mut self, select: &Select, order_by: Option<&OrderBy>) {
        for item in &select.projection {
            match item {
                SelectItem::Wildcard(_) => self.add_all(None),
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    _,
                ) => {
                    if let [ObjectNamePart::Identifier(table)] = name.0.as_slice() {
                        self.add_all(Some(table));
                    }
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(_), _) => {}
                SelectItem::UnnamedExpr(_)
                | SelectItem::ExprWithAlias { .. }
                | SelectItem::ExprWithAliases { .. } => {
                    let ControlFlow::Continue(()) = item.visit(self);
                }
            }
        }
        let ControlFlow::Continue(()) = select.having.visit(self);
        if let Some(OrderBy { kind: OrderByKind::Expressions(keys), .. }) = order_by {
            let ControlFlow::Continue(()) = keys.visit(self);
        }
    }

    fn add_all(&mut self, name: Option<&Ident>) {
        for (index, table) in self.tables.iter().enumerate() {
            if name.is_none_or(|name| folded(name) == folded(&table.name)) {
                self.found.extend((0..table.relation.columns.len()).map(|place| (index, place)));
            }
        }
    }

    fn add(&mut self, table: Option<&Ident>, column: &Ident) {
        let column = folded(column);
        for (index, known) in self.tables.iter().enumerate() {
            if table.is_none_or(|table| folded(table) == folded(&known.name)) {
                self.found.extend(known.place(&column).map(|place| (index, place)));
            }
        }
    }

    fn is_aggregate(&self, expression: &Expr) -> bool {
        let Expr::Function(function) = expression else { return false };
        let name = function.name.0.last().and_then(ObjectNamePart::as_ident);
        function.over.is_none() && name.is_some_and(|name| (self.is_aggregate)(&folded(name)))
    }
}

impl Visitor for NamedColumns<'_> {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<Self::Break> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<Self::Break> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<Self::Break> {
        self.aggregates += usize::from(self.is_aggregate(expression));
        match expression {
            _ if self.aggregates > 0 => {}
            // In a query inside, a name that stands alone is one of its own.
            Expr::Identifier(name) if self.queries == 0 => self.add(None, name),
            Expr::CompoundIdentifier(parts) => {
                if let [table, column] = parts.as_slice() {
                    self.add(Some(table), column);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &Expr) -> ControlFlow<Self::Break> {
        self.aggregates -= usize::from(self.is_aggregate(expression));
        ControlFlow::Continue(())
    }
}
