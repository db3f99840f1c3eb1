//! What PostgreSQL calls the columns of a query that have no AS (`FigureColname`): `count`, `?column?`. It
//! reads the tree as the user wrote it, before any rewrite.

use sqlparser::ast::{
    AccessExpr, ArrayElemTypeDef, CastKind, DataType, Expr, Function, FunctionArguments, Ident,
    ObjectName, Query, SelectItem, SetExpr, TimezoneInfo, TrimWhereField,
};

use super::cursor::fold;
use super::statement::ColumnLabel;

/// What an expression without any name is called.
const UNNAMED: &str = "?column?";

/// The labels of the query's columns, in order; none for VALUES.
pub fn of(query: &Query) -> Vec<ColumnLabel> {
    let mut body = &*query.body;
    loop {
        match body {
            SetExpr::Select(select) => return select.projection.iter().flat_map(labels).collect(),
            SetExpr::Query(inner) => body = &inner.body,
            SetExpr::SetOperation { left, .. } => body = left,
            SetExpr::Values(_)
            | SetExpr::Insert(_)
            | SetExpr::Update(_)
            | SetExpr::Delete(_)
            | SetExpr::Merge(_)
            | SetExpr::Table(_) => return Vec::new(),
        }
    }
}

fn labels(item: &SelectItem) -> Vec<ColumnLabel> {
    match item {
        SelectItem::UnnamedExpr(expression) => {
            let name = Name::of(expression);
            vec![ColumnLabel::Name(name.map_or_else(|| UNNAMED.to_owned(), |name| name.text))]
        }
        SelectItem::ExprWithAlias { alias, .. } => vec![ColumnLabel::Name(folded(alias))],
        SelectItem::ExprWithAliases { aliases, .. } => {
            aliases.iter().map(|alias| ColumnLabel::Name(folded(alias))).collect()
        }
        SelectItem::QualifiedWildcard(..) | SelectItem::Wildcard(_) => vec![ColumnLabel::Wildcard],
    }
}

fn folded(ident: &Ident) -> String {
    fold(&ident.value, ident.quote_style)
}

/// A name, and whether an enclosing CASE takes it over instead of its own.
struct Name {
    text: String,
    strong: bool,
}

impl Name {
    fn strong(text: impl Into<String>) -> Option<Name> {
        Some(Name { text: text.into(), strong: true })
    }

    fn weak(text: impl Into<String>) -> Option<Name> {
        Some(Name { text: text.into(), strong: false })
    }

    fn of(expression: &Expr) -> Option<Name> {
        match expression {
            Expr::Identifier(name) => Name::strong(folded(name)),
            Expr::CompoundIdentifier(parts) => {
                parts.last().and_then(|name| Name::strong(folded(name)))
            }
            Expr::CompoundFieldAccess { root, access_chain } => {
                let field = access_chain.iter().rev().find_map(|access| match access {
                    AccessExpr::Dot(Expr::Identifier(field)) => Some(folded(field)),
                    AccessExpr::Dot(_) | AccessExpr::Subscript(_) => None,
                });
                field.map_or_else(|| Name::of(root), Name::strong)
            }
            Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => Name::of(inner),
            Expr::Function(function) => Name::of_function(function),
            Expr::Cast { kind, expr, data_type, .. } => match kind {
                CastKind::Cast | CastKind::DoubleColon | CastKind::TryCast | CastKind::SafeCast => {
                    Name::of(expr)
                        .filter(|name| name.strong)
                        .or_else(|| type_name(data_type).and_then(Name::weak))
                }
            },
            Expr::TypedString(typed) => type_name(&typed.data_type).and_then(Name::weak),
            Expr::Interval(_) => Name::weak("interval"),
            Expr::Case { else_result, .. } => else_result
                .as_deref()
                .and_then(Name::of)
                .filter(|name| name.strong)
                .or_else(|| Name::weak("case")),
            Expr::Exists { .. } => Name::strong("exists"),
            Expr::Subquery(query) => match of(query).into_iter().next() {
                Some(ColumnLabel::Name(name)) if name != UNNAMED => Name::strong(name),
                _ => None,
            },
            Expr::Array(_) => Name::strong("array"),
            Expr::Tuple(_) => Name::strong("row"),
            Expr::AtTimeZone { .. } => Name::strong("timezone"),
            Expr::Extract { .. } => Name::strong("extract"),
            Expr::Ceil { .. } => Name::strong("ceil"),
            Expr::Floor { .. } => Name::strong("floor"),
            Expr::Position { .. } => Name::strong("position"),
            Expr::Substring { .. } => Name::strong("substring"),
            Expr::Overlay { .. } => Name::strong("overlay"),
            Expr::Trim { trim_where, .. } => Name::strong(match trim_where {
                None | Some(TrimWhereField::Both) => "btrim",
                Some(TrimWhereField::Leading) => "ltrim",
                Some(TrimWhereField::Trailing) => "rtrim",
            }),
            // PostgreSQL keeps TRUE and FALSE as casts of a text.
            Expr::Value(value) if matches!(value.value, sqlparser::ast::Value::Boolean(_)) => {
                Name::weak("bool")
            }
            // Operators, tests and literals have no name.
            _ => None,
        }
    }

    fn of_function(function: &Function) -> Option<Name> {
        if matches!(function.args, FunctionArguments::Subquery(_)) {
            return Name::strong("array");
        }
        last_part(&function.name).and_then(Name::strong)
    }
}

fn last_part(name: &ObjectName) -> Option<String> {
    name.0.last().and_then(|part| part.as_ident()).map(folded)
}

/// The name of a type in `pg_type`, where a cast gives its column that name.
fn type_name(data_type: &DataType) -> Option<String> {
    let name = match data_type {
        DataType::Bool | DataType::Boolean => "bool",
        DataType::SmallInt(_) | DataType::Int2(_) => "int2",
        DataType::Int(_) | DataType::Integer(_) | DataType::Int4(_) => "int4",
        DataType::BigInt(_) | DataType::Int8(_) => "int8",
        DataType::Real | DataType::Float4 => "float4",
        DataType::Float(_) | DataType::Double(_) | DataType::DoublePrecision | DataType::Float8 => {
            "float8"
        }
        DataType::Numeric(_) | DataType::Decimal(_) | DataType::Dec(_) => "numeric",
        DataType::Varchar(_) | DataType::CharacterVarying(_) | DataType::CharVarying(_) => {
            "varchar"
        }
        DataType::Char(_) | DataType::Character(_) => "bpchar",
        DataType::Timestamp(_, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => "timestamptz",
        DataType::Timestamp(..) => "timestamp",
        DataType::Time(_, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => "timetz",
        DataType::Time(..) => "time",
        DataType::Interval { .. } => "interval",
        // The name of an array's column is that of its element.
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) => return type_name(element),
        DataType::Custom(name, _) => return last_part(name),
        other => return Some(other.to_string().to_ascii_lowercase()),
    };
    Some(name.to_owned())
}
