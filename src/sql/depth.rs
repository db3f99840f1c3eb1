//! How deep the syntax tree of a token stream can become, told before it is built: a tree that is too
//! deep could not even be dropped without overflowing the stack.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Chains of AND and OR with more operands than this are built as balanced trees by the dialect.
pub const BALANCED_ABOVE: usize = 16;

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
    conjunctions: usize,
    /// BETWEENs whose AND is still to come.
    betweens: usize,
}

impl Group {
    fn end_segment(&mut self) {
        self.deepest = self.deepest.max(self.operators + self.inner);
        self.operators = 0;
        self.inner = 0;
    }

    fn depth(mut self) -> usize {
        self.end_segment();
        1 + self.deepest + self.set_operations + self.conjunctions.min(BALANCED_ABOVE * 2)
    }
}

/// An upper bound for the depth of the tree.
pub fn of(tokens: &[TokenWithSpan]) -> usize {
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
            Token::Comma => group.end_segment(),
            Token::Lt if matches!(previous, Keyword::ARRAY | Keyword::MAP | Keyword::STRUCT) => {
                angles += 1;
                angles_max = angles_max.max(angles);
                group.operators += 1;
            }
            Token::Gt | Token::ShiftRight => {
                angles = angles.saturating_sub(if matches!(token, Token::Gt) { 1 } else { 2 });
                group.operators += 1;
            }
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
    group.depth().max(angles_max.saturating_mul(8))
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
            group.end_segment();
        }
        Keyword::SELECT
        | Keyword::WHERE
        | Keyword::HAVING
        | Keyword::ON
        | Keyword::JOIN
        | Keyword::WHEN
        | Keyword::THEN
        | Keyword::ELSE => group.end_segment(),
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
