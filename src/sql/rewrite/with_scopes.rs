//! A WITH inside a query whose WITH has an item of the same name: the inner item gets a name of its own, and what reads
//! it keeps the old one as an alias. The planner would take the two for one.

use std::collections::HashSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Cte, Ident, ObjectName, ObjectNamePart, Query, TableAlias, TableFactor, VisitMut, VisitorMut,
};

use crate::base::Result;
use crate::sql::cursor::fold;

pub fn rewrite(query: &mut Query) -> Result<()> {
    let Some(with) = &mut query.with else { return Ok(()) };
    let names: HashSet<String> = with.cte_tables.iter().map(name_of).collect();
    let mut inner = Inner { names };
    let ControlFlow::Continue(()) = with.cte_tables.visit(&mut inner);
    let ControlFlow::Continue(()) = query.body.visit(&mut inner);
    let ControlFlow::Continue(()) = query.order_by.visit(&mut inner);
    Ok(())
}

fn name_of(item: &Cte) -> String {
    folded(&item.alias.name)
}

fn folded(name: &Ident) -> String {
    fold(&name.value, name.quote_style)
}

/// Renames items of inner queries that have one of these names.
struct Inner {
    names: HashSet<String>,
}

impl VisitorMut for Inner {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        let items = query.with.iter().flat_map(|with| &with.cte_tables).map(name_of);
        let hidden: Vec<String> = items.filter(|name| self.names.contains(name)).collect();
        for name in hidden {
            rename(query, &name);
        }
        ControlFlow::Continue(())
    }
}

/// Gives the item of that name in the query's WITH another, wherever it is read.
fn rename(query: &mut Query, old: &str) {
    let mut taken = Taken { names: HashSet::new() };
    let ControlFlow::Continue(()) = query.visit(&mut taken);
    let free =
        (1..).map(|number| format!("{old} {number}")).find(|name| !taken.names.contains(name));
    let (Some(new), Some(with)) = (free, &mut query.with) else { return };
    let recursive = with.recursive;
    let mut reader = Reader { old, new: &new };
    let mut is_known = recursive;
    for item in &mut with.cte_tables {
        let is_renamed = name_of(item) == old;
        if is_known {
            let ControlFlow::Continue(()) = item.query.visit(&mut reader);
        }
        if is_renamed {
            item.alias.name = Ident::with_quote('"', &new);
            is_known = true;
        }
    }
    let ControlFlow::Continue(()) = query.body.visit(&mut reader);
    let ControlFlow::Continue(()) = query.order_by.visit(&mut reader);
}

/// The names of all items of WITH.
struct Taken {
    names: HashSet<String>,
}

impl VisitorMut for Taken {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        self.names.extend(query.with.iter().flat_map(|with| &with.cte_tables).map(name_of));
        ControlFlow::Continue(())
    }
}

/// Reads an item by its new name. Deeper items of the old name have got theirs before: queries are seen from the inside.
struct Reader<'a> {
    old: &'a str,
    new: &'a str,
}

impl VisitorMut for Reader<'_> {
    type Break = std::convert::Infallible;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Self::Break> {
        if let TableFactor::Table { name, alias, .. } = factor
            && let [ObjectNamePart::Identifier(only)] = name.0.as_slice()
            && folded(only) == self.old
        {
            alias.get_or_insert_with(|| TableAlias {
                explicit: true,
                name: only.clone(),
                columns: Vec::new(),
                at: None,
            });
            *name = ObjectName::from(vec![Ident::with_quote('"', self.new)]);
        }
        ControlFlow::Continue(())
    }
}
