//! What joins have found out about a scan's columns by the time it is read: the keys of their other side. So a
//! join of a system relation by oid goes straight to the objects. It never decides that a row is wanted.

use std::sync::Arc;

use datafusion::arrow::array::StructArray;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{
    BinaryExpr, CaseExpr, Column, DynamicFilterPhysicalExpr, InListExpr, Literal,
};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};

use super::lookup::Lookup;

/// Conditions that are known when their joins have read one side.
#[derive(Debug, Clone, Default)]
pub struct JoinKeys(Vec<Arc<dyn PhysicalExpr>>);

impl JoinKeys {
    /// These and `more`.
    pub fn and(&self, more: impl IntoIterator<Item = Arc<dyn PhysicalExpr>>) -> Self {
        JoinKeys(self.0.iter().cloned().chain(more).collect())
    }

    /// Shows `f` each condition.
    pub fn apply(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for condition in &self.0 {
            if f(condition)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    /// What they say now of the columns of a scan that gives `schema`, beside what is known.
    pub fn narrow(&self, known: &Lookup, schema: &SchemaRef) -> Lookup {
        let mut lookup = known.clone();
        for condition in &self.0 {
            let current = condition.downcast_ref::<DynamicFilterPhysicalExpr>();
            match current.map(DynamicFilterPhysicalExpr::current) {
                Some(Ok(current)) => bind(&current, schema, &mut lookup),
                Some(Err(_)) => {}
                None => bind(condition, schema, &mut lookup),
            }
        }
        lookup
    }
}

fn bind(condition: &Arc<dyn PhysicalExpr>, schema: &SchemaRef, lookup: &mut Lookup) {
    if let Some(conditions) = condition.downcast_ref::<BinaryExpr>()
        && *conditions.op() == Operator::And
    {
        bind(conditions.left(), schema, lookup);
        bind(conditions.right(), schema, lookup);
        return;
    }
    let found = match parts_of(condition) {
        Some(parts) => parts,
        None => values_of(condition).into_iter().collect(),
    };
    for (column, values) in found {
        if let Some(field) = schema.fields().get(column) {
            lookup.bind(field.name(), values.iter());
        }
    }
}

/// The columns of a key of several, each with the values that it has in the list of keys.
fn parts_of(condition: &Arc<dyn PhysicalExpr>) -> Option<Vec<(usize, Vec<ScalarValue>)>> {
    let list = condition.downcast_ref::<InListExpr>().filter(|list| !list.negated())?;
    let key = list.expr().downcast_ref::<ScalarFunctionExpr>()?;
    (key.name() == "struct").then_some(())?;
    let literal = |value: &Arc<dyn PhysicalExpr>| match value.downcast_ref::<Literal>()?.value() {
        ScalarValue::Struct(key) => Some(Arc::clone(key)),
        _ => None,
    };
    let keys = list.list().iter().map(literal).collect::<Option<Vec<_>>>()?;
    let columns = key.args().iter().enumerate();
    let columns = columns.filter_map(|(place, part)| {
        let column = part.downcast_ref::<Column>()?.index();
        let value =
            |key: &Arc<StructArray>| ScalarValue::try_from_array(key.columns().get(place)?, 0).ok();
        Some((column, keys.iter().map(value).collect::<Option<Vec<_>>>()?))
    });
    Some(columns.collect())
}

/// The column that has one of some values where the condition holds.
fn values_of(condition: &Arc<dyn PhysicalExpr>) -> Option<(usize, Vec<ScalarValue>)> {
    if let Some(list) = condition.downcast_ref::<InListExpr>() {
        let column = list.expr().downcast_ref::<Column>()?.index();
        let literal = |value: &Arc<dyn PhysicalExpr>| {
            value.downcast_ref::<Literal>().map(|literal| literal.value().clone())
        };
        let values = list.list().iter().map(literal).collect::<Option<Vec<_>>>()?;
        return (!list.negated()).then_some((column, values));
    }
    // A join in partitions has a list for each.
    if let Some(case) = condition.downcast_ref::<CaseExpr>() {
        let branches = case.when_then_expr().iter().map(|(_, then)| then).chain(case.else_expr());
        let mut found: Option<(usize, Vec<ScalarValue>)> = None;
        for branch in branches {
            if is_false(branch) {
                continue;
            }
            let (column, values) = in_conjunction(branch)?;
            match &mut found {
                None => found = Some((column, values)),
                Some((first, all)) if *first == column => all.extend(values),
                Some(_) => return None,
            }
        }
        return found;
    }
    None
}

fn in_conjunction(condition: &Arc<dyn PhysicalExpr>) -> Option<(usize, Vec<ScalarValue>)> {
    match condition.downcast_ref::<BinaryExpr>() {
        Some(both) if *both.op() == Operator::And => {
            in_conjunction(both.left()).or_else(|| in_conjunction(both.right()))
        }
        Some(_) | None => values_of(condition),
    }
}

fn is_false(condition: &Arc<dyn PhysicalExpr>) -> bool {
    let literal = condition.downcast_ref::<Literal>();
    literal.is_some_and(|literal| *literal.value() == ScalarValue::Boolean(Some(false)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use datafusion::physical_expr::expressions::{binary, col, in_list, lit};

    #[test]
    fn the_list_of_a_join_binds_a_column() {
        let schema = Arc::new(Schema::new(vec![
            Field::new("attnum", DataType::Int16, true),
            Field::new("attrelid", DataType::Int64, true),
        ]));
        let oid = || col("attrelid", &schema).unwrap();
        let list = in_list(oid(), vec![lit(5_i64), lit(7_i64)], &false, &schema).unwrap();
        let least = binary(oid(), Operator::GtEq, lit(5_i64), &schema).unwrap();
        let both = binary(least, Operator::And, list, &schema).unwrap();
        let dynamic = Arc::new(DynamicFilterPhysicalExpr::new(vec![oid()], lit(true)));
        let keys = JoinKeys::default().and([Arc::clone(&dynamic) as _]);
        assert!(keys.narrow(&Lookup::default(), &schema).numbers("attrelid").is_none());
        dynamic.update(both).unwrap();
        let lookup = keys.narrow(&Lookup::default(), &schema);
        assert_eq!(lookup.numbers("attrelid").unwrap().iter().copied().collect::<Vec<_>>(), [5, 7]);
    }
}
