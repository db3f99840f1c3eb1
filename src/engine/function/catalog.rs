//! System catalog information functions: what objects are called, described and defined as.
//! <https://www.postgresql.org/docs/16/functions-info.html#FUNCTIONS-INFO-CATALOG>

use crate::base::datatype::{BaseType, NO_TYPMOD, PgType};
use crate::base::name::quote_identifier;
use crate::base::{Error, ErrorKind, Oid};
use crate::catalog::Securable;
use crate::engine::system::cell::Cell;
use crate::engine::system::recorded::{self, PG_CLASS, PG_DATABASE, PG_NAMESPACE};
use crate::engine::system::sequence::sequences_of;
use crate::engine::system::visible::Named;

use super::constraint::{constraint_definition, index_definition};
use super::define::*;
use super::object_name::{is_visible, relation_of_name, type_name};

const REGCLASS: PgType = PgType::Scalar(BaseType::Regclass);
const REGCLASSES: PgType = PgType::Array(BaseType::Regclass);
const TEXTS: PgType = PgType::Array(BaseType::Text);
const UTF8_ENCODING: i64 = 6;

pub const FUNCTIONS: &[Function] = &[
    Function::stable("pg_table_is_visible", &[AN_OID], BOOL, |call, arguments| {
        let visible = call.visible()?;
        let named = visible.named_by_oid(oid(arguments, 0));
        Ok(named.map(|named| is_visible(visible, &named)).into())
    }),
    Function::stable("pg_type_is_visible", &[AN_OID], BOOL, |call, arguments| {
        let oid = oid(arguments, 0);
        if recorded::type_by_oid(oid).is_some() {
            return Ok(true.into());
        }
        let visible = call.visible()?;
        let relation = recorded::relation_of_row_type(oid);
        let named = relation.and_then(|(relation, _)| visible.named_by_oid(relation));
        Ok(named.map(|named| is_visible(visible, &named)).into())
    }),
    Function::stable("pg_function_is_visible", &[AN_OID], BOOL, |_, arguments| {
        Ok(recorded::procedure_by_oid(oid(arguments, 0)).map(|_| true).into())
    }),
    Function::immutable("pg_operator_is_visible", &[AN_OID], BOOL, |_, _| Ok(true.into())),
    Function::immutable("pg_collation_is_visible", &[AN_OID], BOOL, |_, _| Ok(true.into())),
    Function::immutable("pg_opclass_is_visible", &[AN_OID], BOOL, |_, _| Ok(true.into())),
    Function::immutable("pg_opfamily_is_visible", &[AN_OID], BOOL, |_, _| Ok(true.into())),
    Function::null("pg_conversion_is_visible", &[AN_OID], BOOL),
    Function::null("pg_statistics_obj_is_visible", &[AN_OID], BOOL),
    Function::null("pg_ts_config_is_visible", &[AN_OID], BOOL),
    Function::null("pg_ts_dict_is_visible", &[AN_OID], BOOL),
    Function::null("pg_ts_parser_is_visible", &[AN_OID], BOOL),
    Function::null("pg_ts_template_is_visible", &[AN_OID], BOOL),
    Function::stable("pg_get_userbyid", &[AN_OID], NAME, |call, arguments| {
        let oid = oid(arguments, 0);
        let name = call.visible()?.role_name(oid).map(str::to_owned);
        Ok(name.unwrap_or_else(|| format!("unknown (OID={oid})")).into())
    }),
    Function::stable("format_type", &[AN_OID, AN_INT4], TEXT, format_type).sees_null(),
    Function::stable("obj_description", &[AN_OID, A_TEXT], TEXT, obj_description).optional(1),
    Function::stable("shobj_description", &[AN_OID, A_TEXT], TEXT, obj_description),
    Function::stable("col_description", &[AN_OID, AN_INT4], TEXT, col_description),
    Function::stable(
        "pg_get_viewdef",
        &[Parameter::NameOrOid, Parameter::Any],
        TEXT,
        view_definition,
    )
    .optional(1),
    // Expressions are kept as SQL.
    Function::immutable("pg_get_expr", &[A_TEXT, AN_OID, A_BOOL], TEXT, |_, arguments| {
        Ok(text(arguments, 0).into())
    })
    .optional(1),
    Function::stable("pg_get_indexdef", &[AN_OID, AN_INT4, A_BOOL], TEXT, index_definition)
        .optional(2),
    Function::stable("pg_get_constraintdef", &[AN_OID, A_BOOL], TEXT, constraint_definition)
        .optional(1),
    // What `pg_options_to_table` and `pg_partition_tree` are made of: nothing has options or partitions.
    Function::null("foreign_option_names", &[Parameter::Any], TEXTS),
    Function::null("foreign_option_values", &[Parameter::Any], TEXTS),
    Function::null("partition_relids", &[Parameter::Any], REGCLASSES),
    Function::null("partition_ancestors", &[Parameter::Any], REGCLASSES),
    Function::null("partition_parents", &[Parameter::Any], REGCLASSES),
    Function::null("partition_leaves", &[Parameter::Any], PgType::Array(BaseType::Bool)),
    Function::null("partition_levels", &[Parameter::Any], PgType::Array(BaseType::Int4)),
    Function::null("pg_get_partkeydef", &[AN_OID], TEXT),
    Function::null("pg_get_partition_constraintdef", &[AN_OID], TEXT),
    Function::null("pg_get_ruledef", &[AN_OID, A_BOOL], TEXT).optional(1),
    Function::null("pg_get_triggerdef", &[AN_OID, A_BOOL], TEXT).optional(1),
    Function::null("pg_get_statisticsobjdef", &[AN_OID], TEXT),
    Function::null("pg_get_statisticsobjdef_columns", &[AN_OID], TEXT),
    Function::immutable("pg_get_functiondef", &[AN_OID], TEXT, |_, arguments| {
        Ok(function_definition(oid(arguments, 0)).into())
    }),
    Function::null("pg_get_function_sqlbody", &[AN_OID], TEXT),
    Function::null("pg_get_function_arg_default", &[AN_OID, AN_INT4], TEXT),
    Function::stable("pg_get_serial_sequence", &[A_TEXT, A_TEXT], TEXT, serial_sequence),
    Function::null("pg_get_replica_identity_index", &[AN_OID], REGCLASS),
    Function::null("pg_relation_filenode", &[AN_OID], OID),
    Function::null("pg_relation_filepath", &[AN_OID], TEXT),
    Function::null("pg_index_column_has_property", &[AN_OID, AN_INT4, A_TEXT], BOOL),
    Function::null("pg_index_has_property", &[AN_OID, A_TEXT], BOOL),
    Function::null("pg_indexam_has_property", &[AN_OID, A_TEXT], BOOL),
    Function::immutable("pg_relation_is_publishable", &[AN_OID], BOOL, |_, _| Ok(false.into())),
    Function::immutable("row_security_active", &[Parameter::NameOrOid], BOOL, |_, _| {
        Ok(false.into())
    }),
    Function::immutable("pg_tablespace_location", &[AN_OID], TEXT, |_, _| Ok("".into())),
    Function::immutable("pg_get_function_arguments", &[AN_OID], TEXT, |_, arguments| {
        let procedure = recorded::procedure_by_oid(oid(arguments, 0));
        Ok(procedure.map(|procedure| procedure.arguments).into())
    }),
    Function::immutable("pg_get_function_identity_arguments", &[AN_OID], TEXT, |_, arguments| {
        let procedure = recorded::procedure_by_oid(oid(arguments, 0));
        Ok(procedure.map(|procedure| procedure.identity_arguments).into())
    }),
    Function::immutable("pg_get_function_result", &[AN_OID], TEXT, |_, arguments| {
        let procedure = recorded::procedure_by_oid(oid(arguments, 0));
        Ok(procedure.map(|procedure| procedure.result).into())
    }),
    Function::immutable("pg_encoding_to_char", &[AN_INT4], NAME, |_, arguments| {
        Ok(if number(arguments, 0) == UTF8_ENCODING { "UTF8" } else { "" }.into())
    }),
    Function::immutable("pg_char_to_encoding", &[A_TEXT], INT4, |_, arguments| {
        let name = text(arguments, 0).to_lowercase().replace(['-', '_'], "");
        Ok(if matches!(name.as_str(), "utf8" | "unicode") { 6 } else { -1 }.into())
    }),
];

fn format_type<'a>(call: &Call<'_>, arguments: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    let [Cell::Int8(_), modifier] = arguments else { return Ok(Cell::Null) };
    let oid = oid(arguments, 0);
    if oid == Oid::INVALID {
        return Ok("-".into());
    }
    let typmod = match modifier {
        Cell::Int4(typmod) => Some(*typmod),
        _ => None,
    };
    match (oid, typmod) {
        // With a modifier, even a missing one, `character` is its own name.
        (Oid(1042), Some(NO_TYPMOD)) => Ok("bpchar".into()),
        (Oid(1042), None) => Ok("character".into()),
        (_, typmod) => {
            let name = type_name(call.visible()?, oid, typmod.unwrap_or(NO_TYPMOD));
            Ok(name.unwrap_or_else(|| "???".to_owned()).into())
        }
    }
}

/// The comment on an object; with a second argument, on one of that catalog.
fn obj_description<'a>(call: &Call<'_>, arguments: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    let visible = call.visible()?;
    let oid = oid(arguments, 0);
    if arguments.get(1).is_some() {
        let class = recorded::relation_by_name("pg_catalog", text(arguments, 1));
        let known = class.and_then(|class| recorded::description_of(oid, class.oid));
        if let Some(description) = known {
            return Ok(description.into());
        }
    }
    let asked = |catalog| arguments.get(1).is_none() || text(arguments, 1) == catalog;
    if let Some((_, _, index)) = visible.index_by_oid(oid) {
        let comment = index.comment().filter(|_| asked("pg_class"));
        return Ok(comment.map(str::to_owned).into());
    }
    if let Some((_, _, constraint)) = visible.constraint_by_oid(oid) {
        let comment = constraint.comment.clone().filter(|_| asked("pg_constraint"));
        return Ok(comment.into());
    }
    let Some(securable) = visible.snapshot().securable_by_oid(oid) else { return Ok(Cell::Null) };
    let class = match &securable {
        Securable::Catalog(_) => PG_DATABASE,
        Securable::Schema(_) => PG_NAMESPACE,
        Securable::Relation(_) => PG_CLASS,
        // PostgreSQL has nothing like them.
        Securable::StorageCredential(_) | Securable::ExternalLocation(_) => return Ok(Cell::Null),
    };
    let catalog = recorded::relation_by_oid(class).map_or("", |relation| relation.name);
    if !asked(catalog) || !visible.access.may_know(securable.id()) {
        return Ok(Cell::Null);
    }
    Ok(match securable {
        Securable::Catalog(catalog) => catalog.comment.clone(),
        Securable::Schema(schema) => schema.comment.clone(),
        Securable::Relation(relation) => relation.comment.clone(),
        Securable::StorageCredential(credential) => credential.comment.clone(),
        Securable::ExternalLocation(location) => location.comment.clone(),
    }
    .into())
}

fn col_description<'a>(call: &Call<'_>, arguments: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    let found = call.visible()?.relation_by_oid(oid(arguments, 0));
    let number = number(arguments, 1);
    let column = found.and_then(|(_, relation)| {
        relation.columns.iter().find(|column| i64::from(column.number) == number)
    });
    Ok(column.and_then(|column| column.comment.clone()).into())
}

/// The text that the view was made with; NULL for who does not manage the view.
fn view_definition<'a>(call: &Call<'_>, arguments: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    let visible = call.visible()?;
    let named = match arguments.first() {
        Some(Cell::Text(name)) => Some(relation_of_name(visible, name)?),
        _ => visible.named_by_oid(oid(arguments, 0)),
    };
    let Some(Named::User(_, relation)) = named else { return Ok(Cell::Null) };
    Ok(match relation.as_view() {
        Some(_) => {
            let definition = visible.definition(relation);
            definition.map(|text| format!("{};", text.trim_end_matches(';'))).into()
        }
        // As PostgreSQL: no error for a relation that is not a view.
        None => "Not a view".into(),
    })
}

/// The sequence of an identity column, with its schema.
fn serial_sequence<'a>(call: &Call<'_>, arguments: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    let visible = call.visible()?;
    let (table, column) = (text(arguments, 0), text(arguments, 1));
    let named = relation_of_name(visible, table)?;
    let Named::User(schema, relation) = &named else { return Ok(Cell::Null) };
    if !relation.columns.iter().any(|known| known.field.name() == column) {
        let message =
            format!("column \"{column}\" of relation \"{}\" does not exist", relation.name);
        return Err(Error::new(ErrorKind::UndefinedColumn, message));
    }
    let sequences = sequences_of(visible.snapshot(), relation);
    let found = sequences.into_iter().find(|sequence| sequence.column.field.name() == column);
    let qualified = found.map(|sequence| {
        format!("{}.{}", quote_identifier(&schema.name), quote_identifier(&sequence.name))
    });
    Ok(qualified.into())
}

/// What would make a function that is built in, as PostgreSQL tells of its own.
fn function_definition(oid: Oid) -> Option<String> {
    let procedure = recorded::procedure_by_oid(oid)?;
    let name = quote_identifier(procedure.proname);
    let mut text = format!(
        "CREATE OR REPLACE FUNCTION pg_catalog.{name}({})\n RETURNS {}\n LANGUAGE {}\n",
        procedure.arguments,
        procedure.result,
        if procedure.prolang == SQL_LANGUAGE { "sql" } else { "internal" },
    );
    let volatility = match procedure.provolatile {
        "i" => " IMMUTABLE",
        "s" => " STABLE",
        _ => "",
    };
    let parallel = match procedure.proparallel {
        "s" => " PARALLEL SAFE",
        "r" => " PARALLEL RESTRICTED",
        _ => "",
    };
    let strict = if procedure.proisstrict { " STRICT" } else { "" };
    let leakproof = if procedure.proleakproof { " LEAKPROOF" } else { "" };
    let window = if procedure.prokind == "w" { " WINDOW" } else { "" };
    let options = [window, volatility, parallel, strict, leakproof].concat();
    if !options.is_empty() {
        text.push_str(&format!("{options}\n"));
    }
    text.push_str(&format!("AS $function${}$function$\n", procedure.prosrc));
    Some(text)
}

/// `pg_language.oid` of functions written in SQL.
const SQL_LANGUAGE: Oid = Oid(14);
