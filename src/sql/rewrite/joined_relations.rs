//! `(a JOIN b USING (x)) AS y` becomes `(SELECT * FROM a JOIN b USING (x)) AS y`: the names of the relations inside are
//! hidden, and `x` is one column. The planner would keep both.

use sqlparser::ast::TableFactor;

use super::{made_query, merged_columns};
use crate::base::Result;
use crate::sql::selects::selects;

pub fn rewrite(factor: &mut TableFactor) -> Result<()> {
    let TableFactor::NestedJoin { table_with_joins, alias: alias @ Some(_) } = factor else {
        return Ok(());
    };
    let mut query = made_query("SELECT * FROM joined")?;
    for select in selects(&mut query.body) {
        select.from = vec![table_with_joins.as_ref().clone()];
    }
    merged_columns::rewrite(&mut query)?;
    *factor =
        TableFactor::Derived { lateral: false, subquery: query, alias: alias.take(), sample: None };
    Ok(())
}
