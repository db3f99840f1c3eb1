//! A statement whose names are ids: what `governance` judges and `engine` plans. It holds no open table.

use std::collections::HashMap;
use std::sync::Arc;

use sqlparser::ast;

use super::files::{BoundConvert, BoundCopyInto, BoundFiles};
use super::index::BoundIndex;
use super::maintenance::{BoundAnalyze, BoundMaintenance};
use super::storage::{BoundShowStorage, BoundStorage};
use crate::base::name::ObjectName;
use crate::base::secret::Secret;
use crate::base::{PrincipalId, SecurableId};
use crate::catalog::principal::Principal;
use crate::catalog::{Catalog, ExternalLocation, Privilege, Relation, Schema, Securable, Snapshot};
use crate::sql::files::FilesFormat;
use crate::sql::statement::{
    AlterTableAction, CheckConstraint, ColumnDefinition, ColumnName, ConflictTarget, CopyOption,
    ExplainFormat, JoinedChange, KeyConstraint, MergeMatch, OnCommit, Overriding, PrincipalKind,
};

/// A bound statement and the snapshot its ids belong to.
#[derive(Debug, Clone)]
pub struct Bound {
    pub snapshot: Arc<Snapshot>,
    pub statement: BoundStatement,
}

/// Everything that needs a privilege, with names resolved.
#[derive(Debug, Clone)]
pub enum BoundStatement {
    Query(BoundQuery),
    Explain(BoundExplain),

    Insert(BoundInsert),
    Update(BoundUpdate),
    Delete(BoundDelete),
    Merge(BoundMerge),
    With(Box<BoundWith>),
    Truncate(BoundTruncate),
    SetValue(BoundQuery),
    CopyOut {
        query: BoundQuery,
        options: Vec<CopyOption>,
    },
    CopyIn {
        table: Arc<Relation>,
        columns: Vec<ColumnName>,
        options: Vec<CopyOption>,
        /// The rows that are taken.
        predicate: Option<BoundExpression>,
    },
    CopyInto(Box<BoundCopyInto>),
    ConvertToDelta(Box<BoundConvert>),

    CreateCatalog {
        name: String,
        if_not_exists: bool,
        comment: Option<String>,
        owner: Option<Arc<Principal>>,
    },
    CreateSchema(BoundCreateSchema),
    CreateTable(Box<BoundCreateTable>),
    CreateView(BoundCreateView),
    Refresh(BoundRefresh),
    AlterCatalog {
        catalog: Arc<Catalog>,
        action: BoundAlterNamespace,
    },
    AlterSchema {
        schema: Arc<Schema>,
        action: BoundAlterNamespace,
    },
    AlterTable {
        table: Arc<Relation>,
        action: AlterTableAction,
        target: BoundTableTarget,
        tag: &'static str,
    },
    AlterView {
        view: Arc<Relation>,
        action: BoundAlterView,
    },
    Index(Box<BoundIndex>),
    Drop {
        securables: Vec<Securable>,
        cascade: bool,
        missing: Vec<String>,
        tag: &'static str,
    },
    /// `ALTER … IF EXISTS` of something that is not there, and SET CONSTRAINTS.
    Nothing {
        tag: &'static str,
        notice: Option<String>,
    },
    Comment {
        on: BoundCommentTarget,
        text: Option<String>,
    },

    Storage(Box<BoundStorage>),
    Maintenance(Box<BoundMaintenance>),
    VacuumAll,
    Analyze(BoundAnalyze),

    CreatePrincipal(BoundCreatePrincipal),
    AlterPrincipal {
        principal: Arc<Principal>,
        action: BoundAlterPrincipal,
    },
    DropPrincipals {
        principals: Vec<Arc<Principal>>,
        missing: Vec<String>,
    },
    Grant(BoundGrant),
    Revoke(BoundGrant),
    GrantMembership {
        groups: Vec<Arc<Principal>>,
        members: Vec<Arc<Principal>>,
    },
    RevokeMembership {
        groups: Vec<Arc<Principal>>,
        members: Vec<Arc<Principal>>,
    },

    Show(BoundShow),
}

/// A query and what each relation name in it means.
#[derive(Debug, Clone)]
pub struct BoundQuery {
    pub ast: Box<ast::Query>,
    pub relations: Relations,
}

/// Relation names as they stand in an AST, and what each means.
pub type Relations = HashMap<ObjectName, BoundRelation>;

#[derive(Debug, Clone)]
pub enum BoundRelation {
    Table {
        relation: Arc<Relation>,
        time_travel: Option<BoundTimeTravel>,
        /// Whether the transaction counts on its rows staying as they are.
        locked: bool,
    },
    /// A view, expanded: what its query reads, it reads with the rights of the view's owner.
    View { relation: Arc<Relation>, query: Arc<BoundQuery> },
    /// A relation of the system, in `pg_catalog` or `information_schema`.
    System { schema: String, name: String },
    /// Files in a place.
    Files(Arc<BoundFiles>),
    /// The rows of an item of the statement's WITH.
    WithItem(usize),
}

#[derive(Debug, Clone, PartialEq)]
pub enum BoundTimeTravel {
    Version(u64),
    /// A constant expression for a timestamp.
    Timestamp(Box<ast::Expr>),
    /// What the versions from one to another have changed.
    Changes {
        from: Box<BoundTimeTravel>,
        to: Option<Box<BoundTimeTravel>>,
    },
}

/// An expression over the target's columns, and what the relations of its subqueries mean.
#[derive(Debug, Clone)]
pub struct BoundExpression {
    pub ast: ast::Expr,
    pub relations: Relations,
}

#[derive(Debug, Clone)]
pub struct BoundExplain {
    pub analyze: bool,
    pub verbose: bool,
    pub format: ExplainFormat,
    pub statement: Box<BoundStatement>,
}

#[derive(Debug, Clone)]
pub struct BoundInsert {
    pub table: Arc<Relation>,
    /// What the statement calls the table.
    pub alias: String,
    pub columns: Vec<ColumnName>,
    /// `None` is DEFAULT VALUES.
    pub source: Option<BoundQuery>,
    pub by_name: bool,
    pub evolves_schema: bool,
    pub overriding: Option<Overriding>,
    pub replaced: BoundReplaced,
    pub on_conflict: Option<BoundConflict>,
    /// Over [`crate::sql::CHANGED_ROWS`], which is none of its relations.
    pub returning: Option<BoundQuery>,
}

/// What becomes of a row whose key the table has already.
#[derive(Debug, Clone)]
pub struct BoundConflict {
    pub target: ConflictTarget,
    /// `None` is DO NOTHING.
    pub update: Option<BoundConflictUpdate>,
}

#[derive(Debug, Clone)]
pub struct BoundConflictUpdate {
    pub assignments: Vec<BoundAssignment>,
    pub predicate: Option<BoundExpression>,
}

/// Which rows go when new ones come.
#[derive(Debug, Clone)]
pub enum BoundReplaced {
    None,
    All,
    Where(Box<BoundExpression>),
}

#[derive(Debug, Clone)]
pub struct BoundAssignment {
    pub column: ColumnName,
    /// `None` is DEFAULT.
    pub value: Option<BoundExpression>,
}

#[derive(Debug, Clone)]
pub struct BoundUpdate {
    pub table: Arc<Relation>,
    /// What the statement calls the table.
    pub alias: String,
    pub assignments: Vec<BoundAssignment>,
    pub predicate: Option<BoundExpression>,
    pub returning: Option<BoundQuery>,
}

#[derive(Debug, Clone)]
pub struct BoundDelete {
    pub table: Arc<Relation>,
    /// What the statement calls the table.
    pub alias: String,
    pub predicate: Option<BoundExpression>,
    pub returning: Option<BoundQuery>,
}

#[derive(Debug, Clone)]
pub struct BoundTruncate {
    pub tables: Vec<Arc<Relation>>,
    /// Those that refer to them, where the statement says CASCADE.
    pub cascaded: Vec<Arc<Relation>>,
    pub restart_identity: bool,
}

#[derive(Debug, Clone)]
pub struct BoundMerge {
    pub table: Arc<Relation>,
    pub alias: String,
    pub source: BoundQuery,
    /// What conditions call the source; `None` for several relations, which have names of their own.
    pub source_alias: Option<String>,
    pub on: BoundExpression,
    pub clauses: Vec<BoundMergeClause>,
    pub evolves_schema: bool,
    pub written_as: Option<JoinedChange>,
    pub returning: Option<BoundQuery>,
}

#[derive(Debug, Clone)]
pub struct BoundMergeClause {
    pub when: MergeMatch,
    pub predicate: Option<BoundExpression>,
    pub action: BoundMergeAction,
}

#[derive(Debug, Clone)]
pub enum BoundMergeAction {
    Update(Vec<BoundAssignment>),
    UpdateAll,
    Delete,
    Insert { columns: Vec<ColumnName>, values: Vec<Option<BoundExpression>> },
    InsertAll,
    DoNothing,
}

/// A statement of several parts, one of which changes rows.
#[derive(Debug, Clone)]
pub struct BoundWith {
    pub items: Vec<BoundWithItem>,
    pub body: BoundWithPart,
}

#[derive(Debug, Clone)]
pub struct BoundWithItem {
    pub name: String,
    /// Other names for its first columns.
    pub columns: Vec<String>,
    pub part: BoundWithPart,
}

/// A query, INSERT, UPDATE, DELETE or MERGE.
#[derive(Debug, Clone)]
pub struct BoundWithPart {
    pub statement: BoundStatement,
    /// The numbers of the parameters that it names.
    pub parameters: Vec<usize>,
}

#[derive(Debug, Clone)]
pub struct BoundCreateSchema {
    pub catalog: Arc<Catalog>,
    pub name: String,
    pub if_not_exists: bool,
    pub comment: Option<String>,
    pub owner: Option<Arc<Principal>>,
}

#[derive(Debug, Clone)]
pub struct BoundCreateTable {
    pub schema: Arc<Schema>,
    pub name: ObjectName,
    /// The relation that has the name already.
    pub existing: Option<Arc<Relation>>,
    pub or_replace: bool,
    pub if_not_exists: bool,
    pub columns: Vec<ColumnDefinition>,
    pub checks: Vec<CheckConstraint>,
    pub keys: Vec<BoundKey>,
    pub partitioned_by: Vec<ColumnName>,
    pub location: Option<String>,
    /// The external location that covers it.
    pub external_location: Option<Arc<ExternalLocation>>,
    pub properties: Vec<(String, String)>,
    pub comment: Option<String>,
    pub query: Option<BoundQuery>,
    /// The text of the query, for a materialized view.
    pub materialized: Option<String>,
    /// Names for the first columns of the query.
    pub column_names: Vec<ColumnName>,
    /// The columns of the query, and none of its rows.
    pub no_data: bool,
    /// What becomes of a temporary table at COMMIT.
    pub on_commit: OnCommit,
    pub cluster_by: Vec<ColumnName>,
    pub clone_of: Option<BoundCloneOf>,
    /// What the files are, where they are no Delta table's.
    pub files: Option<FilesFormat>,
}

/// A key, and the table that it refers to: `None` for the table itself, and for what is no foreign key.
#[derive(Debug, Clone)]
pub struct BoundKey {
    pub key: KeyConstraint,
    pub referenced: Option<Arc<Relation>>,
}

/// The table that a new one is a copy of.
#[derive(Debug, Clone)]
pub struct BoundCloneOf {
    pub source: Arc<Relation>,
    pub at: Option<BoundTimeTravel>,
    pub shallow: bool,
}

#[derive(Debug, Clone)]
pub struct BoundCreateView {
    pub schema: Arc<Schema>,
    pub name: ObjectName,
    /// The relation that has the name already.
    pub existing: Option<Arc<Relation>>,
    pub or_replace: bool,
    pub if_not_exists: bool,
    pub columns: Vec<ColumnName>,
    pub query: BoundQuery,
    pub definition: String,
    pub comment: Option<String>,
    /// What the user is told.
    pub notice: Option<String>,
}

/// The materialized view whose rows are made anew.
#[derive(Debug, Clone)]
pub struct BoundRefresh {
    pub relation: Arc<Relation>,
    /// What its query reads, it reads with the rights of the materialized view's owner. `None` is WITH NO DATA.
    pub query: Option<Arc<BoundQuery>>,
}

#[derive(Debug, Clone)]
pub enum BoundAlterNamespace {
    RenameTo(String),
    OwnerTo(Arc<Principal>),
}

/// What else an ALTER TABLE names: where the table goes, whose it becomes, or what its keys refer to.
#[derive(Debug, Clone)]
pub enum BoundTableTarget {
    Itself,
    Schema(Arc<Schema>),
    Owner(Arc<Principal>),
    /// The tables of the foreign keys among the changes, in order.
    Referenced(Vec<Arc<Relation>>),
}

#[derive(Debug, Clone)]
pub enum BoundAlterView {
    RenameTo(String),
    MoveTo { schema: Arc<Schema>, name: String },
    OwnerTo(Arc<Principal>),
    As { query: BoundQuery, definition: String },
}

#[derive(Debug, Clone)]
pub enum BoundCommentTarget {
    Securable(Securable),
    Column {
        relation: Arc<Relation>,
        column: ColumnName,
    },
    /// A constraint or a declared index of a table.
    Part {
        table: Arc<Relation>,
        part: SecurableId,
    },
}

#[derive(Debug, Clone)]
pub struct BoundCreatePrincipal {
    pub name: String,
    pub kind: PrincipalKind,
    pub if_not_exists: bool,
    /// The principal that has the name already.
    pub existing: Option<Arc<Principal>>,
    pub password: Option<Secret>,
    pub admin: bool,
}

#[derive(Debug, Clone)]
pub enum BoundAlterPrincipal {
    /// `password`: `Some(None)` takes it away.
    Options {
        password: Option<Option<Secret>>,
        admin: Option<bool>,
    },
    RenameTo(String),
    AddMembers(Vec<Arc<Principal>>),
    DropMembers(Vec<Arc<Principal>>),
}

#[derive(Debug, Clone)]
pub struct BoundGrant {
    /// For each securable what is granted or revoked on it.
    pub on: Vec<(Securable, Vec<Privilege>)>,
    /// The users and groups, or everybody.
    pub grantees: Vec<PrincipalId>,
}

/// What SHOW and DESCRIBE ask for.
#[derive(Debug, Clone)]
pub enum BoundShow {
    Catalogs {
        like: Option<String>,
    },
    Schemas {
        catalog: Arc<Catalog>,
        like: Option<String>,
    },
    Tables {
        schema: Arc<Schema>,
        like: Option<String>,
    },
    Views {
        schema: Arc<Schema>,
        like: Option<String>,
    },
    Columns {
        relation: Arc<Relation>,
    },
    CreateTable {
        relation: Arc<Relation>,
    },
    TableProperties {
        table: Arc<Relation>,
        key: Option<String>,
    },
    Users {
        like: Option<String>,
    },
    Groups {
        like: Option<String>,
    },
    Grants {
        principal: Option<PrincipalId>,
        on: Option<Securable>,
    },
    DescribeRelation {
        relation: Arc<Relation>,
        extended: bool,
    },
    /// DESCRIBE of a relation of the system: its columns.
    DescribeSystem {
        schema: String,
        name: String,
    },
    DescribeSchema {
        schema: Arc<Schema>,
    },
    DescribeCatalog {
        catalog: Arc<Catalog>,
    },
    DescribeHistory {
        table: Arc<Relation>,
        limit: Option<u64>,
    },
    DescribeDetail {
        table: Arc<Relation>,
    },
    DescribeQuery(BoundQuery),
    Storage(BoundShowStorage),
}

impl BoundRelation {
    /// The metastore's relation behind it; `None` for a system relation.
    pub fn relation(&self) -> Option<&Arc<Relation>> {
        match self {
            BoundRelation::Table { relation, .. } | BoundRelation::View { relation, .. } => {
                Some(relation)
            }
            BoundRelation::System { .. } | BoundRelation::Files(_) | BoundRelation::WithItem(_) => {
                None
            }
        }
    }
}
