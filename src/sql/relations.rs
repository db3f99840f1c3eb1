//! Which relations a query or expression names, by PostgreSQL's scoping of WITH names. It also takes time
//! travel clauses out of the tree, and refuses what the planner would overlook.

use std::ops::ControlFlow;

use sqlparser::ast::{
    ExceptSelectItem, Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName as AstName,
    ObjectNamePart, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr,
    TableAlias, TableFactor, TableFunctionArgs, TableVersion, TableWithJoins, Value, VisitMut,
    VisitorMut, visit_expressions_mut,
};

use super::cursor::{fold, is_reserved, object_name};
use super::files::{FilesClause, METADATA, read_files};
use super::row_lock::{Named, RowLock, RowLocks};
use super::source::Source;
use super::statement::{RelationReference, TimeTravelClause};
use super::tokens;
use super::with::item_key;
use crate::base::name::ObjectName;
use crate::base::{Error, ErrorKind, Result};

/// What the queries of RETURNING call the rows that the statement has changed. It is none of the relations
/// that they name.
pub const CHANGED_ROWS: &str = "__lakegate_changed_rows";

/// The function that stands for files.
const READ_FILES: &str = "read_files";

/// The changed rows in a FROM clause, under an alias.
pub fn changed_rows(alias: &str) -> TableWithJoins {
    let relation = TableFactor::Table {
        name: AstName::from(vec![Ident::with_quote('"', CHANGED_ROWS)]),
        alias: Some(TableAlias {
            explicit: true,
            name: Ident::with_quote('"', alias),
            columns: Vec::new(),
            at: None,
        }),
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    };
    TableWithJoins { relation, joins: Vec::new() }
}

/// The relations in `node`, in the order of the text. The tree is changed only where it has time travel.
///
/// `items` are the names of the statement's WITH items before it, which are hidden by those of its own.
pub fn collect<V: VisitMut>(
    node: &mut V,
    items: &[String],
    source: &Source<'_>,
) -> Result<Vec<RelationReference>> {
    let (scopes, relations) = (Vec::new(), Vec::new());
    let names_metadata = names_metadata(node);
    let inherited = None;
    let mut collector = Collector { source, items, scopes, relations, inherited, names_metadata };
    match node.visit(&mut collector) {
        ControlFlow::Continue(()) => Ok(collector.relations),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Collector<'a> {
    source: &'a Source<'a>,
    items: &'a [String],
    /// The queries around the current place, outermost first.
    scopes: Vec<Scope>,
    relations: Vec<RelationReference>,
    /// The lock of the query around, for the one in its FROM that comes next.
    inherited: Option<RowLock>,
    /// Whether the column with what is known of files is named anywhere.
    names_metadata: bool,
}

/// The WITH names of one query.
struct Scope {
    names: Vec<String>,
    recursive: bool,
    /// WITH queries that have been walked; they stand before everything else in their query.
    finished: usize,
    locks: RowLocks,
}

impl Scope {
    fn of(query: &Query) -> Self {
        let with = query.with.as_ref();
        let names = with.into_iter().flat_map(|with| &with.cte_tables);
        Scope {
            names: names.map(|cte| folded(&cte.alias.name)).collect(),
            recursive: with.is_some_and(|with| with.recursive),
            finished: 0,
            locks: RowLocks::default(),
        }
    }

    /// Without RECURSIVE a WITH query sees only those before it.
    fn sees(&self, name: &str) -> bool {
        let visible = if self.recursive { self.names.len() } else { self.finished };
        self.names.iter().take(visible).any(|known| known == name)
    }
}

impl VisitorMut for Collector<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        if has_into(&query.body) {
            let message = "SELECT ... INTO is not allowed here";
            return ControlFlow::Break(Error::new(ErrorKind::SyntaxError, message));
        }
        if changes_rows(&query.body) {
            return ControlFlow::Break(nested_change());
        }
        if let Some(what) = unplanned_clause(query).or_else(|| unplanned_body(&query.body)) {
            return ControlFlow::Break(Error::unsupported(what));
        }
        let locks = match RowLocks::take(query, self.inherited.take()) {
            Ok(locks) => locks,
            Err(error) => return ControlFlow::Break(error),
        };
        self.scopes.push(Scope { locks, ..Scope::of(query) });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Error> {
        if let Some(Err(error)) = self.scopes.pop().map(|scope| scope.locks.check_all_found()) {
            return ControlFlow::Break(error);
        }
        if let Some(outer) = self.scopes.last_mut()
            && outer.finished < outer.names.len()
        {
            outer.finished += 1;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        if self.names_metadata {
            let files = names_of_files(&select.from);
            select.projection.iter_mut().for_each(|item| leave_metadata_out(item, &files));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        if let TableFactor::Derived { alias: Some(alias), .. } = factor {
            // What locks the rows of a query locks those that it reads.
            match self.locked(&folded(&alias.name), false) {
                Ok(locked) => self.inherited = locked,
                Err(error) => return ControlFlow::Break(error),
            }
        }
        match self.table_factor(factor) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl Collector<'_> {
    /// How the innermost query locks the rows of what its FROM calls by a name.
    ///
    /// Errors: 0A000 where it names an item of WITH, which has no rows of its own.
    fn locked(&mut self, name: &str, is_item: bool) -> Result<Option<RowLock>> {
        let Some(scope) = self.scopes.last_mut() else { return Ok(None) };
        match scope.locks.of(name) {
            Some((lock, Named::ByName)) if is_item => {
                let what = format!("{} cannot be applied to a WITH query", lock.name());
                Err(Error::new(ErrorKind::FeatureNotSupported, what))
            }
            found => Ok(found.map(|(lock, _)| lock)),
        }
    }

    fn table_factor(&mut self, factor: &mut TableFactor) -> Result<()> {
        if let Some(what) = unplanned_factor(factor) {
            return Err(Error::unsupported(what));
        }
        let TableFactor::Table { name, alias, args, version, .. } = factor else { return Ok(()) };
        let position = name_position(name, self.source);
        let travel = version.take().map(|version| self.time_travel(version)).transpose();
        let travel = travel.map_err(|error| error.at_if(position))?;
        if let Some(given) = args {
            return match travel {
                None if is_function(name, READ_FILES) => {
                    let names_metadata = self.names_metadata;
                    let files = read_files(given, position)?;
                    let files = Some(FilesClause { names_metadata, ..files });
                    // Each has files of its own.
                    let key = ObjectName::bare(format!("read_files#{}", self.relations.len()));
                    *args = None;
                    rename(name, alias, &key.object);
                    let name = object_name(vec![READ_FILES.to_owned()], position)?;
                    self.relations.push(RelationReference {
                        name,
                        key,
                        time_travel: None,
                        files,
                        with_item: None,
                        locked: None,
                    });
                    Ok(())
                }
                None if is_function(name, "table_changes") => {
                    let (table, clause) = self.table_changes(given, position)?;
                    let mut key = table.clone();
                    key.object = travel_key(&table, &clause);
                    *args = None;
                    rename(name, alias, &key.object);
                    if let Some(ObjectNamePart::Identifier(last)) = name.0.last_mut() {
                        let parts = [&key.catalog, &key.schema].into_iter().flatten();
                        let quoted = parts.map(|part| Ident::with_quote('"', part));
                        let last = std::mem::replace(last, Ident::new(""));
                        name.0 = quoted.chain([last]).map(ObjectNamePart::Identifier).collect();
                    }
                    let time_travel = Some(clause);
                    self.relations.push(RelationReference {
                        name: table,
                        key,
                        time_travel,
                        files: None,
                        with_item: None,
                        locked: None,
                    });
                    Ok(())
                }
                None => Ok(()),
                Some(_) => Err(Error::unsupported("time travel of a function").at_if(position)),
            };
        }
        if let Some(ObjectNamePart::Identifier(first)) = name.0.first()
            && first.quote_style.is_none()
            && is_reserved(&first.value)
        {
            return Err(tokens::near(self.source, first.span));
        }
        let written = relation_name(name, self.source)?;
        let with_name =
            written.schema.is_none() && self.scopes.iter().any(|scope| scope.sees(&written.object));
        let called = alias.as_ref().map_or(written.object.clone(), |alias| folded(&alias.name));
        let locked = self.locked(&called, with_name)?;
        if with_name {
            return match travel {
                None => Ok(()),
                Some(_) => Err(Error::unsupported("time travel of a WITH query").at_if(position)),
            };
        }
        let item = match written.schema {
            None => self.items.iter().position(|item| *item == written.object),
            Some(_) => None,
        };
        if let Some(item) = item {
            if travel.is_some() {
                return Err(Error::unsupported("time travel of a WITH query").at_if(position));
            }
            let key = ObjectName::bare(item_key(item));
            rename(name, alias, &key.object);
            self.relations.push(RelationReference {
                name: written,
                key,
                time_travel: None,
                files: None,
                with_item: Some(item),
                locked: None,
            });
            return Ok(());
        }
        let mut key = written.clone();
        if let Some(clause) = &travel {
            key.object = travel_key(&written, clause);
            rename(name, alias, &key.object);
        }
        self.relations.push(RelationReference {
            name: written,
            key,
            time_travel: travel,
            files: None,
            with_item: None,
            locked,
        });
        Ok(())
    }

    /// `('table', from[, to])`: the table's name is a text.
    fn table_changes(
        &self,
        given: &TableFunctionArgs,
        position: Option<usize>,
    ) -> Result<(ObjectName, TimeTravelClause)> {
        let wrong = || {
            Error::new(ErrorKind::UndefinedFunction, "table_changes has other arguments")
                .with_hint("For example: table_changes('schema.table', 1, 5).")
                .at_if(position)
        };
        let mut values = Vec::with_capacity(given.args.len());
        for arg in &given.args {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) = arg else {
                return Err(wrong());
            };
            values.push(value);
        }
        let (table, from, to) = match values.as_slice() {
            [table, from] => (table, from, None),
            [table, from, to] => (table, from, Some(to)),
            _ => return Err(wrong()),
        };
        let Expr::Value(text) = table else { return Err(wrong()) };
        let Value::SingleQuotedString(text) = &text.value else { return Err(wrong()) };
        let name = object_name(name_parts(text), position)?;
        let from = Box::new(self.moment(from)?);
        let to = to.map(|to| self.moment(to).map(Box::new)).transpose()?;
        Ok((name, TimeTravelClause::Changes { from, to }))
    }

    /// A number is a version, everything else a timestamp.
    fn moment(&self, value: &Expr) -> Result<TimeTravelClause> {
        if let Expr::Value(number) = value
            && let Value::Number(..) = &number.value
        {
            return self.time_travel(TableVersion::VersionAsOf(value.clone()));
        }
        self.time_travel(TableVersion::TimestampAsOf(value.clone()))
    }

    fn time_travel(&self, version: TableVersion) -> Result<TimeTravelClause> {
        match version {
            TableVersion::VersionAsOf(Expr::Value(value)) => {
                let number = match &value.value {
                    Value::Number(digits, _) => digits.parse().ok(),
                    _ => None,
                };
                number.map(TimeTravelClause::Version).ok_or_else(|| {
                    Error::new(ErrorKind::InvalidParameterValue, "invalid table version")
                        .with_hint("Give the number of a version that DESCRIBE HISTORY shows.")
                })
            }
            TableVersion::TimestampAsOf(mut at) | TableVersion::ForSystemTimeAsOf(mut at) => {
                if collect(&mut at, &[], self.source)?.is_empty() {
                    Ok(TimeTravelClause::Timestamp(Box::new(at)))
                } else {
                    Err(Error::unsupported("a subquery in TIMESTAMP AS OF"))
                }
            }
            TableVersion::VersionAsOf(_)
            | TableVersion::Function(_)
            | TableVersion::Changes { .. } => Err(Error::unsupported("this time travel clause")),
        }
    }
}

/// Whether [`METADATA`] is named in the tree.
fn names_metadata<V: VisitMut>(node: &mut V) -> bool {
    let is_it = |name: &Ident| folded(name) == METADATA;
    let found = visit_expressions_mut(node, |expression| match expression {
        Expr::Identifier(name) if is_it(name) => ControlFlow::Break(()),
        Expr::CompoundIdentifier(parts) if parts.iter().any(is_it) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// The names by which a FROM clause calls its `read_files`.
fn names_of_files(from: &[TableWithJoins]) -> Vec<String> {
    let factors = from.iter().flat_map(|from| {
        let joined = from.joins.iter().map(|join| &join.relation);
        std::iter::once(&from.relation).chain(joined)
    });
    let names = factors.filter_map(|factor| match factor {
        TableFactor::Table { name, alias, args: Some(_), .. } if is_function(name, READ_FILES) => {
            Some(alias.as_ref().map_or(READ_FILES.to_owned(), |alias| folded(&alias.name)))
        }
        _ => None,
    });
    names.collect()
}

/// `*` and `files.*` have the columns of files, and not what is known of the files themselves.
fn leave_metadata_out(item: &mut SelectItem, files: &[String]) {
    let options = match item {
        SelectItem::Wildcard(options) if !files.is_empty() => options,
        SelectItem::QualifiedWildcard(
            SelectItemQualifiedWildcardKind::ObjectName(name),
            options,
        ) if matches!(name.0.as_slice(), [ObjectNamePart::Identifier(only)]
                if files.contains(&folded(only))) =>
        {
            options
        }
        _ => return,
    };
    if options.opt_except.is_none() && options.opt_exclude.is_none() {
        let first_element = Ident::with_quote('"', METADATA);
        let left_out = ExceptSelectItem { first_element, additional_elements: Vec::new() };
        options.opt_except = Some(left_out);
    }
}

/// A name that no identifier can have by accident, and that differs for each clause of a statement.
fn travel_key(name: &ObjectName, clause: &TimeTravelClause) -> String {
    let place = name.position().unwrap_or_default();
    match clause {
        TimeTravelClause::Version(version) => format!("{}@v{version}#{place}", name.object),
        TimeTravelClause::Timestamp(_) => format!("{}@t#{place}", name.object),
        TimeTravelClause::Changes { .. } => format!("{}@changes#{place}", name.object),
    }
}

fn is_function(name: &AstName, function: &str) -> bool {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(only)] => folded(only) == function,
        _ => false,
    }
}

/// The parts of a name that stands in a text, quoted ones as they are, others folded.
fn name_parts(text: &str) -> Vec<String> {
    let mut parts = vec![(String::new(), None)];
    let mut letters = text.chars().peekable();
    let mut is_quoted = false;
    while let Some(letter) = letters.next() {
        let Some((part, quote)) = parts.last_mut() else { break };
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                part.push('"');
            }
            '"' => {
                is_quoted = !is_quoted;
                *quote = Some('"');
            }
            '.' if !is_quoted => parts.push((String::new(), None)),
            letter => part.push(letter),
        }
    }
    parts.into_iter().map(|(part, quote)| fold(&part, quote)).collect()
}

/// Gives the table its key, and its old name as alias where it has none.
fn rename(name: &mut AstName, alias: &mut Option<TableAlias>, key: &str) {
    let Some(ObjectNamePart::Identifier(last)) = name.0.last_mut() else { return };
    let original = std::mem::replace(last, Ident::with_quote('"', key));
    alias.get_or_insert_with(|| TableAlias {
        explicit: true,
        name: original,
        columns: Vec::new(),
        at: None,
    });
}

pub fn folded(ident: &Ident) -> String {
    fold(&ident.value, ident.quote_style)
}

fn name_position(name: &AstName, source: &Source<'_>) -> Option<usize> {
    let first = name.0.first().and_then(ObjectNamePart::as_ident)?;
    source.position(first.span)
}

/// The folded name of a relation in the tree.
pub fn relation_name(name: &AstName, source: &Source<'_>) -> Result<ObjectName> {
    let position = name_position(name, source);
    let parts: Option<Vec<String>> =
        name.0.iter().map(|part| part.as_ident().map(folded)).collect();
    let parts = parts.ok_or_else(|| Error::unsupported("a computed name").at_if(position))?;
    object_name(parts, position)
}

/// Clauses that the planner does not read.
fn unplanned_clause(query: &Query) -> Option<&'static str> {
    if query.for_clause.is_some() { Some("FOR XML or FOR JSON") } else { None }
}

fn has_into(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => select.into.is_some(),
        SetExpr::SetOperation { left, right, .. } => has_into(left) || has_into(right),
        SetExpr::Query(_)
        | SetExpr::Values(_)
        | SetExpr::Insert(_)
        | SetExpr::Update(_)
        | SetExpr::Delete(_)
        | SetExpr::Merge(_)
        | SetExpr::Table(_) => false,
    }
}

/// Whether it is a statement that changes rows, which only the grammar of [`super::with`] lets stand in a WITH.
fn changes_rows(body: &SetExpr) -> bool {
    match body {
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => true,
        SetExpr::SetOperation { left, right, .. } => changes_rows(left) || changes_rows(right),
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) | SetExpr::Table(_) => false,
    }
}

fn nested_change() -> Error {
    let message = "WITH clause containing a data-modifying statement must be at the top level";
    Error::new(ErrorKind::FeatureNotSupported, message)
}

fn unplanned_body(body: &SetExpr) -> Option<&'static str> {
    match body {
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => None,
        SetExpr::SetOperation { left, right, .. } => {
            unplanned_body(left).or_else(|| unplanned_body(right))
        }
        SetExpr::Table(_) => Some("TABLE here"),
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => None,
    }
}

fn unplanned_factor(factor: &TableFactor) -> Option<&'static str> {
    match factor {
        TableFactor::Table { sample: Some(_), .. }
        | TableFactor::Derived { sample: Some(_), .. } => Some("TABLESAMPLE"),
        TableFactor::Table { with_ordinality: true, .. }
        | TableFactor::Function { with_ordinality: true, .. }
        | TableFactor::UNNEST { with_ordinality: true, .. } => {
            Some("WITH ORDINALITY of this function")
        }
        TableFactor::Table { with_hints, .. } if !with_hints.is_empty() => Some("a table hint"),
        TableFactor::Table { partitions, index_hints, json_path, .. }
            if !partitions.is_empty() || !index_hints.is_empty() || json_path.is_some() =>
        {
            Some("a partition, index hint or path after a table name")
        }
        TableFactor::Table { .. }
        | TableFactor::Derived { .. }
        | TableFactor::Function { .. }
        | TableFactor::UNNEST { .. }
        | TableFactor::NestedJoin { .. } => None,
        TableFactor::TableFunction { .. } => Some("TABLE(function)"),
        TableFactor::JsonTable { .. } | TableFactor::OpenJsonTable { .. } => Some("JSON_TABLE"),
        TableFactor::XmlTable { .. } => Some("XMLTABLE"),
        TableFactor::Pivot { .. } => Some("PIVOT"),
        TableFactor::Unpivot { .. } => Some("UNPIVOT"),
        TableFactor::MatchRecognize { .. } => Some("MATCH_RECOGNIZE"),
        TableFactor::SemanticView { .. } => Some("SEMANTIC_VIEW"),
    }
}
