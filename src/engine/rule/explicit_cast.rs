//! Casts that PostgreSQL does not have are refused (42846): a number is no date, a bigint no truth. Texts become
//! everything, and everything becomes text. It changes nothing.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Cast, Expr, ExprSchemable, LogicalPlan};

use crate::base::datatype::{BaseType, NO_TYPMOD, PgType, pg_type_of};
use crate::base::{Error, ErrorKind};

/// Looks at the casts that a query writes, before any other has been made.
pub fn refuse_casts(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        let schema = super::schema_below(node)?;
        node.apply_expressions(|expression| {
            expression.apply(|inner| check(inner, &schema).map(|()| TreeNodeRecursion::Continue))
        })
    })
    .map(|_| ())
}

fn check(expression: &Expr, schema: &DFSchema) -> Result<()> {
    match expression {
        Expr::Cast(Cast { expr, field }) => {
            // A column of an outer query is not in this schema.
            let Ok((_, source)) = expr.to_field(schema) else { return Ok(()) };
            if source.data_type().is_null() {
                return Ok(());
            }
            let (Ok((from, _)), Ok((to, _))) = (pg_type_of(&source), pg_type_of(field)) else {
                return Ok(());
            };
            match is_cast(from, to) {
                true => Ok(()),
                false => Err(refused(from, to)),
            }
        }
        Expr::Case(Case { expr: None, when_then_expr, .. }) => {
            for (condition, _) in when_then_expr {
                let Ok((_, field)) = condition.to_field(schema) else { continue };
                let Ok((pg_type, _)) = pg_type_of(&field) else { continue };
                if pg_type != PgType::Scalar(BaseType::Bool) && !is_text(pg_type) {
                    let name = pg_type.sql_name(NO_TYPMOD);
                    let message =
                        format!("argument of CASE/WHEN must be type boolean, not type {name}");
                    let error = Error::new(ErrorKind::DatatypeMismatch, message);
                    return Err(DataFusionError::External(Box::new(error)));
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn refused(from: PgType, to: PgType) -> DataFusionError {
    let (from, to) = (from.sql_name(NO_TYPMOD), to.sql_name(NO_TYPMOD));
    let message = format!("cannot cast type {from} to {to}");
    DataFusionError::External(Box::new(Error::new(ErrorKind::CannotCoerce, message)))
}

fn is_text(pg_type: PgType) -> bool {
    use BaseType::*;
    matches!(pg_type, PgType::Scalar(Text | Varchar | Bpchar | Name | Char | Unknown))
}

fn is_number(base: BaseType) -> bool {
    use BaseType::*;
    matches!(base, Int2 | Int4 | Int8 | Float4 | Float8 | Numeric)
}

fn is_object(base: BaseType) -> bool {
    use BaseType::*;
    let is_name = matches!(
        base,
        Regproc
            | Regprocedure
            | Regoper
            | Regoperator
            | Regclass
            | Regcollation
            | Regtype
            | Regnamespace
            | Regrole
    );
    is_name || matches!(base, Oid | Xid)
}

/// Whether there is a cast, as `pg_cast` lists them, or one through text.
fn is_cast(from: PgType, to: PgType) -> bool {
    use BaseType::*;
    if from == to || is_text(from) || is_text(to) {
        return true;
    }
    let (from, to) = match (from, to) {
        (PgType::Scalar(from), PgType::Scalar(to)) => (from, to),
        (PgType::Array(from), PgType::Array(to)) => {
            return is_cast(PgType::Scalar(from), PgType::Scalar(to));
        }
        (PgType::Scalar(one), PgType::Array(_)) | (PgType::Array(_), PgType::Scalar(one)) => {
            return matches!(one, Int2Vector | OidVector);
        }
    };
    match (from, to) {
        (from, to) if is_number(from) => {
            is_number(to) || is_object(to) || (from, to) == (Int4, Bool)
        }
        (from, to) if is_object(from) => is_object(to) || matches!(to, Int4 | Int8),
        (Bool, Int4)
        | (Date, Timestamp | Timestamptz)
        | (Timestamp, Date | Time | Timestamptz)
        | (Timestamptz, Date | Time | Timestamp)
        | (Time, Interval)
        | (Interval, Time)
        | (Inet, Cidr)
        | (Cidr, Inet)
        | (Timetz, Time)
        | (Time | Timestamptz, Timetz)
        | (Json, Jsonb | Record)
        | (Jsonb, Json | Bool | Record) => true,
        (Jsonb, to) => is_number(to),
        // Structs are rows and documents.
        (Record, Json | Jsonb) => true,
        (Int2Vector | OidVector | PgNodeTree | AclItem | Void, _)
        | (_, Int2Vector | OidVector | PgNodeTree | AclItem | Void) => true,
        _ => false,
    }
}
