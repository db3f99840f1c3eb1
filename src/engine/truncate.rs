//! TRUNCATE: several tables are emptied in one transaction, or none of them.

use std::sync::Arc;

use crate::base::Result;
use crate::bind::bound::BoundTruncate;
use crate::catalog::Relation;
use crate::delta::change;

use super::open::location_of;
use super::{Completion, Engine, Request};

impl Engine {
    pub(super) async fn truncate(
        self: &Arc<Self>,
        truncate: BoundTruncate,
        request: &Request,
    ) -> Result<Completion> {
        let BoundTruncate { tables, cascaded, restart_identity } = truncate;
        let told =
            cascaded.iter().map(|table| format!("truncate cascades to table \"{}\"", table.name));
        let notices = told.collect();
        let tables: Vec<_> = tables.into_iter().chain(cascaded).collect();
        match tables.as_slice() {
            [table] => self.truncate_table(table, restart_identity, request).await?,
            tables => {
                self.as_one(request, |request| async move {
                    for table in tables {
                        self.truncate_table(table, restart_identity, &request).await?;
                    }
                    Ok(())
                })
                .await?;
            }
        }
        Ok(Completion::with_notices("TRUNCATE TABLE", notices))
    }

    pub(super) async fn truncate_table(
        &self,
        table: &Relation,
        restart_identity: bool,
        request: &Request,
    ) -> Result<()> {
        let location = location_of(table)?;
        let state = self.context.statement(&request.facts);
        let ctx = self.change_context(state, request, None);
        let emptied = async move { change::truncate(&ctx, &location, restart_identity).await };
        self.cpu.run(emptied).await.map(drop)
    }
}
