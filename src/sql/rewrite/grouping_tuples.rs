//! `ROLLUP ((a, b), c)` and `CUBE` with tuples become the grouping sets that they stand for, and so do those inside
//! GROUPING SETS: the planner takes single columns only.

use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::row_values::fields;
use crate::base::{Error, ErrorKind, Result};

/// PostgreSQL's bound on the elements of a CUBE.
const CUBE_ELEMENTS_MAX: usize = 12;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    match expression {
        Expr::Rollup(elements) if has_tuple(elements) => {
            *expression = Expr::GroupingSets(rolled_up(elements));
        }
        Expr::Cube(elements) if has_tuple(elements) => {
            *expression = Expr::GroupingSets(cubed(elements)?);
        }
        Expr::GroupingSets(sets) => {
            let mut flat = Vec::with_capacity(sets.len());
            for set in std::mem::take(sets) {
                match set.as_slice() {
                    [Expr::Rollup(elements)] => flat.extend(rolled_up(elements)),
                    [Expr::Cube(elements)] => flat.extend(cubed(elements)?),
                    [Expr::GroupingSets(sets)] => flat.extend(sets.iter().cloned()),
                    [Expr::Function(function)] => match called(function) {
                        Some(("rollup", elements)) => flat.extend(rolled_up(&elements)),
                        Some((_, elements)) => flat.extend(cubed(&elements)?),
                        None => flat.push(set),
                    },
                    _ => flat.push(set.into_iter().flat_map(members).collect()),
                }
            }
            *sets = flat;
        }
        _ => {}
    }
    Ok(())
}

/// `rollup(a, (b, c))` in the place of a value, where it is read as a call.
fn called(function: &Function) -> Option<(&'static str, Vec<Vec<Expr>>)> {
    let name = match function.name.to_string().to_lowercase().as_str() {
        "rollup" => "rollup",
        "cube" => "cube",
        _ => return None,
    };
    let FunctionArguments::List(list) = &function.args else { return None };
    let elements = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(element)) => Some(members(element.clone())),
        _ => None,
    });
    Some((name, elements.collect::<Option<_>>()?))
}

/// The values of a tuple, which is a row by now.
fn members(element: Expr) -> Vec<Expr> {
    match element {
        Expr::Nested(inner) => members(*inner),
        element => fields(&element).unwrap_or_else(|| vec![element]),
    }
}

fn rolled_up(elements: &[Vec<Expr>]) -> Vec<Vec<Expr>> {
    let prefixes = (0..=elements.len()).rev();
    prefixes.map(|n| elements.iter().take(n).flatten().cloned().collect()).collect()
}

fn cubed(elements: &[Vec<Expr>]) -> Result<Vec<Vec<Expr>>> {
    if elements.len() > CUBE_ELEMENTS_MAX {
        let message = format!("CUBE is limited to {CUBE_ELEMENTS_MAX} elements");
        return Err(Error::new(ErrorKind::ProgramLimitExceeded, message));
    }
    let subsets = (0..1usize << elements.len()).rev();
    let sets = subsets.map(|subset| {
        let chosen = elements.iter().enumerate().filter(|(n, _)| subset >> n & 1 == 1);
        chosen.flat_map(|(_, element)| element).cloned().collect()
    });
    Ok(sets.collect())
}

fn has_tuple(elements: &[Vec<Expr>]) -> bool {
    elements.iter().any(|element| element.len() > 1)
}
