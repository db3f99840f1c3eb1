//! A path walked over a document, in its lax or strict mode: lax unwraps arrays and forgives what is missing.
//! <https://www.postgresql.org/docs/16/functions-json.html#STRICT-AND-LAX-MODES>

use std::cell::Cell;
use std::cmp::Ordering;

use crate::base::{Error, ErrorKind, Result};

use super::item::{Decimal, Item};
use super::path::{Arithmetic, Comparison, Method, Node, Path, Step};

/// What a condition says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    True,
    False,
    Unknown,
}

/// Where a walk stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    current: &'a Item,
    /// The length of the array around `last`.
    length: Option<usize>,
}

struct Walk<'a> {
    strict: bool,
    root: &'a Item,
    variables: Option<&'a Item>,
    /// Values that may still be made.
    left: Cell<usize>,
}

/// Values that a walk may make of a document, those inside of others counted as well.
const VALUES_MAX: usize = 4 << 20;

/// What a path gives of a document; a condition gives its truth, or null where it is unknown.
pub fn walk(path: &Path, root: &Item, variables: Option<&Item>) -> Result<Vec<Item>> {
    if variables.is_some_and(|variables| !matches!(variables, Item::Object(_))) {
        let message = "\"vars\" argument is not an object";
        let detail = "Jsonpath parameters should be encoded as key-value pairs of \"vars\" object.";
        return Err(Error::new(ErrorKind::InvalidParameterValue, message).with_detail(detail));
    }
    let walk = Walk { strict: path.strict, root, variables, left: Cell::new(VALUES_MAX) };
    walk.items(&path.root, Place { current: root, length: None })
}

fn failed(kind: ErrorKind, message: impl Into<String>) -> Error {
    Error::new(kind, message)
}

impl Walk<'_> {
    /// Counts a value that a step gives: a short path can ask for more of them than there is memory for.
    fn charge(&self, item: &Item) -> Result<()> {
        let left = self.left.get().checked_sub(item.values()).ok_or_else(|| {
            let message = format!("a path gives more than {VALUES_MAX} values");
            failed(ErrorKind::ProgramLimitExceeded, message)
        })?;
        self.left.set(left);
        Ok(())
    }

    fn items(&self, node: &Node, place: Place<'_>) -> Result<Vec<Item>> {
        Ok(match node {
            Node::Root => vec![self.root.clone()],
            Node::Current => vec![place.current.clone()],
            Node::Null => vec![Item::Null],
            Node::Bool(value) => vec![Item::Bool(*value)],
            Node::Number(digits) => vec![Item::parse(digits)?],
            Node::String(text) => vec![Item::String(text.clone())],
            Node::Variable(name) => vec![self.variable(name)?],
            Node::Last => {
                let length = place.length.ok_or_else(|| {
                    failed(ErrorKind::SyntaxError, "LAST is allowed only in array subscripts")
                })?;
                vec![Item::Number((length as i64 - 1).to_string())]
            }
            Node::Steps(start, steps) => {
                let mut items = self.items(start, place)?;
                for step in steps {
                    let mut next = Vec::new();
                    for item in items {
                        let known = next.len();
                        self.step(step, item, place, &mut next)?;
                        next.iter().skip(known).try_for_each(|item| self.charge(item))?;
                    }
                    items = next;
                }
                items
            }
            Node::Arithmetic(operation, left, right) => {
                let one = self.operand(*operation, "left", left, place)?;
                let other = self.operand(*operation, "right", right, place)?;
                vec![one.reckon(*operation, other)?.item()]
            }
            Node::Sign(negates, operand) => {
                let mut signed = Vec::new();
                for item in self.unwrapped(operand, place)? {
                    let sign = if *negates { '-' } else { '+' };
                    let number = item.decimal()?.ok_or_else(|| {
                        let message = format!(
                            "operand of unary jsonpath operator {sign} is not a numeric value"
                        );
                        failed(ErrorKind::NonNumericSqlJsonItem, message)
                    })?;
                    signed.push(if *negates { number.negated() } else { number }.item());
                }
                signed
            }
            Node::Compare(..)
            | Node::And(..)
            | Node::Or(..)
            | Node::Not(_)
            | Node::IsUnknown(_)
            | Node::Exists(_)
            | Node::StartsWith(..)
            | Node::LikeRegex(..) => vec![match self.truth(node, place)? {
                Truth::True => Item::Bool(true),
                Truth::False => Item::Bool(false),
                Truth::Unknown => Item::Null,
            }],
        })
    }

    fn variable(&self, name: &str) -> Result<Item> {
        let found = match self.variables {
            Some(Item::Object(members)) => members.iter().find(|(known, _)| known == name),
            _ => None,
        };
        found.map(|(_, value)| value.clone()).ok_or_else(|| {
            let message = format!("could not find jsonpath variable \"{name}\"");
            failed(ErrorKind::UndefinedObject, message)
        })
    }

    /// The items, and in lax mode those inside of arrays.
    fn unwrapped(&self, node: &Node, place: Place<'_>) -> Result<Vec<Item>> {
        let items = self.items(node, place)?;
        if self.strict {
            return Ok(items);
        }
        let inside = items.into_iter().flat_map(|item| match item {
            Item::Array(elements) => elements,
            other => vec![other],
        });
        Ok(inside.collect())
    }

    fn operand(
        &self,
        operation: Arithmetic,
        side: &str,
        node: &Node,
        place: Place<'_>,
    ) -> Result<Decimal> {
        let items = self.unwrapped(node, place)?;
        let number = match items.as_slice() {
            [item] => item.decimal()?,
            _ => None,
        };
        number.ok_or_else(|| {
            let symbol = match operation {
                Arithmetic::Add => '+',
                Arithmetic::Subtract => '-',
                Arithmetic::Multiply => '*',
                Arithmetic::Divide => '/',
                Arithmetic::Modulo => '%',
            };
            let message = format!(
                "{side} operand of jsonpath operator {symbol} is not a single numeric value"
            );
            failed(ErrorKind::SingletonSqlJsonItemRequired, message)
        })
    }

    fn step(&self, step: &Step, item: Item, place: Place<'_>, out: &mut Vec<Item>) -> Result<()> {
        // Lax mode takes what is in an array for members, filters and methods of numbers.
        let unwraps = matches!(
            step,
            Step::Member(_)
                | Step::AnyMember
                | Step::Filter(_)
                | Step::Method(Method::Double | Method::Ceiling | Method::Floor | Method::Abs)
        );
        if let (Item::Array(elements), true, false) = (&item, unwraps, self.strict) {
            for element in elements {
                self.step_of_one(step, element.clone(), place, out)?;
            }
            return Ok(());
        }
        self.step_of_one(step, item, place, out)
    }

    fn step_of_one(
        &self,
        step: &Step,
        item: Item,
        place: Place<'_>,
        out: &mut Vec<Item>,
    ) -> Result<()> {
        match step {
            Step::Member(key) => self.member(key, item, out),
            Step::AnyMember => match item {
                Item::Object(members) => {
                    out.extend(members.into_iter().map(|(_, value)| value));
                    Ok(())
                }
                _ => self.refused(
                    ErrorKind::SqlJsonObjectNotFound,
                    "jsonpath wildcard member accessor can only be applied to an object",
                ),
            },
            Step::AnyElement => match item {
                Item::Array(elements) => {
                    out.extend(elements);
                    Ok(())
                }
                other if !self.strict => {
                    out.push(other);
                    Ok(())
                }
                _ => self.refused(
                    ErrorKind::SqlJsonArrayNotFound,
                    "jsonpath wildcard array accessor can only be applied to an array",
                ),
            },
            Step::Descendants(from, until) => {
                descend(&item, 0, *from, *until, out);
                Ok(())
            }
            Step::Elements(places) => self.elements(places, item, place, out),
            Step::Filter(condition) => {
                let inner = Place { current: &item, length: place.length };
                if self.truth(condition, inner)? == Truth::True {
                    out.push(item);
                }
                Ok(())
            }
            Step::Method(method) => {
                out.push(self.method(*method, item)?);
                Ok(())
            }
        }
    }

    /// An error in strict mode, nothing in lax mode.
    fn refused(&self, kind: ErrorKind, message: &str) -> Result<()> {
        if self.strict { Err(failed(kind, message)) } else { Ok(()) }
    }

    fn member(&self, key: &str, item: Item, out: &mut Vec<Item>) -> Result<()> {
        let Item::Object(members) = item else {
            let message = "jsonpath member accessor can only be applied to an object";
            return self.refused(ErrorKind::SqlJsonMemberNotFound, message);
        };
        match members.into_iter().find(|(known, _)| known == key) {
            Some((_, value)) => {
                out.push(value);
                Ok(())
            }
            None => {
                let message = format!("JSON object does not contain key \"{key}\"");
                self.refused(ErrorKind::SqlJsonMemberNotFound, &message)
            }
        }
    }

    fn elements(
        &self,
        places: &[(Node, Option<Node>)],
        item: Item,
        place: Place<'_>,
        out: &mut Vec<Item>,
    ) -> Result<()> {
        let elements = match item {
            Item::Array(elements) => elements,
            other if !self.strict => vec![other],
            _ => {
                let message = "jsonpath array accessor can only be applied to an array";
                return self.refused(ErrorKind::SqlJsonArrayNotFound, message);
            }
        };
        let inner = Place { current: place.current, length: Some(elements.len()) };
        for (from, until) in places {
            let from = self.subscript(from, inner)?;
            let until = match until {
                Some(until) => self.subscript(until, inner)?,
                None => from,
            };
            let count = elements.len() as i64;
            if self.strict && (from < 0 || from > until || until >= count) {
                let message = "jsonpath array subscript is out of bounds";
                return Err(failed(ErrorKind::InvalidSqlJsonSubscript, message));
            }
            for index in from.max(0)..=until.min(count - 1) {
                let element = usize::try_from(index).ok().and_then(|at| elements.get(at));
                if let Some(element) = element {
                    self.charge(element)?;
                    out.push(element.clone());
                }
            }
        }
        Ok(())
    }

    fn subscript(&self, node: &Node, place: Place<'_>) -> Result<i64> {
        let items = self.items(node, place)?;
        let number = match items.as_slice() {
            [item] => item.decimal()?,
            _ => None,
        };
        let number = number.ok_or_else(|| {
            let message = "jsonpath array subscript is not a single numeric value";
            failed(ErrorKind::InvalidSqlJsonSubscript, message)
        })?;
        number.integer().filter(|index| i32::try_from(*index).is_ok()).ok_or_else(|| {
            let message = "jsonpath array subscript is out of integer range";
            failed(ErrorKind::InvalidSqlJsonSubscript, message)
        })
    }

    fn method(&self, method: Method, item: Item) -> Result<Item> {
        let name = match method {
            Method::Type => return Ok(Item::String(item.type_name().to_owned())),
            Method::Size => {
                return match item {
                    Item::Array(elements) => Ok(Item::Number(elements.len().to_string())),
                    _ if !self.strict => Ok(Item::Number("1".to_owned())),
                    _ => Err(failed(
                        ErrorKind::SqlJsonArrayNotFound,
                        "jsonpath item method .size() can only be applied to an array",
                    )),
                };
            }
            Method::KeyValue => {
                return Err(Error::unsupported("jsonpath item method .keyvalue()"));
            }
            Method::Double => return double(item),
            Method::Ceiling => "ceiling",
            Method::Floor => "floor",
            Method::Abs => "abs",
        };
        let number = item.decimal()?.ok_or_else(|| {
            let message =
                format!("jsonpath item method .{name}() can only be applied to a numeric value");
            failed(ErrorKind::NonNumericSqlJsonItem, message)
        })?;
        Ok(match method {
            Method::Abs => number.abs(),
            Method::Floor => number.whole(Some(Ordering::Less)),
            _ => number.whole(Some(Ordering::Greater)),
        }
        .item())
    }

    fn truth(&self, node: &Node, place: Place<'_>) -> Result<Truth> {
        Ok(match node {
            Node::And(left, right) => match self.truth(left, place)? {
                Truth::False => Truth::False,
                left => match (left, self.truth(right, place)?) {
                    (_, Truth::False) => Truth::False,
                    (Truth::True, right) => right,
                    _ => Truth::Unknown,
                },
            },
            Node::Or(left, right) => match self.truth(left, place)? {
                Truth::True => Truth::True,
                left => match (left, self.truth(right, place)?) {
                    (_, Truth::True) => Truth::True,
                    (Truth::False, right) => right,
                    _ => Truth::Unknown,
                },
            },
            Node::Not(inner) => match self.truth(inner, place)? {
                Truth::True => Truth::False,
                Truth::False => Truth::True,
                Truth::Unknown => Truth::Unknown,
            },
            Node::IsUnknown(inner) => truth_of(self.truth(inner, place)? == Truth::Unknown),
            Node::Exists(inner) => match self.items(inner, place) {
                Ok(items) => truth_of(!items.is_empty()),
                Err(error) => unknown(error)?,
            },
            Node::Compare(comparison, left, right) => {
                let sides = self
                    .unwrapped(left, place)
                    .and_then(|left| Ok((left, self.unwrapped(right, place)?)));
                match sides {
                    Ok((left, right)) => {
                        self.any_pair(&left, &right, |one, other| compare(*comparison, one, other))?
                    }
                    Err(error) => unknown(error)?,
                }
            }
            Node::StartsWith(text, start) => {
                let starts = match start.as_ref() {
                    Node::Variable(name) => vec![self.variable(name)?],
                    other => self.items(other, place)?,
                };
                self.any_of(text, place, |item| match (item, starts.first()) {
                    (Item::String(text), Some(Item::String(start))) => {
                        truth_of(text.starts_with(start.as_str()))
                    }
                    _ => Truth::Unknown,
                })?
            }
            Node::LikeRegex(text, regex) => self.any_of(text, place, |item| match item {
                Item::String(text) => truth_of(regex.is_match(text)),
                _ => Truth::Unknown,
            })?,
            _ => Truth::Unknown,
        })
    }

    fn any_of(
        &self,
        node: &Node,
        place: Place<'_>,
        test: impl Fn(&Item) -> Truth,
    ) -> Result<Truth> {
        match self.unwrapped(node, place) {
            Ok(items) => self.any_pair(&items, &[Item::Null], |item, _| Ok(test(item))),
            Err(error) => unknown(error),
        }
    }

    /// Whether any pair is true. In strict mode an unknown one outweighs it.
    fn any_pair(
        &self,
        left: &[Item],
        right: &[Item],
        test: impl Fn(&Item, &Item) -> Result<Truth>,
    ) -> Result<Truth> {
        let mut any = Truth::False;
        for one in left {
            for other in right {
                match test(one, other)? {
                    Truth::True if !self.strict => return Ok(Truth::True),
                    Truth::True => any = Truth::True,
                    Truth::Unknown if self.strict => return Ok(Truth::Unknown),
                    Truth::Unknown => any = Truth::Unknown,
                    Truth::False => {}
                }
            }
        }
        Ok(any)
    }
}

fn truth_of(value: bool) -> Truth {
    if value { Truth::True } else { Truth::False }
}

/// Inside a condition what fails is unknown; what is refused or wrongly asked is not.
fn unknown(error: Error) -> Result<Truth> {
    match error.kind() {
        ErrorKind::UndefinedObject
        | ErrorKind::SyntaxError
        | ErrorKind::FeatureNotSupported
        | ErrorKind::ProgramLimitExceeded => Err(error),
        _ => Ok(Truth::Unknown),
    }
}

fn compare(comparison: Comparison, one: &Item, other: &Item) -> Result<Truth> {
    let order = match (one, other) {
        (Item::Null, Item::Null) => Ordering::Equal,
        (Item::Null, _) | (_, Item::Null) => {
            return Ok(truth_of(comparison == Comparison::NotEqual));
        }
        (Item::Bool(_), Item::Bool(_))
        | (Item::Number(_), Item::Number(_))
        | (Item::String(_), Item::String(_)) => one.compare(other)?,
        _ => return Ok(Truth::Unknown),
    };
    Ok(truth_of(match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }))
}

fn double(item: Item) -> Result<Item> {
    let invalid = |message: &str| failed(ErrorKind::NonNumericSqlJsonItem, message);
    let text = match &item {
        Item::Number(_) => return Ok(item),
        Item::String(text) => text.trim(),
        _ => {
            let message =
                "jsonpath item method .double() can only be applied to a string or numeric value";
            return Err(invalid(message));
        }
    };
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Item::parse(&format!("{number}")),
        _ => Err(invalid(
            "string argument of jsonpath item method .double() is not a valid representation of a double precision \
             number",
        )),
    }
}

/// The values inside, level by level from `from` to `until`; without `until` to the last one.
fn descend(item: &Item, level: u32, from: u32, until: Option<u32>, out: &mut Vec<Item>) {
    let is_leaf = !matches!(item, Item::Array(_) | Item::Object(_));
    let only_leaves = from == u32::MAX;
    if level >= from || only_leaves && is_leaf {
        out.push(item.clone());
    }
    if until.is_some_and(|until| level >= until) && !only_leaves {
        return;
    }
    match item {
        Item::Array(elements) => {
            elements.iter().for_each(|inner| descend(inner, level + 1, from, until, out));
        }
        Item::Object(members) => {
            members.iter().for_each(|(_, inner)| descend(inner, level + 1, from, until, out));
        }
        Item::Null | Item::Bool(_) | Item::Number(_) | Item::String(_) => {}
    }
}
