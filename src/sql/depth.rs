//! How deep the syntax tree of a token stream can become, told before it is built: a tree that is too
//! deep could not even be dropped without overflowing the stack.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Chains of AND and OR with more operands than this are built as balanced trees by the dialect.
pub const BALANCED_ABOVE: usize = 16;

// How much more than an operator each of these weighs, by the stack that copying it takes.
const NODES_OF_GROUP: usize = 2;
const NODES_OF_SELECT: usize = 4;
const NODES_OF_SET_OPERATION: usize = 4;
/// The tree has joins side by side, but the plan made of it has one above the other.
const NODES_OF_JOIN: usize = 2;

/// The longest UNION ALL chain that is balanced: until then it is as deep as it is long, and a syntax error
/// drops it so.
const UNION_ALLS_MAX: usize = 5_000;

/// After `((SELECT` sqlparser tries both a subquery and a join, so each such level doubles its work.
const AMBIGUOUS_MAX: usize = 10;

/// A bracket, a CASE or the whole statement, with what deepens the tree inside it.
#[derive(Default)]
struct Group {
    is_case: bool,
    /// Operators in the current segment: each may stand above all others.
    operators: usize,
    /// The deepest group within the current segment.
    inner: usize,
    /// The deepest segment so far.
    deepest: usize,
    /// UNION, INTERSECT and EXCEPT chain to the left over all segments.
    set_operations: usize,
    /// Those that are UNION ALL: alone they are balanced by a rewrite.
    union_alls: usize,
    conjunctions: usize,
    /// Joins of the current SELECT, those that are written as commas too.
    joins: usize,
    /// The most joins of a SELECT so far.
    joins_most: usize,
    /// Whether a comma is a join: between FROM and what follows it.
    is_from: bool,
    has_select: bool,
    /// BETWEENs whose AND is still to come.
    betweens: usize,
}

impl Group {
    fn end_segment(&mut self) {
        self.deepest = self.deepest.max(self.operators + self.inner);
        self.operators = 0;
        self.inner = 0;
    }

    fn end_select(&mut self) {
        self.end_segment();
        self.joins_most = self.joins_most.max(self.joins);
        self.joins = 0;
        self.is_from = false;
    }

    fn depth(mut self) -> usize {
        self.end_select();
        let select = if self.has_select { NODES_OF_SELECT } else { 0 };
        let balanced = self.set_operations == self.union_alls && self.union_alls <= UNION_ALLS_MAX;
        let set_operations =
            if balanced { self.set_operations.min(BALANCED_ABOVE) } else { self.set_operations };
        NODES_OF_GROUP
            + select
            + self.deepest
            + set_operations * NODES_OF_SET_OPERATION
            + self.joins_most * NODES_OF_JOIN
            + self.conjunctions.min(BALANCED_ABOVE * 2)
    }
}

/// An upper bound for the depth of the tree.
pub fn of(tokens: &[TokenWithSpan]) -> usize {
    if ambiguous_nesting(tokens) > AMBIGUOUS_MAX {
        return usize::MAX;
    }
    let mut outer: Vec<Group> = Vec::new();
    let mut group = Group::default();
    let mut angles = 0usize;
    let mut angles_max = 0usize;
    let mut previous = Keyword::NoKeyword;
    for TokenWithSpan { token, .. } in tokens {
        let keyword = if let Token::Word(word) = token { word.keyword } else { Keyword::NoKeyword };
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                if matches!(token, Token::LBracket) {
                    group.operators += 1;
                }
                outer.push(std::mem::take(&mut group));
            }
            Token::RParen | Token::RBracket | Token::RBrace => close(&mut outer, &mut group),
            Token::Comma => {
                group.joins += usize::from(group.is_from);
                group.end_segment();
            }
            Token::Lt if matches!(previous, Keyword::ARRAY | Keyword::MAP | Keyword::STRUCT) => {
                angles += 1;
                angles_max = angles_max.max(angles);
                group.operators += 1;
            }
            Token::Gt | Token::ShiftRight => {
                angles = angles.saturating_sub(if matches!(token, Token::Gt) { 1 } else { 2 });
                group.operators += 1;
            }
            Token::Word(_) if keyword == Keyword::ALL && previous == Keyword::UNION => {
                group.union_alls += 1;
            }
            // IS DISTINCT FROM
            Token::Word(_) if keyword == Keyword::FROM && previous == Keyword::DISTINCT => {}
            Token::Word(_) => word(keyword, &mut outer, &mut group),
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Placeholder(_)
            | Token::Period => {}
            _ => group.operators += 1,
        }
        previous = keyword;
    }
    while !outer.is_empty() {
        close(&mut outer, &mut group);
    }
    // Each `array<` is parsed by a recursion of its own that no other limit sees.
    group.depth().max(angles_max.saturating_mul(4))
}

/// How deep brackets of the form `((SELECT …` stand inside one another.
fn ambiguous_nesting(tokens: &[TokenWithSpan]) -> usize {
    let is_open = |token: &TokenWithSpan| token.token == Token::LParen;
    let begins_query = |token: &TokenWithSpan| {
        matches!(&token.token, Token::Word(word)
            if matches!(word.keyword, Keyword::SELECT | Keyword::WITH | Keyword::VALUES))
    };
    // From the right: whether brackets and then a query follow each token.
    let mut before_query = vec![false; tokens.len()];
    for (n, pair) in tokens.windows(2).enumerate().rev() {
        let [_, next] = pair else { continue };
        let follows = begins_query(next) || is_open(next) && before_query.get(n + 1) == Some(&true);
        if let Some(before) = before_query.get_mut(n) {
            *before = follows;
        }
    }
    let mut open = Vec::new();
    let (mut nesting, mut deepest) = (0usize, 0usize);
    for (n, token) in tokens.iter().enumerate() {
        if is_open(token) {
            let doubled = tokens.get(n + 1).is_some_and(is_open);
            let ambiguous = doubled && before_query.get(n) == Some(&true);
            nesting += usize::from(ambiguous);
            deepest = deepest.max(nesting);
            open.push(ambiguous);
        } else if token.token == Token::RParen {
            nesting -= usize::from(open.pop() == Some(true));
        }
    }
    deepest
}

fn word(keyword: Keyword, outer: &mut Vec<Group>, group: &mut Group) {
    match keyword {
        Keyword::CASE => {
            group.operators += 1;
            outer.push(std::mem::take(group));
            group.is_case = true;
        }
        Keyword::END if group.is_case => close(outer, group),
        Keyword::BETWEEN => {
            group.betweens += 1;
            group.operators += 1;
        }
        Keyword::AND if group.betweens > 0 => group.betweens -= 1,
        Keyword::AND | Keyword::OR => {
            group.conjunctions += 1;
            group.end_segment();
        }
        Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT | Keyword::MINUS => {
            group.set_operations += 1;
            group.end_select();
        }
        Keyword::SELECT => {
            group.has_select = true;
            group.end_select();
        }
        Keyword::FROM => group.is_from = true,
        Keyword::JOIN => {
            group.joins += 1;
            group.end_segment();
        }
        Keyword::WHERE | Keyword::HAVING => {
            group.is_from = false;
            group.end_segment();
        }
        Keyword::GROUP | Keyword::ORDER | Keyword::WINDOW => group.is_from = false,
        Keyword::ON | Keyword::WHEN | Keyword::THEN | Keyword::ELSE => group.end_segment(),
        Keyword::IS
        | Keyword::NOT
        | Keyword::NOTNULL
        | Keyword::LIKE
        | Keyword::ILIKE
        | Keyword::RLIKE
        | Keyword::REGEXP
        | Keyword::SIMILAR
        | Keyword::IN
        | Keyword::COLLATE
        | Keyword::AT
        | Keyword::OPERATOR
        | Keyword::OVERLAPS
        | Keyword::XOR
        | Keyword::DIV
        | Keyword::MEMBER => group.operators += 1,
        _ => {}
    }
}

fn close(outer: &mut Vec<Group>, group: &mut Group) {
    let Some(parent) = outer.pop() else { return };
    let was_case = group.is_case;
    let depth = std::mem::replace(group, parent).depth();
    group.inner = group.inner.max(depth);
    // A bracket that closes over an unfinished CASE closes that too.
    if was_case && group.is_case {
        group.end_segment();
    }
}
