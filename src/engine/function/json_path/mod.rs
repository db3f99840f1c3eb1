//! SQL/JSON paths over `jsonb`: `jsonb_path_query` and its relatives, `@?` and `@@`; and the order of `jsonb`
//! values. A constant path is read once.
//! <https://www.postgresql.org/docs/16/functions-json.html#FUNCTIONS-SQLJSON-PROCESSING>

mod item;
mod lexer;
mod order;
mod path;
mod walk;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::Int32Type;

use crate::base::datatype::BaseType;
use crate::base::{Error, ErrorKind, Result};

use super::json::JSONBS;
use super::kernel::{Arguments, Kernel, Kind, Overload, Returns};

use Kind::{Bool, Text};
use item::{Item, write_array};
use path::Path;
use walk::walk;

const BOOL: Returns = Returns::Type(BaseType::Bool);
const JSONB: Returns = Returns::Type(BaseType::Jsonb);
const INTEGER: Returns = Returns::Type(BaseType::Int4);

/// `@?` and `@@`, which are silent about what fails.
pub const PATH_EXISTS: &str = "jsonb_path_exists_opr";
pub const PATH_MATCH: &str = "jsonb_path_match_opr";
/// How two documents are ordered: less than zero, zero or more.
pub const COMPARE: &str = "jsonb_cmp";
/// Bytes that are ordered as their documents are.
pub const ORDER_KEY: &str = "jsonb_order_key";

pub const KERNELS: &[Kernel] = &[
    Kernel::immutable("jsonb_path_exists", &[of_path(BOOL, |a| exists(a, false))])
        .aliases(&["jsonb_path_exists_tz"]),
    Kernel::immutable("jsonb_path_match", &[of_path(BOOL, |a| matches(a, false))])
        .aliases(&["jsonb_path_match_tz"]),
    Kernel::immutable(PATH_EXISTS, &[Overload::new(&[Text, Text], BOOL, |a| exists(a, true))]),
    Kernel::immutable(PATH_MATCH, &[Overload::new(&[Text, Text], BOOL, |a| matches(a, true))]),
    Kernel::immutable("jsonb_path_items", &[of_path(JSONBS, all)]),
    Kernel::immutable("jsonb_path_query_array", &[of_path(JSONB, array)])
        .aliases(&["jsonb_path_query_array_tz"]),
    Kernel::immutable("jsonb_path_query_first", &[of_path(JSONB, first)])
        .aliases(&["jsonb_path_query_first_tz"]),
    Kernel::immutable(
        COMPARE,
        &[Overload::new(&[Text, Text], INTEGER, |a| {
            let (one, other) = (a.texts(0)?, a.texts(1)?);
            a.make::<Int32Type>(|row| {
                let order = match one.at(row) == other.at(row) {
                    true => std::cmp::Ordering::Equal,
                    false => Item::parse(one.at(row))?.compare(&Item::parse(other.at(row))?)?,
                };
                Ok(Some(order as i32))
            })
        })],
    ),
    Kernel::immutable(
        ORDER_KEY,
        &[Overload::new(&[Text], Returns::Type(BaseType::Bytea), |a| {
            let documents = a.texts(0)?;
            a.make_bytes(|row| {
                let mut key = Vec::new();
                order::write_key(&Item::parse(documents.at(row))?, &mut key);
                Ok(Some(key))
            })
        })],
    ),
];

/// A document, a path, and at will variables and silence.
const fn of_path(returns: Returns, body: super::kernel::Body) -> Overload {
    Overload::new(&[Text, Text, Text, Bool], returns, body).optional(2)
}

/// What the path of each row gives; `None` where it fails and the call is silent.
struct Walks<'a> {
    documents: super::kernel::Texts<'a>,
    paths: super::kernel::Texts<'a>,
    constant: Option<Path>,
    variables: Option<super::kernel::Texts<'a>>,
    silent: Option<super::kernel::Flags<'a>>,
    is_operator: bool,
}

impl<'a> Walks<'a> {
    fn new(a: &'a Arguments<'_>, is_operator: bool) -> Result<Walks<'a>> {
        let paths = a.texts(1)?;
        let constant = paths.constant().map(Path::parse).transpose()?;
        let silent = if a.count() > 3 { Some(a.flags(3)?) } else { None };
        let (documents, variables) = (a.texts(0)?, a.optional_texts(2)?);
        Ok(Walks { documents, paths, constant, variables, silent, is_operator })
    }

    fn is_silent(&self, row: usize) -> bool {
        self.is_operator || self.silent.as_ref().is_some_and(|silent| silent.at(row))
    }

    fn at(&self, row: usize) -> Result<Option<Vec<Item>>> {
        let read;
        let path = match &self.constant {
            Some(path) => path,
            None => {
                read = Path::parse(self.paths.at(row))?;
                &read
            }
        };
        let document = Item::parse(self.documents.at(row))?;
        let variables = self.variables.as_ref().map(|variables| Item::parse(variables.at(row)));
        match walk(path, &document, variables.transpose()?.as_ref()) {
            Ok(items) => Ok(Some(items)),
            Err(error) if self.is_silent(row) && error.sqlstate().starts_with("22") => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn exists(a: &Arguments<'_>, is_operator: bool) -> Result<ArrayRef> {
    let walks = Walks::new(a, is_operator)?;
    a.make_flags(|row| Ok(walks.at(row)?.map(|items| !items.is_empty())))
}

fn matches(a: &Arguments<'_>, is_operator: bool) -> Result<ArrayRef> {
    let walks = Walks::new(a, is_operator)?;
    a.make_flags(|row| match walks.at(row)?.as_deref() {
        None | Some([Item::Null]) => Ok(None),
        Some([Item::Bool(value)]) => Ok(Some(*value)),
        Some(_) if walks.is_silent(row) => Ok(None),
        Some(_) => Err(Error::new(
            ErrorKind::SingletonSqlJsonItemRequired,
            "single boolean result is expected",
        )),
    })
}

fn all(a: &Arguments<'_>) -> Result<ArrayRef> {
    let walks = Walks::new(a, false)?;
    a.make_text_arrays(|row, out| {
        for item in walks.at(row)?.unwrap_or_default() {
            let mut text = String::new();
            item.write(&mut text);
            out.append_value(text);
        }
        Ok(true)
    })
}

fn array(a: &Arguments<'_>) -> Result<ArrayRef> {
    let walks = Walks::new(a, false)?;
    a.make_texts(|row, out| {
        write_array(&walks.at(row)?.unwrap_or_default(), out);
        Ok(true)
    })
}

fn first(a: &Arguments<'_>) -> Result<ArrayRef> {
    let walks = Walks::new(a, false)?;
    a.make_texts(|row, out| match walks.at(row)?.unwrap_or_default().first() {
        Some(item) => {
            item.write(out);
            Ok(true)
        }
        None => Ok(false),
    })
}
