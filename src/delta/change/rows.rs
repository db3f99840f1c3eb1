//! Plans whose rows say what becomes of them: the table's columns, and what kind of change each row is.
//! It never runs one.

use std::collections::HashMap;

use datafusion::common::{Column, ScalarValue, TableReference};
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::{
    Case, Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, in_list, lit,
};

use super::error::{no_column, of_datafusion};
use super::identity::{Identity, Numbering, is_numbered, numbered, only_default};
use super::rules::{default_value, generated_value};
use super::shape::Shape;
use crate::base::{Error, ErrorKind, Result};
use crate::delta::scan::{FILE, POSITION};

/// The column with the kind of change, a [`RowKind`].
pub const KIND: &str = "__lakegate_kind";

/// The column with the position of the clause that acts on a row, or NULL if none does.
const CLAUSE: &str = "__lakegate_clause";

/// The prefix of the columns that hold a row as it was.
const OLD_PREFIX: &str = "__lakegate_old_";

/// What becomes of a row, as the numbers of the column [`KIND`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i8)]
pub enum RowKind {
    /// It is written again as it was.
    Copied = 0,
    Inserted = 1,
    Updated = 2,
    Deleted = 3,
}

/// Rows to write: the table's columns in their order, then what the fields say.
pub struct Rows {
    pub plan: LogicalPlan,
    /// Next are the table's columns again, as the row was before.
    pub has_old: bool,
    /// Next is the kind. Without it, every row is inserted.
    pub has_kind: bool,
    /// Last are the file and the position of the row, NULL for rows that are not in the table yet, where
    /// several rows of the plan may change the same one.
    pub repeated: Option<Repeated>,
    /// The numbers that identity columns get.
    pub numberings: Vec<Numbering>,
    /// What must be true of new rows besides the table's rules.
    pub replaced: Option<Expr>,
}

/// What becomes of further changes of a row that is changed already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeated {
    /// They are an error, 21000.
    Refused,
    /// They are passed over.
    Skipped,
}

/// A clause: the first whose condition is true acts on a row.
pub struct Clause {
    /// Over the columns of the plan that is acted on.
    pub condition: Expr,
    pub action: Action,
}

/// What a clause does to a row.
#[derive(Debug, Clone)]
pub enum Action {
    /// Leaves a row of the table as it is; does not insert a new one.
    Nothing,
    Insert(Vec<(String, Expr)>),
    Update(Vec<(String, Expr)>),
    Delete,
}

/// What a plan that clauses act on looks like.
pub struct Acted<'a> {
    /// The qualifier of the table's columns in it.
    pub target: &'a TableReference,
    /// True for rows that are in the table; `None` if all are.
    pub is_in_table: Option<Expr>,
    /// Set where several rows of it may be the same row of the table.
    pub repeated: Option<Repeated>,
    /// Whether old values are wanted.
    pub wants_old: bool,
    /// The numbers for the identity columns of new rows.
    pub numberings: &'a [Numbering],
}

/// New rows for the table: the columns of `input` by their names, generated columns where they are
/// missing, NULL in all others.
pub fn inserted(state: &SessionState, shape: &Shape, input: LogicalPlan) -> Result<Rows> {
    let mut given = Vec::new();
    for (qualifier, field) in input.schema().iter() {
        if shape.columns.field_with_name(field.name()).is_err() && !is_numbered(field.name()) {
            return Err(no_column(field.name()));
        }
        given.push((field.name().clone(), Expr::Column(Column::from((qualifier, field)))));
    }
    let identities: Vec<Identity> = shape.identities().collect();
    let mut numberings = Vec::new();
    let mut values = Vec::with_capacity(shape.columns.fields().len());
    for field in shape.columns.fields() {
        let identity = identities.iter().find(|identity| identity.column == *field.name());
        let value = given.iter().find(|(name, _)| name == field.name());
        let is_numbered = given.iter().find(|(name, _)| *name == numbered(field.name()));
        let value = match (value, identity) {
            (Some((_, value)), Some(identity)) if is_numbered.is_some() => {
                let numbering = identity.clone().numbering();
                let number = numbering.value();
                numberings.push(numbering);
                let is_numbered = is_numbered.map(|(_, flag)| flag.clone());
                case(is_numbered.map(|flag| (flag, number)).into_iter().collect(), value.clone())
            }
            (Some(_), Some(identity)) if !identity.takes_values => {
                return Err(only_default(field.name()));
            }
            (Some((_, value)), _) => value.clone(),
            (None, Some(identity)) => {
                let numbering = identity.clone().numbering();
                let value = numbering.value();
                numberings.push(numbering);
                value
            }
            (None, None) => default_value(state, shape, field.name())?,
        };
        values.push(cast(value, field.data_type().clone()).alias(field.name()));
    }
    let mut plan = projected(input, values)?;
    let missing: Vec<&str> = shape
        .generated()
        .map(|(name, _)| name)
        .filter(|name| given.iter().all(|(given, _)| given != name))
        .collect();
    if !missing.is_empty() {
        let mut values = Vec::with_capacity(shape.columns.fields().len());
        for field in shape.columns.fields() {
            values.push(if missing.contains(&field.name().as_str()) {
                generated_value(state, shape, field.name())?.alias(field.name())
            } else {
                ident(field.name())
            });
        }
        plan = projected(plan, values)?;
    }
    Ok(Rows { plan, has_old: false, has_kind: false, repeated: None, numberings, replaced: None })
}

/// The rows that clauses make of a plan.
pub fn acted(
    state: &SessionState,
    shape: &Shape,
    plan: LogicalPlan,
    clauses: &[Clause],
    acted: &Acted<'_>,
) -> Result<Rows> {
    check_assignments(shape, clauses)?;
    let mut defaults = HashMap::new();
    for field in shape.columns.fields() {
        let numbering = acted.numberings.iter().find(|one| one.column() == field.name());
        let default = match numbering {
            Some(numbering) => numbering.value(),
            None => default_value(state, shape, field.name())?,
        };
        defaults.insert(field.name().as_str(), default);
    }
    let plan = with_clause(plan, clauses, acted)?;
    let old = |name: &str| Expr::Column(Column::new(Some(acted.target.clone()), name));
    let mut values = Vec::new();
    for field in shape.columns.fields() {
        let value = new_value(field.name(), clauses, &old, &defaults);
        values.push(cast(value, field.data_type().clone()).alias(field.name()));
    }
    if acted.wants_old {
        for field in shape.columns.fields() {
            let name = format!("{OLD_PREFIX}{}", field.name());
            values.push(cast(old(field.name()), field.data_type().clone()).alias(name));
        }
    }
    values.push(ident(CLAUSE));
    if acted.repeated.is_some() {
        values.extend([FILE, POSITION].map(|place| old(place).alias(place)));
    }
    let plan = projected(plan, values)?;

    // Generated columns follow from the new values of the others.
    let mut values = Vec::new();
    for field in shape.columns.fields() {
        values.push(generated_anew(state, shape, field.name(), clauses)?);
    }
    if acted.wants_old {
        let columns = shape.columns.fields().iter();
        values.extend(columns.map(|field| ident(format!("{OLD_PREFIX}{}", field.name()))));
    }
    values.push(kind(clauses).alias(KIND));
    if acted.repeated.is_some() {
        values.extend([FILE, POSITION].map(ident));
    }
    let plan = projected(plan, values)?;
    Ok(Rows {
        plan,
        has_old: acted.wants_old,
        has_kind: true,
        repeated: acted.repeated,
        numberings: acted.numberings.to_vec(),
        replaced: None,
    })
}

/// The rows of several plans that look the same; `None` without any.
pub fn together(plans: Vec<Rows>) -> Result<Option<Rows>> {
    let mut plans = plans.into_iter();
    let Some(mut rows) = plans.next() else { return Ok(None) };
    for next in plans {
        let union = LogicalPlanBuilder::new(rows.plan).union(next.plan);
        rows.plan = union.and_then(|plan| plan.build()).map_err(of_datafusion)?;
    }
    Ok(Some(rows))
}

/// Every clause may assign to a column once, and to columns of the table only.
fn check_assignments(shape: &Shape, clauses: &[Clause]) -> Result<()> {
    for clause in clauses {
        let (Action::Insert(values) | Action::Update(values)) = &clause.action else { continue };
        check_identities(shape, &clause.action)?;
        for (position, (name, _)) in values.iter().enumerate() {
            if shape.columns.field_with_name(name).is_err() {
                return Err(no_column(name));
            }
            if values.iter().take(position).any(|(earlier, _)| earlier == name) {
                let what = format!("multiple assignments to same column \"{name}\"");
                return Err(Error::new(ErrorKind::SyntaxError, what));
            }
        }
    }
    Ok(())
}

/// Numbers are given to new rows, and stay.
fn check_identities(shape: &Shape, action: &Action) -> Result<()> {
    for identity in shape.identities() {
        let column = &identity.column;
        match action {
            Action::Insert(values)
                if !identity.takes_values && values.iter().any(|(name, _)| name == column) =>
            {
                return Err(only_default(column));
            }
            Action::Update(values) if values.iter().any(|(name, _)| name == column) => {
                let what = format!("column \"{column}\" can only be updated to DEFAULT");
                return Err(Error::new(ErrorKind::GeneratedAlways, what));
            }
            Action::Insert(_) | Action::Update(_) | Action::Nothing | Action::Delete => {}
        }
    }
    Ok(())
}

/// Adds the column [`CLAUSE`], and drops rows that are neither in the table nor inserted.
fn with_clause(plan: LogicalPlan, clauses: &[Clause], acted: &Acted<'_>) -> Result<LogicalPlan> {
    let branches = clauses.iter().enumerate();
    let branches = branches.map(|(at, clause)| (clause.condition.clone(), number(at)));
    let clause = case(branches.collect(), lit(ScalarValue::Int32(None)));
    let mut values: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
    values.push(clause.alias(CLAUSE));
    let plan = projected(plan, values)?;
    let Some(is_in_table) = &acted.is_in_table else { return Ok(plan) };
    let inserts = numbers(clauses, |action| matches!(action, Action::Insert(_)));
    let kept = is_in_table.clone().is_true().or(is_one_of(inserts).is_true());
    LogicalPlanBuilder::new(plan).filter(kept).and_then(|kept| kept.build()).map_err(of_datafusion)
}

fn new_value(
    name: &str,
    clauses: &[Clause],
    old: &impl Fn(&str) -> Expr,
    defaults: &HashMap<&str, Expr>,
) -> Expr {
    let branches = clauses.iter().enumerate().filter_map(|(at, clause)| {
        let assigned = |values: &[(String, Expr)]| {
            values.iter().find(|(column, _)| column == name).map(|(_, value)| value.clone())
        };
        let value = match &clause.action {
            Action::Insert(values) => {
                let default = || defaults.get(name).cloned();
                assigned(values).or_else(default).unwrap_or(lit(ScalarValue::Null))
            }
            Action::Update(values) => assigned(values)?,
            Action::Nothing | Action::Delete => return None,
        };
        Some((is_one_of(vec![number(at)]), value))
    });
    let branches: Vec<(Expr, Expr)> = branches.collect();
    if branches.is_empty() { old(name) } else { case(branches, old(name)) }
}

/// A column of the projection that has all new values but those of generated columns.
fn generated_anew(
    state: &SessionState,
    shape: &Shape,
    name: &str,
    clauses: &[Clause],
) -> Result<Expr> {
    if shape.generated().all(|(generated, _)| generated != name) {
        return Ok(ident(name));
    }
    let computing = numbers(clauses, |action| match action {
        Action::Insert(values) | Action::Update(values) => {
            values.iter().all(|(assigned, _)| assigned != name)
        }
        Action::Nothing | Action::Delete => false,
    });
    if computing.is_empty() {
        return Ok(ident(name));
    }
    let value = generated_value(state, shape, name)?;
    Ok(case(vec![(is_one_of(computing), value)], ident(name)).alias(name))
}

fn kind(clauses: &[Clause]) -> Expr {
    let branches = clauses.iter().enumerate().filter_map(|(at, clause)| {
        let kind = match clause.action {
            Action::Nothing => return None,
            Action::Insert(_) => RowKind::Inserted,
            Action::Update(_) => RowKind::Updated,
            Action::Delete => RowKind::Deleted,
        };
        Some((is_one_of(vec![number(at)]), lit(kind as i8)))
    });
    case(branches.collect(), lit(RowKind::Copied as i8))
}

/// The numbers of the clauses with such an action.
fn numbers(clauses: &[Clause], wanted: impl Fn(&Action) -> bool) -> Vec<Expr> {
    let wanted = clauses.iter().enumerate().filter(|(_, clause)| wanted(&clause.action));
    wanted.map(|(at, _)| number(at)).collect()
}

fn number(clause: usize) -> Expr {
    lit(i32::try_from(clause).unwrap_or(i32::MAX))
}

/// Whether one of the clauses acts on the row.
fn is_one_of(mut clauses: Vec<Expr>) -> Expr {
    match (clauses.pop(), clauses.is_empty()) {
        (None, _) => lit(false),
        (Some(only), true) => ident(CLAUSE).eq(only),
        (Some(last), false) => {
            clauses.push(last);
            in_list(ident(CLAUSE), clauses, false)
        }
    }
}

/// `CASE WHEN … THEN … ELSE … END`; without branches, the last value alone.
pub fn case(branches: Vec<(Expr, Expr)>, otherwise: Expr) -> Expr {
    if branches.is_empty() {
        return otherwise;
    }
    let branches = branches.into_iter();
    let branches = branches.map(|(when, then)| (Box::new(when), Box::new(then)));
    Expr::Case(Case::new(None, branches.collect(), Some(Box::new(otherwise))))
}

fn projected(plan: LogicalPlan, values: Vec<Expr>) -> Result<LogicalPlan> {
    let projected = LogicalPlanBuilder::new(plan).project(values);
    projected.and_then(|projected| projected.build()).map_err(of_datafusion)
}
