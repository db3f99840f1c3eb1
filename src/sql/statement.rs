//! The closed list of everything the server can be asked, as data. Names are folded; nothing knows what exists.

use std::fmt;

use sqlparser::ast;

pub use super::conflict::{ConflictTarget, ConflictUpdate, OnConflict};
pub use super::copy::{Copy, CopyDirection, CopyOption, CopyOptionValue};
use super::files::{ConvertToDelta, CopyInto, FilesClause};
pub use super::index::{CreateIndex, DropIndex, RenameIndex};
pub use super::key::{KeyConstraint, KeyKind};
use super::maintenance::{AnalyzeStatement, MaintenanceStatement};
pub use super::row_lock::RowLock;
pub use super::session_statement::{
    CursorOptions, DeclareCursor, Discard, Execute, Fetch, IsolationLevel, Motion, Prepare,
    SessionStatement, Set, TransactionModes, Use,
};
use super::storage::{StorageKind, StorageStatement};
pub use super::table_change::{AddedColumn, ColumnPlace, DroppedConstraint, TableChange};
pub use super::table_definition::{
    CheckConstraint, CloneOf, ColumnDefinition, CreateTable, IdentityColumn, OnCommit,
};
use super::with::With;
use crate::base::ErrorKind;
use crate::base::name::ObjectName;

/// One statement, ready to be bound.
#[derive(Debug, Clone)]
pub enum Statement {
    /// SELECT, VALUES, TABLE, WITH … that returns rows.
    Query(Query),
    Explain(Explain),

    Insert(Insert),
    Update(Update),
    Delete(Delete),
    Merge(Merge),
    With(Box<With>),
    Truncate(Truncate),
    SetConstraints(SetConstraints),
    /// `SELECT setval(…)`: the query gives the sequence's name and OID, the number, and whether that is given already.
    SetValue(Query),
    Copy(Copy),
    CopyInto(Box<CopyInto>),
    ConvertToDelta(Box<ConvertToDelta>),

    CreateCatalog(CreateCatalog),
    CreateSchema(CreateSchema),
    CreateTable(Box<CreateTable>),
    CreateView(CreateView),
    RefreshMaterializedView(RefreshMaterializedView),
    AlterCatalog(AlterCatalog),
    AlterSchema(AlterSchema),
    AlterTable(AlterTable),
    AlterView(AlterView),
    CreateIndex(Box<CreateIndex>),
    RenameIndex(RenameIndex),
    DropIndex(DropIndex),
    Drop(Drop),
    DropAbsent(DropAbsent),
    Comment(Comment),

    Storage(Box<StorageStatement>),
    Maintenance(Box<MaintenanceStatement>),
    /// VACUUM of all tables of the database.
    VacuumAll,
    Analyze(AnalyzeStatement),

    CreatePrincipal(CreatePrincipal),
    AlterPrincipal(AlterPrincipal),
    DropPrincipals(DropPrincipals),
    Grant(Grant),
    Revoke(Grant),
    /// `GRANT group TO member`, and its REVOKE.
    GrantMembership(Membership),
    RevokeMembership(Membership),

    Show(Show),
    Describe(Describe),

    Session(SessionStatement),
}

/// A query with the relations it names.
#[derive(Clone)]
pub struct Query {
    pub ast: Box<ast::Query>,
    /// Every table, view or system relation named anywhere in it, CTE names left out.
    pub relations: Vec<RelationReference>,
}

impl Query {
    /// Whether a `*` without a qualifier is among what it selects.
    pub fn selects_all(&self) -> bool {
        let ast::SetExpr::Select(select) = &*self.ast.body else { return false };
        select.projection.iter().any(|item| matches!(item, ast::SelectItem::Wildcard(_)))
    }
}

/// One relation named in a FROM clause or a subquery.
#[derive(Debug, Clone, PartialEq)]
pub struct RelationReference {
    /// The relation as the user named it, with its position.
    pub name: ObjectName,
    /// The name that stands in the AST: differs from `name` only where a time travel clause was taken out.
    pub key: ObjectName,
    pub time_travel: Option<TimeTravelClause>,
    /// `read_files(…)`, which stands for no relation of the catalog.
    pub files: Option<FilesClause>,
    /// The item of the statement's WITH whose rows it is.
    pub with_item: Option<usize>,
    /// Whether the transaction counts on the rows staying as they are.
    pub locked: Option<RowLock>,
}

/// `VERSION AS OF n` or `TIMESTAMP AS OF expression`, also spelled `t@v12`.
#[derive(Debug, Clone, PartialEq)]
pub enum TimeTravelClause {
    Version(u64),
    Timestamp(Box<ast::Expr>),
    /// `table_changes('t', from[, to])`: what versions have changed.
    Changes {
        from: Box<TimeTravelClause>,
        to: Option<Box<TimeTravelClause>>,
    },
}

/// A scalar expression over columns of the statement's target, with the relations of its subqueries.
#[derive(Clone)]
pub struct Expression {
    pub ast: ast::Expr,
    pub relations: Vec<RelationReference>,
}

/// `EXPLAIN`: the plan of a statement, executed with `analyze`.
#[derive(Debug, Clone)]
pub struct Explain {
    pub analyze: bool,
    pub verbose: bool,
    pub format: ExplainFormat,
    pub statement: Box<Statement>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExplainFormat {
    Text,
    Json,
}

#[derive(Debug, Clone)]
pub struct Insert {
    pub table: ObjectName,
    pub alias: Option<String>,
    /// The columns named, in order; empty means all.
    pub columns: Vec<ColumnName>,
    pub source: InsertSource,
    /// `BY NAME`: the source's columns go into those of the same names.
    pub by_name: bool,
    /// `WITH SCHEMA EVOLUTION`: columns that the table lacks are added to it.
    pub evolves_schema: bool,
    pub overriding: Option<Overriding>,
    pub replaced: Replaced,
    pub on_conflict: Option<OnConflict>,
    /// RETURNING, as a query over the changed rows.
    pub returning: Option<Query>,
}

/// Whose values identity columns take where a statement gives some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overriding {
    /// The statement's, also where the column is GENERATED ALWAYS.
    System,
    /// The table's own.
    User,
}

/// Which rows go when new ones come.
#[derive(Debug, Clone)]
pub enum Replaced {
    None,
    /// `INSERT OVERWRITE`
    All,
    /// `INSERT INTO … REPLACE WHERE`; the new rows are such rows too.
    Where(Box<Expression>),
}

#[derive(Debug, Clone)]
pub enum InsertSource {
    Query(Query),
    DefaultValues,
}

/// A column named by the user, folded, with its position for errors.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnName {
    pub name: String,
    pub position: Option<usize>,
}

#[derive(Debug, Clone)]
pub struct Assignment {
    pub column: ColumnName,
    /// `None` is `DEFAULT`.
    pub value: Option<Expression>,
}

#[derive(Debug, Clone)]
pub struct Update {
    pub table: ObjectName,
    pub alias: Option<String>,
    pub assignments: Vec<Assignment>,
    pub predicate: Option<Expression>,
    pub returning: Option<Query>,
}

#[derive(Debug, Clone)]
pub struct Delete {
    pub table: ObjectName,
    pub alias: Option<String>,
    pub predicate: Option<Expression>,
    pub returning: Option<Query>,
}

#[derive(Debug, Clone)]
pub struct Merge {
    pub table: ObjectName,
    pub alias: Option<String>,
    /// The source as a query: `USING t` stands here as `SELECT * FROM t`.
    pub source: Query,
    /// The name by which conditions call the source; `None` for several relations, which have names of their
    /// own.
    pub source_alias: Option<String>,
    pub on: Expression,
    pub clauses: Vec<MergeClause>,
    /// `WITH SCHEMA EVOLUTION`: columns of the source that the table lacks are added to it.
    pub evolves_schema: bool,
    pub written_as: Option<JoinedChange>,
    pub returning: Option<Query>,
}

/// Another spelling of a MERGE that changes what matches: `UPDATE … FROM`, `DELETE … USING`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinedChange {
    Update,
    Delete,
}

#[derive(Debug, Clone)]
pub struct MergeClause {
    pub when: MergeMatch,
    pub predicate: Option<Expression>,
    pub action: MergeAction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeMatch {
    Matched,
    /// `WHEN NOT MATCHED [BY TARGET]`.
    NotMatched,
    NotMatchedBySource,
}

#[derive(Debug, Clone)]
pub enum MergeAction {
    Update(Vec<Assignment>),
    /// `UPDATE SET *`: every column from the source's column of that name.
    UpdateAll,
    Delete,
    Insert {
        columns: Vec<ColumnName>,
        values: Vec<Option<Expression>>,
    },
    /// `INSERT *`.
    InsertAll,
    DoNothing,
}

#[derive(Debug, Clone)]
pub struct Truncate {
    pub tables: Vec<ObjectName>,
    /// `RESTART IDENTITY`: identity columns begin again.
    pub restart_identity: bool,
    /// What becomes of tables whose foreign keys refer to these; `None` where nothing is said.
    pub referring: Option<Referring>,
}

/// What is to happen where others refer to what goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Referring {
    Cascade,
    Restrict,
}

/// `SET CONSTRAINTS`: when keys are to be checked in the transaction.
#[derive(Debug, Clone)]
pub struct SetConstraints {
    /// Empty means all.
    pub constraints: Vec<ObjectName>,
    pub deferred: bool,
}

#[derive(Debug, Clone)]
pub struct CreateCatalog {
    pub name: String,
    pub if_not_exists: bool,
    pub comment: Option<String>,
    /// `OWNER role`: who owns it.
    pub owner: Option<String>,
}

#[derive(Debug, Clone)]
pub struct CreateSchema {
    /// The catalog, or the current one.
    pub catalog: Option<String>,
    pub name: String,
    pub if_not_exists: bool,
    pub comment: Option<String>,
    /// `AUTHORIZATION role`: who owns it.
    pub owner: Option<String>,
}

#[derive(Debug, Clone)]
pub struct CreateView {
    pub name: ObjectName,
    pub temporary: bool,
    pub or_replace: bool,
    pub if_not_exists: bool,
    /// Names for the columns; empty keeps the query's.
    pub columns: Vec<ColumnName>,
    pub query: Query,
    /// The query as the user wrote it.
    pub definition: String,
    pub comment: Option<String>,
}

#[derive(Debug, Clone)]
pub struct RefreshMaterializedView {
    pub name: ObjectName,
    /// No reader waits for a REFRESH in either case.
    pub concurrently: bool,
    /// Its rows go, and none come.
    pub no_data: bool,
}

#[derive(Debug, Clone)]
pub struct AlterCatalog {
    pub name: String,
    pub action: AlterNamespace,
}

#[derive(Debug, Clone)]
pub struct AlterSchema {
    pub catalog: Option<String>,
    pub name: String,
    pub action: AlterNamespace,
}

#[derive(Debug, Clone, PartialEq)]
pub enum AlterNamespace {
    RenameTo(String),
    OwnerTo(String),
}

#[derive(Debug, Clone)]
pub struct AlterTable {
    pub name: ObjectName,
    /// Whether the statement names a materialized view, by `ALTER MATERIALIZED VIEW`.
    pub materialized: bool,
    pub if_exists: bool,
    pub action: AlterTableAction,
}

#[derive(Debug, Clone)]
pub enum AlterTableAction {
    /// To a new name in the same schema, or with a schema (Databricks) into another of the catalog.
    RenameTo(ObjectName),
    SetSchema(String),
    OwnerTo(String),
    /// Changes of the Delta table, all of them or none.
    Change(Vec<TableChange>),
}

#[derive(Debug, Clone)]
pub struct AlterView {
    pub name: ObjectName,
    pub if_exists: bool,
    pub action: AlterViewAction,
}

#[derive(Debug, Clone)]
pub enum AlterViewAction {
    RenameTo(ObjectName),
    SetSchema(String),
    OwnerTo(String),
    /// Databricks' `ALTER VIEW v AS query`.
    As {
        query: Query,
        definition: String,
    },
}

#[derive(Debug, Clone)]
pub struct Drop {
    pub kind: DropKind,
    pub names: Vec<ObjectName>,
    pub if_exists: bool,
    pub cascade: bool,
}

/// DROP of objects of a kind that there are none of.
#[derive(Debug, Clone)]
pub struct DropAbsent {
    /// `DROP TYPE`, …
    pub tag: &'static str,
    /// For each object, that it does not exist, and where it is named.
    pub missing: Vec<(String, usize)>,
    /// What that is without IF EXISTS.
    pub error: ErrorKind,
    pub if_exists: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropKind {
    /// One-part names.
    Catalog,
    /// A catalog with all that is in it, as PostgreSQL drops databases.
    Database,
    /// One- or two-part names: the schema stands in `object`, its catalog in `schema`.
    Schema,
    Table,
    View,
    MaterializedView,
}

#[derive(Debug, Clone)]
pub struct Comment {
    pub on: CommentTarget,
    /// `NULL` takes the comment away.
    pub text: Option<String>,
}

#[derive(Debug, Clone)]
pub enum CommentTarget {
    Securable(SecurableName),
    Column { relation: ObjectName, column: ColumnName },
    Constraint { table: ObjectName, name: ColumnName },
    Index(ObjectName),
    Principal(String),
}

/// A securable as named in GRANT, COMMENT, SHOW.
#[derive(Debug, Clone, PartialEq)]
pub enum SecurableName {
    Catalog(String),
    /// A schema, with its catalog when given.
    Schema(Option<String>, String),
    /// A table or a view: PostgreSQL's `TABLE` covers both.
    Relation(ObjectName),
    View(ObjectName),
    MaterializedView(ObjectName),
    Storage(StorageKind, String),
}

/// `CREATE USER | ROLE | GROUP`.
#[derive(Debug, Clone)]
pub struct CreatePrincipal {
    pub name: String,
    pub kind: PrincipalKind,
    pub if_not_exists: bool,
    pub options: PrincipalOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalKind {
    /// May log in.
    User,
    /// Has members.
    Group,
}

#[derive(Debug, Clone, Default)]
pub struct PrincipalOptions {
    /// `PASSWORD 'text'`; `Some(None)` is `PASSWORD NULL`.
    pub password: Option<Option<crate::base::secret::Secret>>,
    /// `SUPERUSER`/`NOSUPERUSER`: an admin of the metastore.
    pub admin: Option<bool>,
}

#[derive(Debug, Clone)]
pub struct AlterPrincipal {
    pub name: PrincipalName,
    pub action: AlterPrincipalAction,
}

#[derive(Debug, Clone, PartialEq)]
pub enum PrincipalName {
    Named(String),
    /// `CURRENT_USER`, `SESSION_USER`, `CURRENT_ROLE`.
    Current,
    /// `PUBLIC` or "account users", where something is granted: everybody.
    Public,
}

#[derive(Debug, Clone)]
pub enum AlterPrincipalAction {
    Options(PrincipalOptions),
    RenameTo(String),
    /// `ALTER GROUP g ADD USER a, b`
    AddMembers(Vec<String>),
    DropMembers(Vec<String>),
}

#[derive(Debug, Clone)]
pub struct DropPrincipals {
    pub names: Vec<String>,
    pub if_exists: bool,
}

/// GRANT or REVOKE of privileges on one securable or several.
#[derive(Debug, Clone)]
pub struct Grant {
    pub privileges: PrivilegeList,
    pub on: Vec<SecurableName>,
    pub principals: Vec<PrincipalName>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum PrivilegeList {
    /// `ALL [PRIVILEGES]`
    All,
    /// Upper case, spaces as written by Unity Catalog: `USE SCHEMA`, `SELECT`, `INSERT`.
    Named(Vec<PrivilegeName>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct PrivilegeName {
    pub name: String,
    pub position: Option<usize>,
}

#[derive(Debug, Clone)]
pub struct Membership {
    pub groups: Vec<String>,
    pub members: Vec<PrincipalName>,
}

#[derive(Debug, Clone)]
pub enum Show {
    Catalogs {
        like: Option<String>,
    },
    Schemas {
        catalog: Option<String>,
        like: Option<String>,
    },
    Tables {
        schema: Option<SchemaName>,
        like: Option<String>,
    },
    Views {
        schema: Option<SchemaName>,
        like: Option<String>,
    },
    Columns {
        table: ObjectName,
    },
    CreateTable {
        table: ObjectName,
    },
    TableProperties {
        table: ObjectName,
        key: Option<String>,
    },
    Users {
        like: Option<String>,
    },
    Groups {
        like: Option<String>,
    },
    Storage(StorageKind, Option<String>),
    /// `SHOW GRANTS [principal] [ON securable]`
    Grants {
        principal: Option<PrincipalName>,
        on: Option<SecurableName>,
    },
}

/// `[catalog.]schema`
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaName {
    pub catalog: Option<String>,
    pub schema: String,
}

#[derive(Debug, Clone)]
pub enum Describe {
    Relation {
        name: ObjectName,
        extended: bool,
    },
    Schema {
        name: SchemaName,
    },
    Catalog {
        name: String,
    },
    History {
        table: ObjectName,
        limit: Option<u64>,
    },
    Detail {
        table: ObjectName,
    },
    Storage(StorageKind, String),
    /// `DESCRIBE QUERY q`: the columns a query gives.
    Query(Query),
}

impl fmt::Display for SchemaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(catalog) = &self.catalog {
            write!(f, "{catalog}.")?;
        }
        f.write_str(&self.schema)
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_tree(f, "Query", &self.ast, &self.relations)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_tree(f, "Expression", &self.ast, &self.relations)
    }
}

/// A tree as the SQL it stands for: sqlparser's own form names every token's place.
fn fmt_tree(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    ast: &dyn fmt::Display,
    relations: &[RelationReference],
) -> fmt::Result {
    let mut form = f.debug_struct(name);
    form.field("ast", &format_args!("`{ast}`"));
    let relations: Vec<String> = relations.iter().map(ToString::to_string).collect();
    form.field("relations", &format_args!("[{}]", relations.join(", "))).finish()
}

impl fmt::Display for RelationReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)?;
        if let Some(position) = self.name.position() {
            write!(f, ":{position}")?;
        }
        if let Some(files) = &self.files {
            return write!(f, " files {:?} {:?} as {}", files.location, files.options, self.key);
        }
        match &self.time_travel {
            None => Ok(()),
            Some(TimeTravelClause::Version(version)) => {
                write!(f, " version {version} as {}", self.key)
            }
            Some(TimeTravelClause::Timestamp(at)) => write!(f, " timestamp {at} as {}", self.key),
            Some(TimeTravelClause::Changes { from, to }) => {
                write!(f, " changes {from:?} {to:?} as {}", self.key)
            }
        }
    }
}
