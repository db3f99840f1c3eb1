//! Items of WITH RECURSIVE in an order in which each stands behind those that it reads, and the WITH of an item as
//! items before it: the planner knows names from left to right only.

use sqlparser::ast::{Cte, Query, SetExpr};

use crate::base::{Error, ErrorKind, Result};
use crate::sql::cursor::fold;
use crate::sql::recursion::is_read_in;

pub fn rewrite(query: &mut Query) -> Result<()> {
    let Some(with) = query.with.as_mut().filter(|with| with.recursive) else { return Ok(()) };
    let mut items: Vec<Cte> = Vec::with_capacity(with.cte_tables.len());
    let mut names: Vec<String> = with.cte_tables.iter().map(name_of).collect();
    for mut item in std::mem::take(&mut with.cte_tables) {
        if matches!(*item.query.body, SetExpr::SetOperation { .. })
            && let Some(inner) = item.query.with.take()
        {
            for before in inner.cte_tables {
                let name = name_of(&before);
                if names.contains(&name) {
                    return Err(Error::unsupported(format_args!(
                        "a WITH RECURSIVE in which several items are called \"{name}\""
                    )));
                }
                names.push(name);
                items.push(before);
            }
        }
        items.push(item);
    }
    with.cte_tables = in_order(items)?;
    Ok(())
}

fn name_of(item: &Cte) -> String {
    fold(&item.alias.name.value, item.alias.name.quote_style)
}

/// Errors: 0A000 for items that read each other.
fn in_order(mut items: Vec<Cte>) -> Result<Vec<Cte>> {
    let mut ordered = Vec::with_capacity(items.len());
    while !items.is_empty() {
        let names: Vec<String> = items.iter().map(name_of).collect();
        let is_ready = |item: &Cte| {
            let own = name_of(item);
            names.iter().all(|name| *name == own || !is_read_in(&item.query, name))
        };
        let Some(next) = items.iter().position(is_ready) else {
            let message = "mutual recursion between WITH items is not implemented";
            return Err(Error::new(ErrorKind::FeatureNotSupported, message));
        };
        ordered.push(items.remove(next));
    }
    Ok(ordered)
}
