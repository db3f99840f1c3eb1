//! CONVERT TO DELTA, which is Databricks'.

use sqlparser::tokenizer::Token;

use super::table::column;
use crate::base::Result;
use crate::sql::cursor::Cursor;
use crate::sql::files::{ConvertToDelta, Converted};
use crate::sql::statement::Statement;

/// ``CONVERT TO DELTA {table | parquet.`place`} [NO STATISTICS] [PARTITIONED BY (column type, …)]``
pub fn convert(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect_all(&["convert", "to", "delta"])?;
    let is_place = c.is("parquet")
        && *c.peek_nth(1) == Token::Period
        && matches!(c.peek_nth(2), Token::Word(word) if word.quote_style.is_some());
    let what = if is_place {
        c.advance();
        c.expect_token(&Token::Period)?;
        Converted::Place(c.raw_label()?)
    } else {
        Converted::Table(c.object_name()?)
    };
    let mut convert = ConvertToDelta { what, statistics: true, partitioned_by: Vec::new() };
    while !c.at_end() {
        if c.take_all(&["no", "statistics"]) {
            convert.statistics = false;
        } else {
            c.expect_all(&["partitioned", "by"])?;
            convert.partitioned_by = c.parenthesized(|c| c.list(|c| column(c, &mut Vec::new())))?;
        }
    }
    Ok(Statement::ConvertToDelta(Box::new(convert)))
}
