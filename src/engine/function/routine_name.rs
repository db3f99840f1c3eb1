//! Names of functions, operators and collations to OIDs and back: `regproc`, `regprocedure`, `regoper`,
//! `regoperator`, `regcollation`. <https://www.postgresql.org/docs/16/datatype-oid.html>. They are the system's
//! own, so that everybody may know of them.

use crate::base::datatype::{BaseType, NO_TYPMOD, PgType};
use crate::base::name::quote_identifier;
use crate::base::{Error, ErrorKind, Oid};
use crate::engine::system::cell::Cell;
use crate::engine::system::recorded::{self, RecordedOperator, RecordedProcedure};

use super::define::*;
use super::object_name::{look_up, show, type_of_sql_name};

const REGPROC: PgType = PgType::Scalar(BaseType::Regproc);
const REGPROCEDURE: PgType = PgType::Scalar(BaseType::Regprocedure);
const REGOPER: PgType = PgType::Scalar(BaseType::Regoper);
const REGOPERATOR: PgType = PgType::Scalar(BaseType::Regoperator);
const REGCOLLATION: PgType = PgType::Scalar(BaseType::Regcollation);

pub const FUNCTIONS: &[Function] = &[
    Function::immutable("regprocin", &[A_TEXT], REGPROC, |_, arguments| {
        read(text(arguments, 0), "function", procedures_named)
    }),
    Function::immutable("regprocedurein", &[A_TEXT], REGPROCEDURE, |_, arguments| {
        read(text(arguments, 0), "function", procedures_of_signature)
    }),
    Function::immutable("regoperin", &[A_TEXT], REGOPER, |_, arguments| {
        read(text(arguments, 0), "operator", operators_named)
    }),
    Function::immutable("regoperatorin", &[A_TEXT], REGOPERATOR, |_, arguments| {
        read(text(arguments, 0), "operator", operators_of_signature)
    }),
    Function::immutable("regcollationin", &[A_TEXT], REGCOLLATION, |_, arguments| {
        read(text(arguments, 0), "collation", collations_named)
    }),
    Function::stable("to_regproc", &[Parameter::NameOrOid], REGPROC, |call, arguments| {
        look_up(call, arguments, |_, name| only(&procedures_named(name.last()?)))
    }),
    Function::immutable("to_regprocedure", &[A_TEXT], REGPROCEDURE, |_, arguments| {
        Ok(only(&procedures_of_signature(text(arguments, 0))).into())
    }),
    Function::immutable("to_regoper", &[A_TEXT], REGOPER, |_, arguments| {
        Ok(only(&operators_named(text(arguments, 0))).into())
    }),
    Function::immutable("to_regoperator", &[A_TEXT], REGOPERATOR, |_, arguments| {
        Ok(only(&operators_of_signature(text(arguments, 0))).into())
    }),
    Function::immutable("to_regcollation", &[A_TEXT], REGCOLLATION, |_, arguments| {
        Ok(only(&collations_named(text(arguments, 0))).into())
    }),
    Function::stable("regprocout", &[AN_OID], TEXT, |call, arguments| {
        show(call, oid(arguments, 0), |_, oid| {
            recorded::procedure_by_oid(oid).map(|found| found.regproc.to_owned())
        })
    }),
    Function::stable("regprocedureout", &[AN_OID], TEXT, |call, arguments| {
        show(call, oid(arguments, 0), |_, oid| recorded::procedure_by_oid(oid).map(signature))
    }),
    Function::stable("regoperout", &[AN_OID], TEXT, |call, arguments| {
        show(call, oid(arguments, 0), |_, oid| {
            let name = recorded::operator_by_oid(oid)?.oprname;
            let several = operators_named(name).len() > 1;
            Some(if several { format!("pg_catalog.{name}") } else { name.to_owned() })
        })
    }),
    Function::stable("regoperatorout", &[AN_OID], TEXT, |call, arguments| {
        show(call, oid(arguments, 0), |_, oid| {
            recorded::operator_by_oid(oid).map(operator_signature)
        })
    }),
    Function::stable("regcollationout", &[AN_OID], TEXT, |call, arguments| {
        show(call, oid(arguments, 0), |_, oid| {
            let found = COLLATIONS.iter().find(|(collation, _)| *collation == oid);
            found.map(|(_, name)| quote_identifier(name))
        })
    }),
];

/// The collations of `pg_collation`.
const COLLATIONS: &[(Oid, &str)] = &[(Oid(100), "default"), (Oid(950), "C"), (Oid(951), "POSIX")];

/// The input of a type: a number, `-` or `0` for nothing, or a name that stands for one object.
fn read(name: &str, what: &str, find: fn(&str) -> Vec<Oid>) -> Result<Cell<'static>, Error> {
    // A minus alone is an operator, too.
    if name == "-" && what != "operator" {
        return Ok(Oid::INVALID.into());
    }
    if let Ok(number) = name.parse() {
        return Ok(Oid(number).into());
    }
    let (missing, ambiguous) = match what {
        "function" => (ErrorKind::UndefinedFunction, ErrorKind::AmbiguousFunction),
        "operator" => (ErrorKind::UndefinedFunction, ErrorKind::AmbiguousFunction),
        _ => (ErrorKind::UndefinedObject, ErrorKind::AmbiguousFunction),
    };
    match find(name).as_slice() {
        [found] => Ok((*found).into()),
        [] if what == "operator" => {
            Err(Error::new(missing, format!("operator does not exist: {name}")))
        }
        [] => Err(Error::new(missing, format!("{what} \"{name}\" does not exist"))),
        _ if what == "operator" => {
            Err(Error::new(ambiguous, format!("more than one operator named {name}")))
        }
        _ => Err(Error::new(ambiguous, format!("more than one {what} named \"{name}\""))),
    }
}

fn only(found: &[Oid]) -> Option<Oid> {
    match found {
        [one] => Some(*one),
        _ => None,
    }
}

/// Without the schema that all of them are in, and without quotes.
fn bare(name: &str) -> String {
    let name = name.trim();
    let name = name.strip_prefix("pg_catalog.").unwrap_or(name);
    match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => name.to_lowercase(),
    }
}

fn procedures_named(name: &str) -> Vec<Oid> {
    let name = bare(name);
    let named = recorded::PROCEDURES.iter().filter(|procedure| procedure.proname == name);
    named.map(|procedure| procedure.oid).collect()
}

/// `abs(integer)`.
fn procedures_of_signature(text: &str) -> Vec<Oid> {
    let Some((name, arguments)) = split_signature(text) else { return Vec::new() };
    let name = bare(name);
    let arguments: Option<Vec<i64>> = arguments
        .iter()
        .map(|name| type_of_sql_name(name).map(|Oid(oid)| i64::from(oid)))
        .collect();
    let Some(arguments) = arguments else { return Vec::new() };
    let fitting = |procedure: &&RecordedProcedure| {
        procedure.proname == name && procedure.proargtypes == arguments
    };
    recorded::PROCEDURES.iter().filter(fitting).map(|procedure| procedure.oid).collect()
}

fn operators_named(name: &str) -> Vec<Oid> {
    let name = bare(name);
    let named = recorded::OPERATORS.iter().filter(|operator| operator.oprname == name);
    named.map(|operator| operator.oid).collect()
}

/// `+(integer,integer)`, `-(NONE,integer)`.
fn operators_of_signature(text: &str) -> Vec<Oid> {
    let Some((name, arguments)) = split_signature(text) else { return Vec::new() };
    let name = bare(name);
    let operand = |name: &String| match name.as_str() {
        "none" => Some(Oid::INVALID),
        name => type_of_sql_name(name),
    };
    let Some(operands) = arguments.iter().map(operand).collect::<Option<Vec<_>>>() else {
        return Vec::new();
    };
    let [left, right] = operands.as_slice() else { return Vec::new() };
    let fitting = |operator: &&RecordedOperator| {
        operator.oprname == name && operator.oprleft == *left && operator.oprright == *right
    };
    recorded::OPERATORS.iter().filter(fitting).map(|operator| operator.oid).collect()
}

fn collations_named(name: &str) -> Vec<Oid> {
    let name = bare(name);
    let named = COLLATIONS.iter().filter(|(_, collation)| *collation == name);
    named.map(|(oid, _)| *oid).collect()
}

/// The name and the types between the parentheses, folded; commas within a type's own parentheses stay.
fn split_signature(text: &str) -> Option<(&str, Vec<String>)> {
    let (name, rest) = text.trim().split_once('(')?;
    let inner = rest.strip_suffix(')')?.trim();
    let mut arguments = Vec::new();
    let mut depth = 0_u32;
    let mut argument = String::new();
    for letter in inner.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if letter == ',' && depth == 0 {
            arguments.push(std::mem::take(&mut argument));
        } else {
            argument.push(letter);
        }
    }
    if !inner.is_empty() {
        arguments.push(argument);
    }
    let folded = arguments.iter().map(|argument| bare(argument.trim()));
    Some((name, folded.collect()))
}

fn type_name(oid: Oid) -> String {
    match recorded::type_by_oid(oid) {
        // Where no modifier can be, `character` is not `character(1)`.
        Some(_) if oid == BaseType::Bpchar.oid() => "character".to_owned(),
        Some(_) if oid == BaseType::Bpchar.array_oid() => "character[]".to_owned(),
        Some(found) => found.sql_name(NO_TYPMOD),
        None => oid.to_string(),
    }
}

/// `abs(integer)`.
fn signature(procedure: &RecordedProcedure) -> String {
    let arguments = procedure.proargtypes.iter().map(|&oid| u32::try_from(oid).unwrap_or_default());
    let arguments: Vec<String> = arguments.map(|oid| type_name(Oid(oid))).collect();
    format!("{}({})", quote_identifier(procedure.proname), arguments.join(","))
}

fn operator_signature(operator: &RecordedOperator) -> String {
    let operand = |oid| if oid == Oid::INVALID { "NONE".to_owned() } else { type_name(oid) };
    format!("{}({},{})", operator.oprname, operand(operator.oprleft), operand(operator.oprright))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_name_one_function() {
        assert_eq!(procedures_of_signature("abs(integer)"), [Oid(1397)]);
        assert_eq!(procedures_of_signature("pg_catalog.\"lower\"(text)"), [Oid(870)]);
        assert!(procedures_of_signature("abs(text)").is_empty());
        assert!(procedures_named("abs").len() > 1);
        assert_eq!(operators_of_signature("+(integer,integer)"), [Oid(551)]);
        assert_eq!(operators_of_signature("-(NONE,integer)"), [Oid(558)]);
    }

    #[test]
    fn they_are_shown_as_they_are_read() {
        let abs = recorded::procedure_by_oid(Oid(1397)).map(signature);
        assert_eq!(abs.as_deref(), Some("abs(integer)"));
        let minus = recorded::operator_by_oid(Oid(558)).map(operator_signature);
        assert_eq!(minus.as_deref(), Some("-(NONE,integer)"));
    }
}
