//! Which statements change something, and what they are called: what a read-only transaction refuses. It runs
//! none of them.

use super::statement::{CopyDirection, RowLock, SessionStatement, Statement};

/// The name by which every session knows its own schema of temporary objects.
pub const TEMPORARY_SCHEMA: &str = "pg_temp";

impl Statement {
    /// Whether it commits a transaction block.
    pub fn is_commit(&self) -> bool {
        matches!(self, Statement::Session(SessionStatement::Commit { .. }))
    }

    /// Whether it says that what it makes is temporary.
    pub fn makes_temporary(&self) -> bool {
        let (name, temporary) = match self {
            Statement::CreateTable(create) => (&create.name, create.temporary.is_some()),
            Statement::CreateView(create) => (&create.name, create.temporary),
            Statement::Explain(explain) => return explain.statement.makes_temporary(),
            _ => return false,
        };
        temporary || name.schema.as_deref() == Some(TEMPORARY_SCHEMA)
    }

    /// What the statement is called, if it changes rows, the catalog or the principals.
    pub fn changing(&self) -> Option<&'static str> {
        match self {
            Statement::Query(query) => {
                match query.relations.iter().filter_map(|relation| relation.locked).next() {
                    Some(RowLock::Update) => Some("SELECT FOR UPDATE"),
                    Some(RowLock::Share) => Some("SELECT FOR SHARE"),
                    None => None,
                }
            }
            Statement::Show(_)
            | Statement::Describe(_)
            | Statement::SetConstraints(_)
            | Statement::Session(_) => None,
            Statement::Explain(explain) if explain.analyze => explain.statement.changing(),
            Statement::Explain(_) => None,
            Statement::Copy(copy) => match copy.direction {
                CopyDirection::In { .. } => Some("COPY FROM"),
                CopyDirection::TableOut { .. } | CopyDirection::QueryOut(_) => None,
            },
            Statement::CopyInto(copy) if copy.validation.is_some() => None,
            Statement::CopyInto(_) => Some("COPY INTO"),
            Statement::ConvertToDelta(_) => Some("CONVERT TO DELTA"),
            Statement::Insert(_) => Some("INSERT"),
            Statement::Update(_) => Some("UPDATE"),
            Statement::Delete(_) => Some("DELETE"),
            Statement::Merge(_) => Some("MERGE"),
            Statement::With(with) => {
                let parts = with.items.iter().map(|item| &item.part);
                parts.chain([&with.body]).find_map(|part| part.statement.changing())
            }
            Statement::SetValue(_) => Some("setval()"),
            Statement::Truncate(_) => Some("TRUNCATE TABLE"),
            Statement::CreateCatalog(_) => Some("CREATE CATALOG"),
            Statement::CreateSchema(_) => Some("CREATE SCHEMA"),
            Statement::CreateTable(create) if create.materialized.is_some() => {
                Some("CREATE MATERIALIZED VIEW")
            }
            Statement::CreateTable(_) => Some("CREATE TABLE"),
            Statement::RefreshMaterializedView(_) => Some("REFRESH MATERIALIZED VIEW"),
            Statement::CreateView(_) => Some("CREATE VIEW"),
            Statement::AlterCatalog(_) => Some("ALTER CATALOG"),
            Statement::AlterSchema(_) => Some("ALTER SCHEMA"),
            Statement::AlterTable(alter) if alter.materialized => Some("ALTER MATERIALIZED VIEW"),
            Statement::AlterTable(_) => Some("ALTER TABLE"),
            Statement::AlterView(_) => Some("ALTER VIEW"),
            Statement::CreateIndex(_) => Some("CREATE INDEX"),
            Statement::RenameIndex(_) => Some("ALTER INDEX"),
            Statement::DropIndex(_) => Some("DROP INDEX"),
            Statement::Drop(_) | Statement::DropAbsent(_) => Some("DROP"),
            Statement::Comment(_) => Some("COMMENT"),
            Statement::Storage(statement) => Some(statement.tag()),
            Statement::Analyze(_) => None,
            Statement::VacuumAll => Some("VACUUM"),
            Statement::Maintenance(statement) => Some(statement.action.tag()),
            Statement::CreatePrincipal(_) => Some("CREATE ROLE"),
            Statement::AlterPrincipal(_) => Some("ALTER ROLE"),
            Statement::DropPrincipals(_) => Some("DROP ROLE"),
            Statement::Grant(_) | Statement::GrantMembership(_) => Some("GRANT"),
            Statement::Revoke(_) | Statement::RevokeMembership(_) => Some("REVOKE"),
        }
    }
}
