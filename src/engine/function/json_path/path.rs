//! The SQL/JSON path language read into a tree. It knows no document.
//! <https://www.postgresql.org/docs/16/functions-json.html#FUNCTIONS-SQLJSON-PATH>

use crate::base::{Error, ErrorKind, Result};

use super::lexer::{Token, tokens};

/// A path with its mode.
#[derive(Debug)]
pub struct Path {
    pub strict: bool,
    pub root: Node,
}

/// Makes one node of the operands of an operator.
type Join = fn(Box<Node>, Box<Node>) -> Node;

/// An expression: of values, or a condition.
#[derive(Debug)]
pub enum Node {
    /// `$`
    Root,
    /// `@`
    Current,
    /// `last`
    Last,
    /// `$name`
    Variable(String),
    Null,
    Bool(bool),
    Number(String),
    String(String),
    Steps(Box<Node>, Vec<Step>),
    Arithmetic(Arithmetic, Box<Node>, Box<Node>),
    Sign(bool, Box<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Not(Box<Node>),
    IsUnknown(Box<Node>),
    Exists(Box<Node>),
    StartsWith(Box<Node>, Box<Node>),
    LikeRegex(Box<Node>, regex::Regex),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A step from values to values.
#[derive(Debug)]
pub enum Step {
    Member(String),
    AnyMember,
    /// `.**{from to until}`; `None` is the last level.
    Descendants(u32, Option<u32>),
    /// `[from to until, …]`
    Elements(Vec<(Node, Option<Node>)>),
    AnyElement,
    Filter(Node),
    Method(Method),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Type,
    Size,
    Double,
    Ceiling,
    Floor,
    Abs,
    KeyValue,
}

/// Expressions inside expressions, the terms of `a + b + c` and `a && b && c` among them.
const DEPTH_MAX: usize = 128;

impl Path {
    /// Reads a path. Errors: 42601, and 0A000 for `datetime()`.
    pub fn parse(text: &str) -> Result<Path> {
        let mut reader = Reader { tokens: tokens(text)?, at: 0, text, depth: 0 };
        let strict = reader.take_word("strict");
        if !strict {
            reader.take_word("lax");
        }
        let root = reader.condition()?;
        match reader.peek() {
            None => Ok(Path { strict, root }),
            Some(_) => Err(reader.unexpected()),
        }
    }
}

impl Node {
    pub fn is_condition(&self) -> bool {
        matches!(
            self,
            Node::Compare(..)
                | Node::And(..)
                | Node::Or(..)
                | Node::Not(_)
                | Node::IsUnknown(_)
                | Node::Exists(_)
                | Node::StartsWith(..)
                | Node::LikeRegex(..)
        )
    }
}

struct Reader<'a> {
    tokens: Vec<Token>,
    at: usize,
    text: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.peek(), Some(Token::Symbol(known)) if *known == symbol)
    }

    fn take(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(known)) if known == word)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<()> {
        if self.take(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> Error {
        let message = match self.peek() {
            None => "syntax error at end of jsonpath input".to_owned(),
            Some(token) => format!("syntax error at or near \"{token}\" of jsonpath input"),
        };
        let error = Error::new(ErrorKind::SyntaxError, message);
        if self.text.is_empty() {
            return Error::new(
                ErrorKind::InvalidTextRepresentation,
                "invalid input syntax for type jsonpath: \"\"",
            );
        }
        error
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let depth = self.depth;
        self.deepen()?;
        let read = read(self);
        self.depth = depth;
        read
    }

    /// Counts an expression that the next one is inside of.
    fn deepen(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let message = format!("a path is nested deeper than {DEPTH_MAX} levels");
            return Err(Error::new(ErrorKind::StatementTooComplex, message));
        }
        Ok(())
    }

    /// Operands joined by operators, the left ones first.
    fn chain(
        &mut self,
        operand: fn(&mut Self) -> Result<Node>,
        joined: impl Fn(&Self) -> Option<Join>,
        is_of_conditions: bool,
    ) -> Result<Node> {
        let depth = self.depth;
        let mut left = operand(self)?;
        while let Some(join) = joined(self) {
            if is_of_conditions {
                self.must_be_condition(&left)?;
            }
            self.at += 1;
            self.deepen()?;
            let right = operand(self)?;
            if is_of_conditions {
                self.must_be_condition(&right)?;
            }
            left = join(Box::new(left), Box::new(right));
        }
        self.depth = depth;
        Ok(left)
    }

    fn condition(&mut self) -> Result<Node> {
        self.chain(
            Self::conjunction,
            |reader| reader.is_symbol("||").then_some(Node::Or as _),
            true,
        )
    }

    fn conjunction(&mut self) -> Result<Node> {
        self.chain(
            Self::comparison,
            |reader| reader.is_symbol("&&").then_some(Node::And as _),
            true,
        )
    }

    fn must_be_condition(&self, node: &Node) -> Result<()> {
        if node.is_condition() { Ok(()) } else { Err(self.unexpected()) }
    }

    fn comparison(&mut self) -> Result<Node> {
        let left = self.sum()?;
        let comparison = match self.peek() {
            Some(Token::Symbol("==")) => Comparison::Equal,
            Some(Token::Symbol("!=" | "<>")) => Comparison::NotEqual,
            Some(Token::Symbol("<")) => Comparison::Less,
            Some(Token::Symbol("<=")) => Comparison::LessOrEqual,
            Some(Token::Symbol(">")) => Comparison::Greater,
            Some(Token::Symbol(">=")) => Comparison::GreaterOrEqual,
            Some(Token::Word(word)) if word == "starts" => return self.starts_with(left),
            Some(Token::Word(word)) if word == "like_regex" => return self.like_regex(left),
            _ => return Ok(left),
        };
        if left.is_condition() {
            return Err(self.unexpected());
        }
        self.at += 1;
        let right = self.sum()?;
        Ok(Node::Compare(comparison, Box::new(left), Box::new(right)))
    }

    fn starts_with(&mut self, left: Node) -> Result<Node> {
        self.at += 1;
        if !self.take_word("with") {
            return Err(self.unexpected());
        }
        let start = match self.peek() {
            Some(Token::String(text)) => Node::String(text.clone()),
            Some(Token::Variable(name)) => Node::Variable(name.clone()),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(Node::StartsWith(Box::new(left), Box::new(start)))
    }

    fn like_regex(&mut self, left: Node) -> Result<Node> {
        self.at += 1;
        let pattern = self.string()?;
        let flags = if self.take_word("flag") { self.string()? } else { String::new() };
        let mut builder = match flags.contains('q') {
            true => regex::RegexBuilder::new(&regex::escape(&pattern)),
            false => regex::RegexBuilder::new(&pattern),
        };
        for flag in flags.chars() {
            match flag {
                'i' => builder.case_insensitive(true),
                's' => builder.dot_matches_new_line(true),
                'm' => builder.multi_line(true),
                'q' => &mut builder,
                'x' => {
                    return Err(Error::unsupported(
                        "XQuery \"x\" flag (expanded regular expressions)",
                    ));
                }
                other => {
                    let message = "invalid input syntax for type jsonpath";
                    let detail =
                        format!("Unrecognized flag character \"{other}\" in LIKE_REGEX predicate.");
                    return Err(Error::new(ErrorKind::SyntaxError, message).with_detail(detail));
                }
            };
        }
        let regex = builder.size_limit(REGEX_BYTES_MAX).build().map_err(|error| {
            let message = "invalid regular expression";
            Error::new(ErrorKind::InvalidRegularExpression, message).caused_by(error)
        })?;
        Ok(Node::LikeRegex(Box::new(left), regex))
    }

    fn string(&mut self) -> Result<String> {
        let Some(Token::String(text)) = self.peek() else { return Err(self.unexpected()) };
        let text = text.clone();
        self.at += 1;
        Ok(text)
    }

    fn sum(&mut self) -> Result<Node> {
        let sign = |reader: &Self| -> Option<Join> {
            match reader.peek()? {
                Token::Symbol("+") => Some(|l, r| Node::Arithmetic(Arithmetic::Add, l, r)),
                Token::Symbol("-") => Some(|l, r| Node::Arithmetic(Arithmetic::Subtract, l, r)),
                _ => None,
            }
        };
        self.chain(Self::product, sign, false)
    }

    fn product(&mut self) -> Result<Node> {
        let sign = |reader: &Self| -> Option<Join> {
            match reader.peek()? {
                Token::Symbol("*") => Some(|l, r| Node::Arithmetic(Arithmetic::Multiply, l, r)),
                Token::Symbol("/") => Some(|l, r| Node::Arithmetic(Arithmetic::Divide, l, r)),
                Token::Symbol("%") => Some(|l, r| Node::Arithmetic(Arithmetic::Modulo, l, r)),
                _ => None,
            }
        };
        self.chain(Self::signed, sign, false)
    }

    fn signed(&mut self) -> Result<Node> {
        if self.take("-") {
            let inner = self.nested(Self::signed)?;
            return Ok(Node::Sign(true, Box::new(inner)));
        }
        if self.take("+") {
            let inner = self.nested(Self::signed)?;
            return Ok(Node::Sign(false, Box::new(inner)));
        }
        if self.take("!") {
            let inner = self.nested(Self::primary)?;
            self.must_be_condition(&inner)?;
            return Ok(Node::Not(Box::new(inner)));
        }
        self.primary()
    }

    fn primary(&mut self) -> Result<Node> {
        let node = match self.peek().cloned() {
            Some(Token::Symbol("$")) => Node::Root,
            Some(Token::Symbol("@")) => Node::Current,
            Some(Token::Variable(name)) => Node::Variable(name),
            Some(Token::Number(digits)) => Node::Number(digits),
            Some(Token::String(text)) => Node::String(text),
            Some(Token::Word(word)) => match word.as_str() {
                "null" => Node::Null,
                "true" => Node::Bool(true),
                "false" => Node::Bool(false),
                "last" => Node::Last,
                "exists" => {
                    self.at += 1;
                    self.expect("(")?;
                    let inner = self.nested(Self::sum)?;
                    self.expect(")")?;
                    return Ok(Node::Exists(Box::new(inner)));
                }
                _ => return Err(self.unexpected()),
            },
            Some(Token::Symbol("(")) => {
                self.at += 1;
                let inner = self.nested(Self::condition)?;
                self.expect(")")?;
                if inner.is_condition() && self.take_word("is") {
                    if !self.take_word("unknown") {
                        return Err(self.unexpected());
                    }
                    return Ok(Node::IsUnknown(Box::new(inner)));
                }
                return self.steps_after(inner);
            }
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        self.steps_after(node)
    }

    fn steps_after(&mut self, node: Node) -> Result<Node> {
        let mut steps = Vec::new();
        while let Some(step) = self.step()? {
            steps.push(step);
        }
        Ok(if steps.is_empty() { node } else { Node::Steps(Box::new(node), steps) })
    }

    fn step(&mut self) -> Result<Option<Step>> {
        if self.take(".") {
            return self.after_dot().map(Some);
        }
        if self.take("[") {
            if self.take("*") {
                self.expect("]")?;
                return Ok(Some(Step::AnyElement));
            }
            let mut elements = Vec::new();
            loop {
                let from = self.nested(Self::sum)?;
                let until = if self.take_word("to") { Some(self.nested(Self::sum)?) } else { None };
                elements.push((from, until));
                if !self.take(",") {
                    break;
                }
            }
            self.expect("]")?;
            return Ok(Some(Step::Elements(elements)));
        }
        if self.take("?") {
            self.expect("(")?;
            let condition = self.nested(Self::condition)?;
            self.must_be_condition(&condition)?;
            self.expect(")")?;
            return Ok(Some(Step::Filter(condition)));
        }
        Ok(None)
    }

    fn after_dot(&mut self) -> Result<Step> {
        if self.take("**") {
            return self.levels();
        }
        if self.take("*") {
            return Ok(Step::AnyMember);
        }
        let name = match self.peek() {
            Some(Token::String(name)) => {
                let name = name.clone();
                self.at += 1;
                return Ok(Step::Member(name));
            }
            Some(Token::Word(name)) => name.clone(),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        if !self.is_symbol("(") {
            return Ok(Step::Member(name));
        }
        let method = match name.as_str() {
            "type" => Method::Type,
            "size" => Method::Size,
            "double" => Method::Double,
            "ceiling" => Method::Ceiling,
            "floor" => Method::Floor,
            "abs" => Method::Abs,
            "keyvalue" => Method::KeyValue,
            "datetime" => return Err(Error::unsupported("jsonpath item method .datetime()")),
            _ => return Err(self.unexpected()),
        };
        self.expect("(")?;
        self.expect(")")?;
        Ok(Step::Method(method))
    }

    fn levels(&mut self) -> Result<Step> {
        if !self.take("{") {
            return Ok(Step::Descendants(0, None));
        }
        let from = self.level()?;
        let until = if self.take_word("to") { self.level()? } else { from };
        self.expect("}")?;
        Ok(Step::Descendants(from.unwrap_or(u32::MAX), until))
    }

    /// A number, or `None` for `last`.
    fn level(&mut self) -> Result<Option<u32>> {
        if self.take_word("last") {
            return Ok(None);
        }
        let Some(Token::Number(digits)) = self.peek() else { return Err(self.unexpected()) };
        let level = digits.parse().map_err(|_| self.unexpected())?;
        self.at += 1;
        Ok(Some(level))
    }
}

/// Bytes of a compiled regular expression.
const REGEX_BYTES_MAX: usize = 1 << 20;
