//! Which recursive queries there may be: `non-recursive UNION [ALL] recursive`, with one reference to itself in the
//! FROM of the second part. It changes nothing.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Cte, JoinOperator, ObjectName, ObjectNamePart, Query, SetExpr, SetOperator, TableFactor,
    TableWithJoins, Visit, Visitor,
};
use sqlparser::tokenizer::Span;

use super::cursor::fold;
use super::source::Source;
use crate::base::{Error, ErrorKind, Result};

/// Refuses what PostgreSQL refuses, in every WITH RECURSIVE of the query. Errors: 42P19.
pub fn check(query: &Query, source: &Source<'_>) -> Result<()> {
    match query.visit(&mut Checker { source }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Checker<'a> {
    source: &'a Source<'a>,
}

impl Visitor for Checker<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        let Some(with) = query.with.as_ref().filter(|with| with.recursive) else {
            return ControlFlow::Continue(());
        };
        for cte in &with.cte_tables {
            if let Err((error, span)) = check_one(cte) {
                return ControlFlow::Break(error.at_if(self.source.position(span)));
            }
        }
        ControlFlow::Continue(())
    }
}

type Checked = std::result::Result<(), (Error, Span)>;

fn check_one(cte: &Cte) -> Checked {
    let name = fold(&cte.alias.name.value, cte.alias.name.quote_style);
    let all = references(&*cte.query, &name);
    if all.spans.is_empty() || all.is_hidden {
        return Ok(());
    }
    let SetExpr::SetOperation { op: SetOperator::Union, left, right, .. } = cte.query.body.as_ref()
    else {
        let message = format!(
            "recursive query \"{name}\" does not have the form non-recursive-term UNION [ALL] recursive-term"
        );
        return Err((refused(message), cte.alias.name.span));
    };
    let misplaced = |place: &str, span: Span| {
        (refused(format!("recursive reference to query \"{name}\" must not appear {place}")), span)
    };
    let inner = cte.query.with.iter().flat_map(|with| references(with, &name).spans);
    if let Some(span) = inner.into_iter().next() {
        return Err(misplaced("within a subquery", span));
    }
    if let Some(span) = references(left.as_ref(), &name).spans.first() {
        return Err(misplaced("within its non-recursive term", *span));
    }
    let recursive = references(right.as_ref(), &name).spans;
    if let SetExpr::SetOperation { op: SetOperator::Intersect, .. } = right.as_ref()
        && let Some(span) = recursive.first()
    {
        return Err(misplaced("within INTERSECT", *span));
    }
    if let SetExpr::Select(select) = right.as_ref() {
        let in_from = select.from.iter().flat_map(|from| references(from, &name).spans).count();
        if in_from < recursive.len()
            && let Some(span) = recursive.last()
        {
            return Err(misplaced("within a subquery", *span));
        }
        for from in &select.from {
            outer_joins(from, &name).map_err(|span| misplaced("within an outer join", span))?;
        }
    }
    match recursive.get(1) {
        Some(second) => Err(misplaced("more than once", *second)),
        None => Ok(()),
    }
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::InvalidRecursion, message)
}

/// Refuses the name on a side of a join that may be NULL.
fn outer_joins(from: &TableWithJoins, name: &str) -> std::result::Result<(), Span> {
    let mut before = references(&from.relation, name).spans;
    for join in &from.joins {
        let after = references(&join.relation, name).spans;
        let (left, right) = match &join.join_operator {
            JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => (false, true),
            JoinOperator::Right(_) | JoinOperator::RightOuter(_) => (true, false),
            JoinOperator::FullOuter(_) => (true, true),
            _ => (false, false),
        };
        let wrong =
            left.then(|| before.first()).flatten().or(right.then(|| after.first()).flatten());
        if let Some(span) = wrong {
            return Err(*span);
        }
        before.extend(after);
    }
    Ok(())
}

/// Where a name is read.
#[derive(Default)]
struct References {
    spans: Vec<Span>,
    /// Whether a WITH inside has the name for something else.
    is_hidden: bool,
}

struct Finder<'n> {
    name: &'n str,
    found: References,
}

impl Visitor for Finder<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let mut names = query.with.iter().flat_map(|with| &with.cte_tables);
        let hides =
            |cte: &Cte| fold(&cte.alias.name.value, cte.alias.name.quote_style) == self.name;
        self.found.is_hidden |= names.any(hides);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name: ObjectName(parts), args: None, .. } = factor
            && let [ObjectNamePart::Identifier(ident)] = parts.as_slice()
            && fold(&ident.value, ident.quote_style) == self.name
        {
            self.found.spans.push(ident.span);
        }
        ControlFlow::Continue(())
    }
}

/// Whether a query reads a relation of this name, whatever it stands for.
pub fn is_read_in(query: &Query, name: &str) -> bool {
    !references(query, name).spans.is_empty()
}

fn references<V: Visit>(node: &V, name: &str) -> References {
    let mut finder = Finder { name, found: References::default() };
    // It never stops.
    let _ = node.visit(&mut finder);
    finder.found
}
