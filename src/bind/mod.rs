//! Names to ids against one catalog snapshot: search path, views, time travel. It never opens a table and
//! never decides who may do what; a name that somebody may not know of is simply not found.

pub mod bound;
mod ddl;
mod dml;
pub mod files;
pub mod index;
pub mod maintenance;
mod materialized;
mod principal;
mod query;
pub mod scope;
mod set_constraints;
mod show;
pub mod storage;
mod truncate;

use std::sync::Arc;

use crate::base::Result;
use crate::sql::Statement;
use crate::sql::statement::{CopyDirection, Explain};

pub use bound::{Bound, BoundQuery, BoundRelation, BoundStatement};
pub use scope::Scope;

/// Gives every name in `statement` its meaning.
pub fn bind(statement: Statement, scope: &Scope<'_>) -> Result<Bound> {
    let statement = scope.statement(statement)?;
    Ok(Bound { snapshot: Arc::clone(scope.snapshot), statement })
}

impl Scope<'_> {
    fn statement(&self, statement: Statement) -> Result<BoundStatement> {
        match statement {
            Statement::Query(query) => Ok(BoundStatement::Query(self.query(query)?)),
            Statement::Explain(explain) => self.explain(explain),

            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Merge(merge) => self.merge(merge),
            Statement::With(with) => self.with(*with),
            Statement::Truncate(truncate) => self.truncate(truncate),
            Statement::SetValue(query) => Ok(BoundStatement::SetValue(self.query(query)?)),
            Statement::SetConstraints(set) => self.set_constraints(&set),
            Statement::Copy(copy) => match copy.direction {
                CopyDirection::TableOut { table, columns } => {
                    let query = crate::sql::query_of_table(&table, &columns, &self.parse_limits)?;
                    Ok(BoundStatement::CopyOut { query: self.query(query)?, options: copy.options })
                }
                CopyDirection::QueryOut(query) => {
                    Ok(BoundStatement::CopyOut { query: self.query(query)?, options: copy.options })
                }
                CopyDirection::In { table, columns } => Ok(BoundStatement::CopyIn {
                    table: self.copied_into(&table)?,
                    columns,
                    options: copy.options,
                    predicate: self.predicate(copy.predicate)?,
                }),
            },

            Statement::CopyInto(copy) => self.copy_into(*copy),
            Statement::ConvertToDelta(convert) => self.convert(*convert),

            Statement::CreateCatalog(create) => Ok(BoundStatement::CreateCatalog {
                name: create.name,
                if_not_exists: create.if_not_exists,
                comment: create.comment,
                owner: create.owner.map(|owner| self.principal(&owner)).transpose()?,
            }),
            Statement::CreateSchema(create) => self.create_schema(create),
            Statement::CreateTable(create) => self.create_table(*create),
            Statement::CreateView(create) => self.create_view(create),
            Statement::RefreshMaterializedView(refresh) => self.refresh(refresh),
            Statement::AlterCatalog(alter) => self.alter_catalog(alter),
            Statement::AlterSchema(alter) => self.alter_schema(alter),
            Statement::AlterTable(alter) => self.alter_table(alter),
            Statement::AlterView(alter) => self.alter_view(alter),
            Statement::CreateIndex(create) => self.create_index(create),
            Statement::RenameIndex(rename) => self.rename_index(rename),
            Statement::DropIndex(drop) => self.drop_index(drop),
            Statement::Drop(drop) => self.drop(drop),
            Statement::DropAbsent(drop) => ddl::drop_absent(drop),
            Statement::Comment(comment) => self.comment(comment),

            Statement::Storage(statement) => self.storage(*statement),
            Statement::Maintenance(statement) => self.maintenance(*statement),
            Statement::VacuumAll => Ok(BoundStatement::VacuumAll),
            Statement::Analyze(statement) => self.analyze(statement),
            Statement::CreatePrincipal(create) => self.create_principal(create),
            Statement::AlterPrincipal(alter) => self.alter_principal(alter),
            Statement::DropPrincipals(drop) => self.drop_principals(drop),
            Statement::Grant(grant) => Ok(BoundStatement::Grant(self.grant(grant)?)),
            Statement::Revoke(grant) => Ok(BoundStatement::Revoke(self.grant(grant)?)),
            Statement::GrantMembership(membership) => {
                let (groups, members) = self.membership(membership)?;
                Ok(BoundStatement::GrantMembership { groups, members })
            }
            Statement::RevokeMembership(membership) => {
                let (groups, members) = self.membership(membership)?;
                Ok(BoundStatement::RevokeMembership { groups, members })
            }

            Statement::Show(show) => self.show(show),
            Statement::Describe(describe) => self.describe(describe),
            Statement::Session(session) => Err(query::refuse_session_statement(&session)),
        }
    }

    fn explain(&self, explain: Explain) -> Result<BoundStatement> {
        let Explain { analyze, verbose, format, statement } = explain;
        let statement = Box::new(self.statement(*statement)?);
        Ok(BoundStatement::Explain(bound::BoundExplain { analyze, verbose, format, statement }))
    }
}
