//! `OVER (w ORDER BY x)` takes the partitions, and the order where it has none of its own, from the window that the
//! WINDOW clause names: the planner would overlook the name.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, NamedWindowDefinition, NamedWindowExpr, Query, Select, VisitMut, VisitorMut, WindowSpec,
    WindowType,
};

use super::frame_offsets;
use crate::base::{Error, ErrorKind, Result};
use crate::sql::cursor::fold;
use crate::sql::selects::selects;

pub fn rewrite(query: &mut Query) -> Result<()> {
    selects(&mut query.body).into_iter().try_for_each(in_select)
}

fn in_select(select: &mut Select) -> Result<()> {
    // A window may be based on one before it.
    let mut known: Vec<(String, WindowSpec)> = Vec::new();
    for NamedWindowDefinition(name, window) in &mut select.named_window {
        let mut spec = match window {
            NamedWindowExpr::WindowSpec(spec) => spec.clone(),
            NamedWindowExpr::NamedWindow(base) => WindowSpec {
                window_name: Some(base.clone()),
                partition_by: Vec::new(),
                order_by: Vec::new(),
                window_frame: None,
            },
        };
        frame_offsets::in_window(&mut spec);
        complete(&mut spec, &known)?;
        *window = NamedWindowExpr::WindowSpec(spec.clone());
        known.push((fold(&name.value, name.quote_style), spec));
    }
    let mut completer = Completer { known, queries: 0 };
    match select.projection.visit(&mut completer) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// Adds what the named window says.
fn complete(spec: &mut WindowSpec, known: &[(String, WindowSpec)]) -> Result<()> {
    let Some(name) = spec.window_name.take() else { return Ok(()) };
    let folded = fold(&name.value, name.quote_style);
    let found = known.iter().find(|(known, _)| *known == folded).map(|(_, window)| window);
    let base = found.ok_or_else(|| {
        let message = format!("window \"{folded}\" does not exist");
        Error::new(ErrorKind::UndefinedObject, message)
    })?;
    let refused = |what: &str| {
        let message = format!("cannot {what} of window \"{folded}\"");
        Err(Error::new(ErrorKind::WindowingError, message))
    };
    if !spec.partition_by.is_empty() {
        return refused("override PARTITION BY clause");
    }
    if !spec.order_by.is_empty() && !base.order_by.is_empty() {
        return refused("override ORDER BY clause");
    }
    spec.partition_by.clone_from(&base.partition_by);
    if spec.order_by.is_empty() {
        spec.order_by.clone_from(&base.order_by);
    }
    if spec.window_frame.is_none() {
        spec.window_frame.clone_from(&base.window_frame);
    }
    Ok(())
}

struct Completer {
    known: Vec<(String, WindowSpec)>,
    queries: usize,
}

impl VisitorMut for Completer {
    type Break = Error;

    fn pre_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Error> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Error> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<Error> {
        if self.queries == 0
            && let Expr::Function(function) = expression
            && let Some(WindowType::WindowSpec(spec)) = &mut function.over
            && let Err(error) = complete(spec, &self.known)
        {
            return ControlFlow::Break(error);
        }
        ControlFlow::Continue(())
    }
}
