//! Texts become values as PostgreSQL reads them, by `base::value`: dates before Christ, `infinity`, intervals,
//! bytea in hex, arrays, UUIDs. A literal is read while planning, a column when it comes.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::metadata::FieldMetadata;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue, internal_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    Cast, ColumnarValue, Expr, ExprSchemable, LogicalPlan, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::AnalyzerRule;

use crate::base::Error;
use crate::base::datatype::{BaseType, NO_TYPMOD, PgType, pg_type_of};
use crate::base::text_style::TextStyle;
use crate::base::value::{ColumnBuilder, parse_text};
use crate::engine::facts::Facts;
use crate::engine::plan_rewrite::rewrite_expressions;

/// Reads texts instead of casting them.
#[derive(Debug)]
pub struct TextInputRule;

impl AnalyzerRule for TextInputRule {
    fn name(&self) -> &str {
        "text_input"
    }

    fn analyze(&self, plan: LogicalPlan, options: &ConfigOptions) -> Result<LogicalPlan> {
        rewrite_expressions(plan, |expression, schema| rewrite(expression, schema, options))
    }
}

fn rewrite(
    expression: Expr,
    schema: &DFSchema,
    options: &ConfigOptions,
) -> Result<Transformed<Expr>> {
    let Expr::Cast(Cast { expr, field }) = expression else {
        return Ok(Transformed::no(expression));
    };
    if !expr.get_type(schema)?.is_string() || !is_read(&field)? {
        return Ok(Transformed::no(Expr::Cast(Cast { expr, field })));
    }
    let style = style_for(&field, options)?;
    if let Expr::Literal(value, _) = expr.as_ref()
        && let Some(text) = value.try_as_str()
    {
        let value = match text {
            Some(text) => literal(text, &field, &style).map_err(external)?,
            None => ScalarValue::try_new_null(field.data_type())?,
        };
        let metadata = FieldMetadata::new_from_field(&field);
        let metadata = (!metadata.is_empty()).then_some(metadata);
        return Ok(Transformed::yes(Expr::Literal(value, metadata)));
    }
    let signature = Signature::any(1, Volatility::Immutable);
    let input = TextInput { field, style, signature };
    let input = Arc::new(ScalarUDF::new_from_impl(input));
    Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(input, vec![*expr]))))
}

/// How texts of this type are read, which is not for the session to say but of dates and times.
fn style_for(field: &FieldRef, options: &ConfigOptions) -> Result<TextStyle> {
    use BaseType::*;
    let (PgType::Scalar(base) | PgType::Array(base)) = pg_type_of(field).map_err(external)?.0;
    Ok(match base {
        Date | Time | Timetz | Timestamp | Timestamptz | Interval => Facts::text_style(options),
        Bool | Bytea | Int2 | Int4 | Int8 | Float4 | Float8 | Numeric | Uuid | Json | Jsonb
        | Char | Name | Text | Unknown | Bpchar | Varchar | Oid | Xid | Regproc | Regclass
        | Regtype | Regnamespace | Regrole | Regprocedure | Regoper | Regoperator
        | Regcollation | Inet | Cidr | Macaddr | PgLsn | AnyArray | PgNdistinct
        | PgDependencies | PgMcvList | Int2Vector | OidVector | PgNodeTree | AclItem | Record
        | Void => TextStyle::default(),
    })
}

/// Whether texts of this type are more than characters, and need no catalog to be read.
fn is_read(field: &FieldRef) -> Result<bool> {
    use BaseType::*;
    let base = match pg_type_of(field).map_err(external)?.0 {
        PgType::Array(
            Numeric | Record | Void | Regproc | Regclass | Regtype | Regnamespace | Regrole
            | Regprocedure | Regoper | Regoperator | Regcollation | AnyArray,
        ) => {
            return Ok(false);
        }
        PgType::Array(_) => return Ok(true),
        PgType::Scalar(base) => base,
    };
    Ok(match base {
        Bool | Bytea | Int2 | Int4 | Int8 | Float4 | Float8 | Numeric | Date | Time | Timestamp
        | Timestamptz | Interval | Uuid | Json | Jsonb | Inet | Cidr | Macaddr | Timetz => true,
        Char | Name | Text | Unknown | Bpchar | Varchar | Oid | Xid | Regproc | Regclass
        | Regtype | Regnamespace | Regrole | Regprocedure | Regoper | Regoperator
        | Regcollation | PgLsn | AnyArray | PgNdistinct | PgDependencies | PgMcvList
        | Int2Vector | OidVector | PgNodeTree | AclItem | Record | Void => false,
    })
}

fn literal(text: &str, field: &FieldRef, style: &TextStyle) -> Result<ScalarValue, Error> {
    let (pg_type, typmod) = pg_type_of(field)?;
    if pg_type == PgType::Scalar(BaseType::Numeric) && typmod == NO_TYPMOD {
        return parse_text(pg_type, text, style);
    }
    if let (PgType::Array(_), true) = (pg_type, text.contains("{{")) {
        return parse_text(pg_type, text, style);
    }
    let mut builder = ColumnBuilder::new(field, style)?;
    builder.append_text(text.as_bytes())?;
    let array = builder.finish()?;
    let unreadable = |error| Error::internal("a literal has no value").caused_by(error);
    ScalarValue::try_from_array(&array, 0).map_err(unreadable)
}

fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// The input function of one type.
#[derive(Debug)]
struct TextInput {
    field: FieldRef,
    style: TextStyle,
    signature: Signature,
}

impl PartialEq for TextInput {
    fn eq(&self, other: &Self) -> bool {
        self.field == other.field && self.style == other.style
    }
}

impl Eq for TextInput {}

impl Hash for TextInput {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.field.hash(state);
    }
}

impl TextInput {
    fn read(&self, texts: &ArrayRef) -> Result<ArrayRef> {
        let texts = cast(texts, &DataType::Utf8)?;
        let Some(texts) = texts.as_any().downcast_ref::<StringArray>() else {
            return internal_err!("texts are not texts");
        };
        let mut builder = ColumnBuilder::new(&self.field, &self.style).map_err(external)?;
        for text in texts {
            match text {
                Some(text) => builder.append_text(text.as_bytes()).map_err(external)?,
                None => builder.append_null(),
            }
        }
        builder.finish().map_err(external)
    }
}

impl ScalarUDFImpl for TextInput {
    fn name(&self) -> &str {
        "text_input"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.field.data_type().clone())
    }

    fn return_field_from_args(&self, call: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let nullable = call.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(self.field.as_ref().clone().with_nullable(nullable)))
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match call.args.as_slice() {
            [ColumnarValue::Array(texts)] => self.read(texts).map(ColumnarValue::Array),
            [ColumnarValue::Scalar(text)] => {
                let value = self.read(&text.to_array()?)?;
                ScalarValue::try_from_array(&value, 0).map(ColumnarValue::Scalar)
            }
            _ => internal_err!("an input function takes one argument"),
        }
    }
}
