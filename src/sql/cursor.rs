//! A reader over one statement's tokens: words, names and lists for our own grammar, sqlparser's for
//! expressions, queries and types. It turns every failure into PostgreSQL's error with its position.

use sqlparser::ast;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Word};

use super::dialect::LakegateDialect;
use super::output_name;
use super::recursion;
use super::relations;
use super::rewrite;
use super::source::Source;
use super::statement::{ColumnName, Expression, Query, SchemaName};
use super::tokens;
use crate::base::name::{NamePosition, ObjectName};
use crate::base::{Error, ErrorKind, Result};

pub struct Cursor<'a> {
    parser: Parser<'a>,
    source: &'a Source<'a>,
    dialect: &'a LakegateDialect,
    token_count: usize,
    /// Where the semicolon after the statement stands.
    semicolon: Option<Span>,
    /// The names of the WITH items so far, where their parts are read one by one.
    with_names: Vec<String>,
}

/// `INTO [TEMPORARY] table` of a SELECT.
#[derive(Debug)]
pub struct SelectTarget {
    pub name: ObjectName,
    pub temporary: bool,
}

/// The INTO of a query: it stands in the first SELECT of a UNION.
fn take_into(body: &mut ast::SetExpr) -> Option<ast::SelectInto> {
    match body {
        ast::SetExpr::Select(select) => select.into.take(),
        ast::SetExpr::SetOperation { left, .. } => take_into(left),
        _ => None,
    }
}

/// The error for a statement that nests too deeply.
pub fn too_deep() -> Error {
    Error::new(ErrorKind::StatementTooComplex, "statement is nested too deeply")
        .with_hint("Split the statement, or raise the limit on statement depth.")
}

impl<'a> Cursor<'a> {
    pub fn new(
        source: &'a Source<'a>,
        dialect: &'a LakegateDialect,
        tokens: Vec<TokenWithSpan>,
        semicolon: Option<Span>,
        depth_max: usize,
    ) -> Self {
        let as_of = tokens.windows(2).any(|pair| {
            matches!(pair, [first, second] if is_word(&first.token, "as") && is_word(&second.token, "of"))
        });
        dialect.allow_time_travel(as_of);
        let token_count = tokens.len();
        let parser =
            Parser::new(dialect).with_recursion_limit(depth_max).with_tokens_with_locations(tokens);
        Cursor { parser, source, dialect, token_count, semicolon, with_names: Vec::new() }
    }

    // Looking ahead

    pub fn peek(&self) -> &Token {
        &self.parser.peek_token_ref().token
    }

    pub fn peek_nth(&self, n: usize) -> &Token {
        &self.parser.peek_nth_token_ref(n).token
    }

    pub fn at_end(&self) -> bool {
        matches!(self.peek(), Token::EOF)
    }

    /// Whether the next token is this word, unquoted, in any case.
    pub fn is(&self, word: &str) -> bool {
        is_word(self.peek(), word)
    }

    pub fn is_nth(&self, n: usize, word: &str) -> bool {
        is_word(self.peek_nth(n), word)
    }

    pub fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    /// The next token as a lower-case word, empty for anything else.
    pub fn word(&self) -> String {
        match self.peek() {
            Token::Word(Word { value, quote_style: None, .. }) => value.to_ascii_lowercase(),
            _ => String::new(),
        }
    }

    /// The 1-based position of the next token.
    pub fn position(&self) -> usize {
        let position = self.source.position(self.parser.peek_token_ref().span);
        let end = || self.semicolon.and_then(|span| self.source.position(span));
        position.or_else(end).unwrap_or(self.source.end_position())
    }

    /// The position of the next `$n`, wherever it stands in the rest of the statement.
    pub fn placeholder_ahead(&self) -> Option<usize> {
        let next = self.parser.get_current_index();
        let mut rest = (next..self.token_count).map(|index| self.parser.token_at(index));
        let found = rest.find(|token| matches!(token.token, Token::Placeholder(_)))?;
        self.source.position(found.span)
    }

    /// The tokens from the next one on.
    pub fn rest(&self) -> impl Iterator<Item = &Token> {
        (self.index()..self.token_count).map(|index| &self.parser.token_at(index).token)
    }

    /// The place of the next token among all.
    pub fn index(&self) -> usize {
        let next = self.parser.peek_token_ref();
        let from = self.parser.get_current_index();
        let mut places = from..self.token_count;
        let found = places.find(|index| std::ptr::eq(self.parser.token_at(*index), next));
        found.unwrap_or(self.token_count)
    }

    /// The numbers of the parameters among the tokens from a place on that have been taken.
    pub fn parameters_since(&self, start: usize) -> Vec<usize> {
        let tokens = (start..self.index()).map(|index| &self.parser.token_at(index).token);
        let numbers = tokens.filter_map(|token| match token {
            Token::Placeholder(name) => name.strip_prefix('$')?.parse().ok(),
            _ => None,
        });
        let mut numbers: Vec<usize> = numbers.collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    // Taking

    pub fn advance(&mut self) {
        self.parser.advance_token();
    }

    pub fn take(&mut self, word: &str) -> bool {
        let found = self.is(word);
        if found {
            self.advance();
        }
        found
    }

    /// Takes all of the words or none.
    pub fn take_all(&mut self, words: &[&str]) -> bool {
        let found = words.iter().enumerate().all(|(n, word)| self.is_nth(n, word));
        if found {
            words.iter().for_each(|_| self.advance());
        }
        found
    }

    /// Takes one of the words, and tells which.
    pub fn take_any<'w>(&mut self, words: &[&'w str]) -> Option<&'w str> {
        let found = words.iter().find(|word| self.is(word)).copied();
        if found.is_some() {
            self.advance();
        }
        found
    }

    pub fn take_token(&mut self, token: &Token) -> bool {
        self.parser.consume_token(token)
    }

    pub fn expect(&mut self, word: &str) -> Result<()> {
        if self.take(word) { Ok(()) } else { Err(self.syntax_error()) }
    }

    pub fn expect_all(&mut self, words: &[&str]) -> Result<()> {
        words.iter().try_for_each(|word| self.expect(word))
    }

    pub fn expect_token(&mut self, token: &Token) -> Result<()> {
        if self.take_token(token) { Ok(()) } else { Err(self.syntax_error()) }
    }

    pub fn expect_end(&self) -> Result<()> {
        if self.at_end() { Ok(()) } else { Err(self.syntax_error()) }
    }

    pub fn take_if_exists(&mut self) -> bool {
        self.take_all(&["if", "exists"])
    }

    pub fn take_if_not_exists(&mut self) -> bool {
        self.take_all(&["if", "not", "exists"])
    }

    // Lists

    /// One or more items between commas.
    pub fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.take_token(&Token::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    pub fn parenthesized<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.expect_token(&Token::LParen)?;
        let value = inner(self)?;
        self.expect_token(&Token::RParen)?;
        Ok(value)
    }

    // Names

    /// A name that may be any word but PostgreSQL's reserved ones, folded.
    pub fn identifier(&mut self) -> Result<String> {
        match self.peek() {
            Token::Word(word) if word.quote_style.is_none() && is_reserved(&word.value) => {
                Err(self.syntax_error())
            }
            _ => self.label(),
        }
    }

    /// A name where any word will do: after a dot or AS.
    pub fn label(&mut self) -> Result<String> {
        let Token::Word(word) = self.peek() else { return Err(self.syntax_error()) };
        let name = fold(&word.value, word.quote_style);
        self.advance();
        Ok(name)
    }

    /// A word in the case it was written in.
    pub fn raw_label(&mut self) -> Result<String> {
        let Token::Word(word) = self.peek() else { return Err(self.syntax_error()) };
        let name = word.value.clone();
        self.advance();
        Ok(name)
    }

    pub fn column_name(&mut self) -> Result<ColumnName> {
        let position = Some(self.position());
        Ok(ColumnName { name: self.identifier()?, position })
    }

    pub fn column_names(&mut self) -> Result<Vec<ColumnName>> {
        self.parenthesized(|c| c.list(Self::column_name))
    }

    /// The parts of a dotted name, with its position.
    pub fn name_parts(&mut self) -> Result<(Vec<String>, usize)> {
        let position = self.position();
        let mut parts = vec![self.identifier()?];
        while self.take_token(&Token::Period) {
            parts.push(self.label()?);
        }
        Ok((parts, position))
    }

    pub fn object_name(&mut self) -> Result<ObjectName> {
        let (parts, position) = self.name_parts()?;
        object_name(parts, Some(position))
    }

    /// `[catalog.]schema`
    pub fn schema_name(&mut self) -> Result<SchemaName> {
        let (parts, position) = self.name_parts()?;
        let written = parts.join(".");
        let mut parts = parts.into_iter();
        match (parts.next(), parts.next(), parts.next()) {
            (Some(schema), None, _) => Ok(SchemaName { catalog: None, schema }),
            (Some(catalog), Some(schema), None) => {
                Ok(SchemaName { catalog: Some(catalog), schema })
            }
            _ => Err(too_many_dots(&written).at(position)),
        }
    }

    // Literals

    pub fn string(&mut self) -> Result<String> {
        let Token::SingleQuotedString(text) = self.peek() else { return Err(self.syntax_error()) };
        let text = text.clone();
        self.advance();
        Ok(text)
    }

    /// A string literal, or `None` for NULL.
    pub fn string_or_null(&mut self) -> Result<Option<String>> {
        if self.take("null") { Ok(None) } else { self.string().map(Some) }
    }

    pub fn take_string(&mut self) -> Option<String> {
        self.string().ok()
    }

    pub fn unsigned(&mut self) -> Result<u64> {
        let Token::Number(digits, _) = self.peek() else { return Err(self.syntax_error()) };
        let number = digits.parse().map_err(|_| self.syntax_error())?;
        self.advance();
        Ok(number)
    }

    // What sqlparser reads

    /// A query, rewritten for the planner, with its relations.
    pub fn query(&mut self) -> Result<Query> {
        self.written_query().and_then(|ast| self.prepared(ast))
    }

    fn written_query(&mut self) -> Result<Box<ast::Query>> {
        if !self.begins_query() {
            return Err(self.syntax_error());
        }
        self.parser.parse_query().map_err(|error| self.grammar_error(error))
    }

    /// A query, and the table that its INTO names.
    pub fn query_with_target(&mut self) -> Result<(Query, Option<SelectTarget>)> {
        let mut ast = self.written_query()?;
        let target = match take_into(&mut ast.body) {
            Some(into) => Some(SelectTarget {
                name: relations::relation_name(&into.name, self.source)?,
                temporary: into.temporary,
            }),
            None => None,
        };
        Ok((self.prepared(ast)?, target))
    }

    fn prepared(&self, mut ast: Box<ast::Query>) -> Result<Query> {
        // Before the rewriting: PostgreSQL names outputs by what the user wrote.
        output_name::name_outputs(&mut *ast);
        recursion::check(&ast, self.source)?;
        rewrite::apply(&mut *ast, self.source)?;
        let relations = relations::collect(&mut *ast, &self.with_names, self.source)?;
        Ok(Query { ast, relations })
    }

    /// A name for the parts after this one; `false` if it is taken.
    pub fn add_with_name(&mut self, name: &str) -> bool {
        let is_new = !self.with_names.iter().any(|known| known == name);
        if is_new {
            self.with_names.push(name.to_owned());
        }
        is_new
    }

    /// One query of a WITH clause as a query of its own, and its name.
    pub fn with_query(&mut self, recursive: bool) -> Result<(Query, String)> {
        let with_token = self.parser.peek_token_ref().clone().into();
        let cte = self.parser.parse_cte().map_err(|error| self.grammar_error(error))?;
        let name = cte.alias.name.clone();
        let template = Parser::new(self.dialect).try_with_sql("SELECT * FROM t");
        let mut ast = template
            .and_then(|mut parser| parser.parse_query())
            .map_err(|error| self.grammar_error(error))?;
        if let ast::SetExpr::Select(select) = &mut *ast.body
            && let Some(from) = select.from.first_mut()
            && let ast::TableFactor::Table { name: table, .. } = &mut from.relation
        {
            *table = ast::ObjectName::from(vec![name.clone()]);
        }
        ast.with = Some(ast::With { with_token, recursive, cte_tables: vec![cte] });
        Ok((self.prepared(ast)?, fold(&name.value, name.quote_style)))
    }

    /// `WITH name AS (query), …`
    pub fn with_clause(&mut self) -> Result<ast::With> {
        let with_token = self.parser.peek_token_ref().clone().into();
        self.expect("with")?;
        let recursive = self.take("recursive");
        let parsed = self.parser.parse_comma_separated(Parser::parse_cte);
        let cte_tables = parsed.map_err(|error| self.grammar_error(error))?;
        Ok(ast::With { with_token, recursive, cte_tables })
    }

    /// A query that sees the queries of a WITH clause before it.
    pub fn query_within(&mut self, with: ast::With) -> Result<Query> {
        if self.is("with") {
            return Err(self
                .unsupported("WITH before INSERT and before its query too")
                .with_hint("Name all queries in one WITH clause."));
        }
        let mut ast = self.written_query()?;
        ast.with = Some(with);
        self.prepared(ast)
    }

    /// Whether a query stands next; `(` may also open something else.
    pub fn begins_query(&self) -> bool {
        let n = (0..).find(|&n| *self.peek_nth(n) != Token::LParen).unwrap_or_default();
        ["select", "values", "with", "table"].iter().any(|word| self.is_nth(n, word))
    }

    pub fn expression(&mut self) -> Result<Expression> {
        self.written_expression().and_then(|ast| self.prepared_expression(ast))
    }

    /// An expression as it is written, which [`Cursor::prepared_expression`] takes.
    pub fn written_expression(&mut self) -> Result<ast::Expr> {
        self.parser.parse_expr().map_err(|error| self.grammar_error(error))
    }

    /// An expression, rewritten for the planner, with its relations.
    pub fn prepared_expression(&self, mut ast: ast::Expr) -> Result<Expression> {
        output_name::name_outputs(&mut ast);
        rewrite::apply(&mut ast, self.source)?;
        let relations = relations::collect(&mut ast, &self.with_names, self.source)?;
        Ok(Expression { ast, relations })
    }

    /// An expression whose text is kept instead of its tree.
    pub fn expression_text(&mut self) -> Result<String> {
        let start = self.position();
        self.expression()?;
        Ok(self.text_since(start))
    }

    pub fn table_factor(&mut self) -> Result<ast::TableFactor> {
        self.parser.parse_table_factor().map_err(|error| self.grammar_error(error))
    }

    /// What may stand after FROM: relations and joins of them.
    pub fn relation_list(&mut self) -> Result<Vec<ast::TableWithJoins>> {
        let parsed = self.parser.parse_comma_separated(Parser::parse_table_and_joins);
        parsed.map_err(|error| self.grammar_error(error))
    }

    /// `SELECT * FROM factor`
    pub fn query_over(&mut self, factor: ast::TableFactor) -> Result<Query> {
        self.query_from(vec![ast::TableWithJoins { relation: factor, joins: Vec::new() }])
    }

    /// `SELECT * FROM …`
    pub fn query_from(&mut self, from: Vec<ast::TableWithJoins>) -> Result<Query> {
        let template = Parser::new(self.dialect).try_with_sql("SELECT *");
        let mut ast = template
            .and_then(|mut parser| parser.parse_query())
            .map_err(|error| self.grammar_error(error))?;
        if let ast::SetExpr::Select(select) = &mut *ast.body {
            select.from = from;
        }
        self.prepared(ast)
    }

    /// The list after RETURNING as a query over the changed rows, which it calls by the alias.
    pub fn returned(&mut self, alias: &str) -> Result<Query> {
        let projection = self.parser.parse_projection();
        let projection = projection.map_err(|error| self.grammar_error(error))?;
        let template = Parser::new(self.dialect).try_with_sql("SELECT *");
        let mut ast = template
            .and_then(|mut parser| parser.parse_query())
            .map_err(|error| self.grammar_error(error))?;
        if let ast::SetExpr::Select(select) = &mut *ast.body {
            select.projection = projection;
            select.from = vec![relations::changed_rows(alias)];
        }
        let mut query = self.prepared(ast)?;
        query.relations.retain(|relation| relation.key.object != relations::CHANGED_ROWS);
        Ok(query)
    }

    pub fn data_type(&mut self) -> Result<ast::DataType> {
        let parsed = self.parser.parse_data_type();
        let mut data_type = parsed.map_err(|error| self.grammar_error(error))?;
        // `integer ARRAY[3]` is PostgreSQL's other spelling of `integer[]`.
        if self.take("array") {
            if self.take_token(&Token::LBracket) {
                self.unsigned()?;
                self.expect_token(&Token::RBracket)?;
            }
            let element = Box::new(data_type);
            data_type = ast::DataType::Array(ast::ArrayElemTypeDef::SquareBracket(element, None));
        }
        Ok(data_type)
    }

    // Text

    /// The text from a position up to the last token taken.
    pub fn text_since(&self, position: usize) -> String {
        let index = self.parser.get_current_index();
        let end = self.source.offset(self.parser.token_at(index).span.end);
        self.source.slice(position.saturating_sub(1), end).to_owned()
    }

    // Errors

    /// `syntax error at or near` the next token.
    pub fn syntax_error(&self) -> Error {
        self.syntax_error_at(self.parser.peek_token_ref())
    }

    /// What PostgreSQL or Databricks has here and we do not, at the next token.
    pub fn unsupported(&self, what: &str) -> Error {
        Error::unsupported(what).at(self.position())
    }

    fn syntax_error_at(&self, token: &TokenWithSpan) -> Error {
        if token.span == Span::empty() {
            if let Some(semicolon) = self.semicolon {
                return tokens::near(self.source, semicolon);
            }
            return Error::new(ErrorKind::SyntaxError, "syntax error at end of input")
                .at(self.source.end_position());
        }
        tokens::near(self.source, token.span)
    }

    fn grammar_error(&self, error: ParserError) -> Error {
        let message = match error {
            ParserError::RecursionLimitExceeded => return too_deep(),
            ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
        };
        if message.ends_with("found: EOF") {
            return self.syntax_error_at(self.parser.token_at(usize::MAX));
        }
        match tokens::location_in(&message).and_then(|location| self.token_from(location)) {
            Some(index) => self
                .error_within(index)
                .unwrap_or_else(|| self.syntax_error_at(self.parser.token_at(index))),
            None => self.syntax_error(),
        }
    }

    /// The error of the query in parentheses around a token. sqlparser reads `(SELECT …` as a relation in
    /// parentheses when it is no query, and reports that this is wrong.
    fn error_within(&self, index: usize) -> Option<Error> {
        let mut closed = 0usize;
        let open = (0..index).rev().find(|&before| match self.parser.token_at(before).token {
            Token::RParen => {
                closed += 1;
                false
            }
            Token::LParen => closed.checked_sub(1).map(|left| closed = left).is_none(),
            _ => false,
        })?;
        let Token::Word(word) = &self.parser.token_at(open + 1).token else { return None };
        if !matches!(word.keyword, Keyword::SELECT | Keyword::WITH | Keyword::VALUES) {
            return None;
        }
        let inner =
            (open + 1..self.token_count).map(|at| self.parser.token_at(at).clone()).collect();
        let mut parser = Parser::new(self.dialect).with_tokens_with_locations(inner);
        let token = match parser.parse_query() {
            Err(ParserError::RecursionLimitExceeded) => return Some(too_deep()),
            Err(ParserError::TokenizerError(message) | ParserError::ParserError(message)) => {
                self.token_from(tokens::location_in(&message)?)?
            }
            Ok(_) if parser.peek_token_ref().token == Token::RParen => return None,
            Ok(_) => self.token_from(parser.peek_token_ref().span.start)?,
        };
        // Only what stands further on is nearer to the cause.
        (token > index).then(|| {
            self.error_within(token)
                .unwrap_or_else(|| self.syntax_error_at(self.parser.token_at(token)))
        })
    }

    /// The index of the first token that begins at or after a location.
    fn token_from(&self, location: Location) -> Option<usize> {
        let (mut low, mut high) = (0, self.token_count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.parser.token_at(middle).span.start < location {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        (low < self.token_count).then_some(low)
    }
}

fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(Word { value, quote_style: None, .. })
        if value.eq_ignore_ascii_case(word))
}

/// A name as PostgreSQL and DataFusion both look it up.
pub fn fold(value: &str, quote_style: Option<char>) -> String {
    if quote_style.is_some() { value.to_owned() } else { value.to_ascii_lowercase() }
}

/// One to three folded parts as a name.
pub fn object_name(parts: Vec<String>, position: Option<usize>) -> Result<ObjectName> {
    let written = parts.join(".");
    let mut parts = parts.into_iter().rev();
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(object), schema, catalog, None) => {
            Ok(ObjectName { catalog, schema, object, position: position.map(NamePosition) })
        }
        _ => Err(too_many_dots(&written).at_if(position)),
    }
}

fn too_many_dots(written: &str) -> Error {
    let message = format!("improper qualified name (too many dotted names): {written}");
    Error::new(ErrorKind::SyntaxError, message)
}

pub fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}

/// The words that PostgreSQL takes as no name at all (`RESERVED_KEYWORD`).
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "current_catalog",
    "current_date",
    "current_role",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "from",
    "grant",
    "group",
    "having",
    "in",
    "initially",
    "intersect",
    "into",
    "lateral",
    "leading",
    "limit",
    "localtime",
    "localtimestamp",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "placing",
    "primary",
    "references",
    "returning",
    "select",
    "session_user",
    "some",
    "symmetric",
    "system_user",
    "table",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "when",
    "where",
    "window",
    "with",
];
