//! The native relations of `lakegate_catalog`, one file each: what the metastore's snapshot and the session's
//! facts say, as typed rows. The SQL in `sql/` gives them PostgreSQL's names and shapes.

mod acl;
mod attributes;
mod classes;
mod column_expressions;
mod constraint_columns;
mod constraints;
mod copies;
mod cursors;
mod databases;
mod descriptions;
mod indexes;
mod locks;
mod maintenance;
mod memberships;
mod namespaces;
mod prepared_statements;
mod principals;
mod privileges;
mod procedures;
mod sequences;
mod sessions;
mod settings;
mod statistics;
mod time_zones;
mod types;

use crate::base::datatype::{BaseType, PgType};

use super::table::NativeRelation;

/// Every native relation.
pub static NATIVE_RELATIONS: &[NativeRelation] = &[
    attributes::ATTRIBUTES,
    classes::CLASSES,
    column_expressions::COLUMN_EXPRESSIONS,
    constraint_columns::CONSTRAINT_COLUMNS,
    constraints::CONSTRAINTS,
    copies::COPIES,
    cursors::CURSORS,
    databases::DATABASES,
    descriptions::DESCRIPTIONS,
    indexes::INDEXES,
    locks::LOCKS,
    maintenance::MAINTENANCE,
    memberships::MEMBERSHIPS,
    namespaces::NAMESPACES,
    prepared_statements::PREPARED_STATEMENTS,
    principals::PRINCIPALS,
    privileges::PRIVILEGES,
    procedures::PROCEDURES,
    sequences::SEQUENCES,
    sessions::SESSIONS,
    settings::SETTINGS,
    statistics::STATISTICS,
    time_zones::TIME_ZONES,
    types::TYPES,
];

const BOOL: PgType = PgType::Scalar(BaseType::Bool);
const CHAR: PgType = PgType::Scalar(BaseType::Char);
const NAME: PgType = PgType::Scalar(BaseType::Name);
const TEXT: PgType = PgType::Scalar(BaseType::Text);
const OID: PgType = PgType::Scalar(BaseType::Oid);
const REGPROC: PgType = PgType::Scalar(BaseType::Regproc);
const INT2: PgType = PgType::Scalar(BaseType::Int2);
const INT8: PgType = PgType::Scalar(BaseType::Int8);
const INT4: PgType = PgType::Scalar(BaseType::Int4);
const FLOAT4: PgType = PgType::Scalar(BaseType::Float4);
const TIMESTAMPTZ: PgType = PgType::Scalar(BaseType::Timestamptz);
const INTERVAL: PgType = PgType::Scalar(BaseType::Interval);
const OID_VECTOR: PgType = PgType::Scalar(BaseType::OidVector);
const INT2S: PgType = PgType::Array(BaseType::Int2);
const INT2_VECTOR: PgType = PgType::Scalar(BaseType::Int2Vector);
const REGTYPES: PgType = PgType::Array(BaseType::Regtype);
const OIDS: PgType = PgType::Array(BaseType::Oid);
const CHARS: PgType = PgType::Array(BaseType::Char);
const TEXTS: PgType = PgType::Array(BaseType::Text);
const ACL: PgType = PgType::Array(BaseType::AclItem);
