//! The tables of a TRUNCATE, and those whose foreign keys refer to them. It empties nothing.

use std::sync::Arc;

use crate::base::{Error, ErrorKind, Result};
use crate::catalog::Relation;
use crate::sql::statement::{Referring, Truncate};

use super::bound::{BoundStatement, BoundTruncate};
use super::scope::Scope;

impl Scope<'_> {
    /// Nothing enforces a foreign key: a table that one refers to is truncated like any other, unless the
    /// statement says RESTRICT.
    pub(super) fn truncate(&self, truncate: Truncate) -> Result<BoundStatement> {
        let Truncate { tables: names, restart_identity, referring } = truncate;
        let mut tables: Vec<Arc<Relation>> = Vec::with_capacity(names.len());
        for name in &names {
            let table = self.table(name)?;
            if !tables.iter().any(|known| known.id == table.id) {
                tables.push(table);
            }
        }
        let cascaded = match referring {
            Some(Referring::Cascade) => self.cascaded(&tables),
            Some(Referring::Restrict) => {
                self.check_unreferenced(&tables)?;
                Vec::new()
            }
            None => Vec::new(),
        };
        Ok(BoundStatement::Truncate(BoundTruncate { tables, cascaded, restart_identity }))
    }

    /// The other tables that refer to these, to those that refer to them, and so on.
    fn cascaded(&self, tables: &[Arc<Relation>]) -> Vec<Arc<Relation>> {
        let mut cascaded = Vec::new();
        let mut found = tables.to_vec();
        while !found.is_empty() {
            let mut next: Vec<Arc<Relation>> = Vec::new();
            for table in &found {
                for referring in self.snapshot.referring_to(table.id) {
                    let known = tables.iter().chain(&cascaded).chain(&next);
                    if known.into_iter().any(|known| known.id == referring.id) {
                        continue;
                    }
                    next.push(Arc::clone(referring));
                }
            }
            // In the order in which they were made, as PostgreSQL tells of them.
            next.sort_by_key(|table| table.oid);
            cascaded.extend(next.iter().cloned());
            found = next;
        }
        cascaded
    }

    /// 0A000 where a table beside these refers to one of them; its name is told to whom may know it.
    fn check_unreferenced(&self, tables: &[Arc<Relation>]) -> Result<()> {
        for table in tables {
            let mut others = self
                .snapshot
                .referring_to(table.id)
                .filter(|referring| !tables.iter().any(|known| known.id == referring.id))
                .peekable();
            if others.peek().is_none() {
                continue;
            }
            let message = "cannot truncate a table referenced in a foreign key constraint";
            let error = Error::new(ErrorKind::FeatureNotSupported, message);
            return Err(match others.find(|referring| self.sees(referring.id)) {
                Some(other) => error
                    .with_detail(format!("Table \"{}\" references \"{}\".", other.name, table.name))
                    .with_hint(format!(
                        "Truncate table \"{}\" at the same time, or use TRUNCATE ... CASCADE.",
                        other.name
                    )),
                None => error.with_hint("Leave RESTRICT out: no foreign key is enforced."),
            });
        }
        Ok(())
    }
}
