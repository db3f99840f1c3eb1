//! The one SQL dialect: PostgreSQL's, with Databricks' backticks, types and time travel. It also keeps
//! sqlparser's backtracking and its chains of AND and OR within bounds.

use std::any::TypeId;
use std::cell::Cell;

use sqlparser::ast::{BinaryOperator, CastKind, Expr, TrimWhereField, UnaryOperator};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use sqlparser::keywords::{Keyword, RESERVED_FOR_COLUMN_ALIAS};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::depth::BALANCED_ABOVE;
use crate::base::datatype::BaseType;

/// The dialect for one statement; it counts the work that parsing it takes.
#[derive(Debug)]
pub struct LakegateDialect {
    postgresql: PostgreSqlDialect,
    /// Expressions that may still be begun. sqlparser tries alternatives by backtracking, which a hostile
    /// text can make exponential.
    budget: Cell<usize>,
    time_travel: Cell<bool>,
    natural_joins: bool,
}

/// How often each token may be looked at as the start of an expression.
const ATTEMPTS_PER_TOKEN: usize = 32;
const ATTEMPTS_MIN: usize = 10_000;

impl LakegateDialect {
    pub fn for_tokens(tokens: &[TokenWithSpan]) -> Self {
        let budget = tokens.len().saturating_mul(ATTEMPTS_PER_TOKEN).saturating_add(ATTEMPTS_MIN);
        LakegateDialect {
            postgresql: PostgreSqlDialect {},
            budget: Cell::new(budget),
            time_travel: Cell::new(false),
            natural_joins: tokens.iter().any(|token| is_natural(&token.token)),
        }
    }

    /// Lets table names be followed by a time travel clause: the words of it are fine aliases elsewhere.
    pub fn allow_time_travel(&self, allowed: bool) {
        self.time_travel.set(allowed);
    }

    fn spend(&self) -> Result<(), ParserError> {
        let left = self.budget.get().checked_sub(1).ok_or(ParserError::RecursionLimitExceeded)?;
        self.budget.set(left);
        Ok(())
    }
}

fn is_natural(token: &Token) -> bool {
    matches!(token, Token::Word(word) if word.keyword == Keyword::NATURAL)
}

impl Dialect for LakegateDialect {
    /// sqlparser asks for this type where a behaviour has no method of its own.
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    fn identifier_quote_style(&self, _identifier: &str) -> Option<char> {
        Some('"')
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '"' || ch == '`'
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        self.postgresql.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        self.postgresql.is_identifier_part(ch)
    }

    /// `a JOIN b JOIN c ON … ON …` joins b and c first. sqlparser would take `a NATURAL JOIN b JOIN c ON …` for
    /// that too, where the first join is complete: a statement has the one or the other.
    fn supports_left_associative_joins_without_parens(&self) -> bool {
        self.natural_joins
    }

    fn supports_unicode_string_literal(&self) -> bool {
        true
    }

    fn supports_string_escape_constant(&self) -> bool {
        true
    }

    fn supports_numeric_literal_underscores(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_empty_projections(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn supports_notnull_operator(&self) -> bool {
        true
    }

    fn supports_interval_options(&self) -> bool {
        true
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        true
    }

    fn supports_comma_separated_trim(&self) -> bool {
        true
    }

    fn supports_struct_literal(&self) -> bool {
        true
    }

    fn supports_map_literal_with_angle_brackets(&self) -> bool {
        true
    }

    fn supports_long_type_as_bigint(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_rarrow_operator(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_assignment_operator(&self) -> bool {
        true
    }

    fn supports_window_clause_named_window_reference(&self) -> bool {
        true
    }

    fn supports_values_as_table_factor(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    fn supports_table_versioning(&self) -> bool {
        self.time_travel.get()
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn allow_extract_single_quotes(&self) -> bool {
        true
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        self.postgresql.prec_value(precedence)
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        // sqlparser gives the matching operators the rank of `=`; to PostgreSQL they are like any other.
        match parser.peek_token_ref().token {
            Token::Tilde
            | Token::TildeAsterisk
            | Token::ExclamationMarkTilde
            | Token::ExclamationMarkTildeAsterisk
            | Token::DoubleTilde
            | Token::DoubleTildeAsterisk
            | Token::ExclamationMarkDoubleTilde
            | Token::ExclamationMarkDoubleTildeAsterisk => {
                Some(Ok(self.prec_value(Precedence::PgOther)))
            }
            _ => self.postgresql.get_next_precedence(parser),
        }
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        self.postgresql.is_reserved_for_identifier(keyword)
    }

    /// `SELECT 1 ON CONFLICT …`: the two words are reserved in PostgreSQL.
    fn is_column_alias(&self, kw: &Keyword, _: &mut Parser<'_>) -> bool {
        !matches!(kw, Keyword::ON | Keyword::RETURNING) && !RESERVED_FOR_COLUMN_ALIAS.contains(kw)
    }

    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        if let Err(error) = self.spend() {
            return Some(Err(error));
        }
        if let Some(constant) = parse_typed_constant(parser) {
            return Some(constant);
        }
        let [first, second] = parser.peek_tokens_ref::<2>();
        let called = second.token == Token::LParen;
        let Token::Word(word) = &first.token else {
            return match &first.token {
                Token::LParen => parse_set_operation(parser),
                // `:name` is another dialect's parameter.
                Token::Colon => Some(parser.expected_ref("an expression", first)),
                token => {
                    let (operator, operand) = prefix_operator(token)?;
                    Some(self.parse_prefix_operator(parser, operator, operand))
                }
            };
        };
        let ident = word.to_ident(first.span);
        let follows_literal =
            matches!(second.token, Token::SingleQuotedString(_) | Token::Number(..) | Token::Minus);
        // sqlparser would take each of these a second time as a plain function when the first attempt
        // fails, which doubles the work at every level of nesting.
        let parse: fn(&mut Parser<'_>) -> Result<Expr, ParserError> = match word.keyword {
            Keyword::CASE => |p| p.parse_case_expr(),
            Keyword::NOT => |p| p.parse_not(),
            Keyword::CAST if called => |p| p.parse_cast_expr(sqlparser::ast::CastKind::Cast),
            Keyword::TRY_CAST if called => |p| p.parse_cast_expr(sqlparser::ast::CastKind::TryCast),
            Keyword::EXISTS if called => |p| p.parse_exists_expr(false),
            // `= ANY (VALUES (1))`
            Keyword::VALUES if called && parser.get_current_token().token == Token::LParen => {
                return Some(parser.parse_query().map(Expr::Subquery));
            }
            Keyword::EXTRACT if called => |p| p.parse_extract_expr(),
            Keyword::CEIL if called => |p| p.parse_ceil_floor_expr(true),
            Keyword::FLOOR if called => |p| p.parse_ceil_floor_expr(false),
            Keyword::OVERLAY if called => |p| p.parse_overlay_expr(),
            Keyword::TRIM if called => trim,
            Keyword::POSITION if called => {
                parser.advance_token();
                return Some(parser.parse_position_expr(ident));
            }
            // It reads its own name.
            Keyword::SUBSTRING | Keyword::SUBSTR if called => {
                return Some(parser.parse_substring());
            }
            Keyword::INTERVAL if follows_literal => |p| p.parse_interval(),
            // Without fields or values it is a name like any other.
            Keyword::STRUCT if !called && second.token != Token::Lt => {
                return Some(parser.parse_identifier().map(Expr::Identifier));
            }
            Keyword::INTERVAL if !called => {
                return Some(parser.parse_identifier().map(Expr::Identifier));
            }
            _ => return None,
        };
        parser.advance_token();
        Some(parse(parser))
    }

    /// Builds `a OR b OR c …` as a balanced tree: the meaning is the same, the depth logarithmic.
    fn parse_infix(
        &self,
        parser: &mut Parser<'_>,
        expr: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        if let Some(comparison) = self.parse_distinct_from(parser, expr, precedence) {
            return Some(comparison);
        }
        if let Some(between) = parse_between_symmetric(parser, expr) {
            return Some(between);
        }
        if let Some(contains) = parse_network_operator(parser, expr, precedence) {
            return Some(contains);
        }
        let (keyword, operator) = match &parser.peek_token_ref().token {
            Token::Word(word) if word.keyword == Keyword::AND => {
                (Keyword::AND, BinaryOperator::And)
            }
            Token::Word(word) if word.keyword == Keyword::OR => (Keyword::OR, BinaryOperator::Or),
            _ => return None,
        };
        let mut operands = vec![expr.clone()];
        while parser.parse_keyword(keyword) {
            match parser.parse_subexpr(precedence) {
                Ok(operand) => operands.push(operand),
                Err(error) => return Some(Err(error)),
            }
        }
        joined(operands, &operator).map(Ok)
    }
}

/// What binds an operand of unary plus and minus: more than `^` and COLLATE, less than a subscript or cast.
const SIGN_PRECEDENCE: u8 = 125;

/// An operator before its operand, and how tightly it binds that. sqlparser's own ranks differ from
/// PostgreSQL's: `-2 ^ 2` is 4 and `@ a + b` is `@ (a + b)`.
fn prefix_operator(token: &Token) -> Option<(UnaryOperator, u8)> {
    let other = PostgreSqlDialect {}.prec_value(Precedence::PgOther);
    match token {
        Token::Minus => Some((UnaryOperator::Minus, SIGN_PRECEDENCE)),
        Token::Plus => Some((UnaryOperator::Plus, SIGN_PRECEDENCE)),
        Token::AtSign => Some((UnaryOperator::PGAbs, other)),
        Token::PGSquareRoot => Some((UnaryOperator::PGSquareRoot, other)),
        Token::PGCubeRoot => Some((UnaryOperator::PGCubeRoot, other)),
        Token::Tilde => Some((UnaryOperator::BitwiseNot, other)),
        _ => None,
    }
}

impl LakegateDialect {
    fn parse_prefix_operator(
        &self,
        parser: &mut Parser<'_>,
        op: UnaryOperator,
        operand: u8,
    ) -> Result<Expr, ParserError> {
        parser.advance_token();
        let expr = Box::new(parser.parse_subexpr(operand)?);
        Ok(Expr::UnaryOp { op, expr })
    }

    /// `a IS [NOT] DISTINCT FROM b`, whose right side sqlparser reads too far: AND would belong to it.
    fn parse_distinct_from(
        &self,
        parser: &mut Parser<'_>,
        expr: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        let is = [Keyword::IS, Keyword::DISTINCT, Keyword::FROM];
        let is_not = [Keyword::IS, Keyword::NOT, Keyword::DISTINCT, Keyword::FROM];
        let negated = if parser.parse_keywords(&is) {
            false
        } else if parser.parse_keywords(&is_not) {
            true
        } else {
            return None;
        };
        let left = Box::new(expr.clone());
        Some(parser.parse_subexpr(precedence).map(|right| {
            let right = Box::new(right);
            if negated {
                Expr::IsNotDistinctFrom(left, right)
            } else {
                Expr::IsDistinctFrom(left, right)
            }
        }))
    }
}

/// `((SELECT 1) UNION SELECT 2)`, a subquery that sqlparser takes for an expression in parentheses.
fn parse_set_operation(parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
    // Looking ahead by distance would count the tokens from here each time.
    let current = parser.get_current_index();
    let is_next = std::ptr::eq(parser.token_at(current), parser.peek_token_ref());
    let start = if is_next { current } else { current + 1 };
    let token = |at: usize| &parser.token_at(start + at).token;
    let word = |at: usize| match token(at) {
        Token::Word(word) => word.keyword,
        _ => Keyword::NoKeyword,
    };
    if *token(1) != Token::LParen {
        return None;
    }
    let first = (2..).find(|at| *token(*at) != Token::LParen)?;
    if ![Keyword::SELECT, Keyword::WITH, Keyword::VALUES].contains(&word(first)) {
        return None;
    }
    let mut depth = 0_usize;
    let end = (1..).find(|at| {
        match token(*at) {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::EOF => depth = 0,
            _ => {}
        }
        depth == 0
    })?;
    let is_operation =
        matches!(word(end + 1), Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT);
    is_operation.then(|| {
        parser.expect_token(&Token::LParen)?;
        let query = parser.parse_query()?;
        parser.expect_token(&Token::RParen)?;
        Ok(Expr::Subquery(query))
    })
}

/// `inet '10.0.0.1'`: a constant of a type that sqlparser has no word for.
fn parse_typed_constant(parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
    const WORDS: [BaseType; 15] = [
        BaseType::Inet,
        BaseType::Cidr,
        BaseType::Macaddr,
        BaseType::Name,
        BaseType::Oid,
        BaseType::Xid,
        BaseType::Regproc,
        BaseType::Regprocedure,
        BaseType::Regoper,
        BaseType::Regoperator,
        BaseType::Regtype,
        BaseType::Regnamespace,
        BaseType::Regrole,
        BaseType::Regcollation,
        BaseType::PgLsn,
    ];
    let [first, second] = parser.peek_tokens_ref::<2>();
    let (Token::Word(word), Token::SingleQuotedString(_)) = (&first.token, &second.token) else {
        return None;
    };
    let name = word.value.to_ascii_lowercase();
    let is_type = word.quote_style.is_none() && WORDS.iter().any(|base| base.name() == name);
    is_type.then(|| {
        let data_type = parser.parse_data_type()?;
        Ok(Expr::Cast {
            kind: CastKind::DoubleColon,
            expr: Box::new(parser.parse_prefix()?),
            data_type,
            array: false,
            format: None,
        })
    })
}

/// `<<=` and `>>=`, which sqlparser reads as two operators.
fn parse_network_operator(
    parser: &mut Parser<'_>,
    left: &Expr,
    precedence: u8,
) -> Option<Result<Expr, ParserError>> {
    let [first, second] = parser.peek_tokens_ref::<2>();
    let name = match (&first.token, &second.token) {
        (Token::ShiftLeft, Token::Eq) => "<<=",
        (Token::ShiftRight, Token::Eq) => ">>=",
        _ => return None,
    };
    if first.span.end != second.span.start {
        return None;
    }
    parser.advance_token();
    parser.advance_token();
    let right = parser.parse_subexpr(precedence);
    Some(right.map(|right| Expr::BinaryOp {
        left: Box::new(left.clone()),
        op: BinaryOperator::Custom(name.to_owned()),
        right: Box::new(right),
    }))
}

/// `x [NOT] BETWEEN SYMMETRIC a AND b`: between them in either order. ASYMMETRIC is what it is without the word.
fn parse_between_symmetric(
    parser: &mut Parser<'_>,
    expr: &Expr,
) -> Option<Result<Expr, ParserError>> {
    let plain = [Keyword::BETWEEN, Keyword::ASYMMETRIC];
    let not_plain = [Keyword::NOT, Keyword::BETWEEN, Keyword::ASYMMETRIC];
    if parser.parse_keywords(&plain) {
        return Some(parser.parse_between(expr.clone(), false));
    }
    if parser.parse_keywords(&not_plain) {
        return Some(parser.parse_between(expr.clone(), true));
    }
    let negated = if parser.parse_keywords(&[Keyword::BETWEEN, Keyword::SYMMETRIC]) {
        false
    } else if parser.parse_keywords(&[Keyword::NOT, Keyword::BETWEEN, Keyword::SYMMETRIC]) {
        true
    } else {
        return None;
    };
    let between = match parser.parse_between(expr.clone(), false) {
        Ok(between) => between,
        Err(error) => return Some(Err(error)),
    };
    let mut reversed = between.clone();
    if let Expr::Between { low, high, .. } = &mut reversed {
        std::mem::swap(low, high);
    }
    let either = joined(vec![between, reversed], &BinaryOperator::Or)?;
    let either = Expr::Nested(Box::new(either));
    Some(Ok(match negated {
        true => Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(either) },
        false => either,
    }))
}

/// The operands joined: to the left as written, or balanced where there are many. `None` without operands.
pub fn joined(operands: Vec<Expr>, operator: &BinaryOperator) -> Option<Expr> {
    let join = |left: Expr, right: Expr| Expr::BinaryOp {
        left: Box::new(left),
        op: operator.clone(),
        right: Box::new(right),
    };
    if operands.len() <= BALANCED_ABOVE {
        return operands.into_iter().reduce(join);
    }
    let mut level = operands;
    while level.len() > 1 {
        let mut pairs = level.into_iter();
        let mut above = Vec::new();
        while let Some(left) = pairs.next() {
            above.push(match pairs.next() {
                Some(right) => join(left, right),
                None => left,
            });
        }
        level = above;
    }
    level.pop()
}

/// `trim([BOTH | LEADING | TRAILING] [[characters] FROM] text [, characters])`, where sqlparser wants characters
/// before FROM.
fn trim(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
    let first = parser.peek_nth_token(1);
    let side = match &first.token {
        Token::Word(word) => match word.keyword {
            Keyword::BOTH => Some(TrimWhereField::Both),
            Keyword::LEADING => Some(TrimWhereField::Leading),
            Keyword::TRAILING => Some(TrimWhereField::Trailing),
            _ => None,
        },
        _ => None,
    };
    let from = parser.peek_nth_token(if side.is_some() { 2 } else { 1 });
    if !matches!(&from.token, Token::Word(word) if word.keyword == Keyword::FROM) {
        return parser.parse_trim_expr();
    }
    parser.expect_token(&Token::LParen)?;
    if side.is_some() {
        parser.advance_token();
    }
    parser.expect_keyword(Keyword::FROM)?;
    let expr = Box::new(parser.parse_expr()?);
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Trim { expr, trim_where: side, trim_what: None, trim_characters: None })
}
