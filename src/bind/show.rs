//! SHOW and DESCRIBE: what they ask about.

use crate::base::Result;
use crate::sql::statement::{Describe, Show};

use super::bound::{BoundShow, BoundStatement};
use super::scope::{Found, Scope};
use super::storage::BoundShowStorage;

impl Scope<'_> {
    pub(super) fn show(&self, show: Show) -> Result<BoundStatement> {
        let show = match show {
            Show::Catalogs { like } => BoundShow::Catalogs { like },
            Show::Schemas { catalog, like } => {
                BoundShow::Schemas { catalog: self.catalog(catalog.as_deref())?, like }
            }
            Show::Tables { schema, like } => {
                BoundShow::Tables { schema: self.schema_or_current(schema.as_ref())?, like }
            }
            Show::Views { schema, like } => {
                BoundShow::Views { schema: self.schema_or_current(schema.as_ref())?, like }
            }
            Show::Columns { table } => BoundShow::Columns { relation: self.relation(&table)? },
            Show::CreateTable { table } => {
                BoundShow::CreateTable { relation: self.relation(&table)? }
            }
            Show::TableProperties { table, key } => {
                BoundShow::TableProperties { table: self.table_of_rows(&table)?, key }
            }
            Show::Storage(kind, like) => BoundShow::Storage(BoundShowStorage::All { kind, like }),
            Show::Users { like } => BoundShow::Users { like },
            Show::Groups { like } => BoundShow::Groups { like },
            Show::Grants { principal, on } => BoundShow::Grants {
                principal: principal.map(|name| self.grantee(&name)).transpose()?,
                on: on.map(|name| self.securable(&name)).transpose()?,
            },
        };
        Ok(BoundStatement::Show(show))
    }

    pub(super) fn describe(&self, describe: Describe) -> Result<BoundStatement> {
        let show = match describe {
            Describe::Relation { name, extended } => {
                match self.find(&name)?.ok_or_else(|| self.undefined(&name))? {
                    Found::Relation(relation) => BoundShow::DescribeRelation { relation, extended },
                    Found::System { schema, name } => BoundShow::DescribeSystem { schema, name },
                }
            }
            Describe::Schema { name } => BoundShow::DescribeSchema {
                schema: self.schema(name.catalog.as_deref(), &name.schema)?,
            },
            Describe::Catalog { name } => {
                BoundShow::DescribeCatalog { catalog: self.catalog(Some(&name))? }
            }
            Describe::History { table, limit } => {
                BoundShow::DescribeHistory { table: self.table_of_rows(&table)?, limit }
            }
            Describe::Detail { table } => {
                BoundShow::DescribeDetail { table: self.table_of_rows(&table)? }
            }
            Describe::Storage(kind, name) => {
                BoundShow::Storage(BoundShowStorage::One(self.storage_securable(kind, &name)?))
            }
            Describe::Query(query) => BoundShow::DescribeQuery(self.query(query)?),
        };
        Ok(BoundStatement::Show(show))
    }
}
