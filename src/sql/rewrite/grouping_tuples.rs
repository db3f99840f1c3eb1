//! `ROLLUP ((a, b), c)` and `CUBE` with tuples become the grouping sets that they stand for: the planner takes
//! single columns only.

use sqlparser::ast::Expr;

use crate::base::{Error, ErrorKind, Result};

/// PostgreSQL's bound on the elements of a CUBE.
const CUBE_ELEMENTS_MAX: usize = 12;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    match expression {
        Expr::Rollup(elements) if has_tuple(elements) => {
            let prefixes = (0..=elements.len()).rev();
            let sets = prefixes.map(|n| elements.iter().take(n).flatten().cloned().collect());
            *expression = Expr::GroupingSets(sets.collect());
        }
        Expr::Cube(elements) if has_tuple(elements) => {
            if elements.len() > CUBE_ELEMENTS_MAX {
                let message = format!("CUBE is limited to {CUBE_ELEMENTS_MAX} elements");
                return Err(Error::new(ErrorKind::ProgramLimitExceeded, message));
            }
            let subsets = (0..1usize << elements.len()).rev();
            let sets = subsets.map(|subset| {
                let chosen = elements.iter().enumerate().filter(|(n, _)| subset >> n & 1 == 1);
                chosen.flat_map(|(_, element)| element).cloned().collect()
            });
            *expression = Expr::GroupingSets(sets.collect());
        }
        _ => {}
    }
    Ok(())
}

fn has_tuple(elements: &[Vec<Expr>]) -> bool {
    elements.iter().any(|element| element.len() > 1)
}
