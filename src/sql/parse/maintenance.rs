//! OPTIMIZE, REORG, VACUUM and RESTORE, which are Databricks'; VACUUM in PostgreSQL's spelling too, and ANALYZE
//! in both.

use sqlparser::tokenizer::Token;

use crate::base::name::ObjectName;
use crate::base::{Error, Result};
use crate::sql::cursor::Cursor;
use crate::sql::maintenance::{
    AnalyzeStatement, AnalyzedTable, MaintenanceAction, MaintenanceStatement, VacuumClauses,
};
use crate::sql::statement::{Expression, Statement, TimeTravelClause};

/// `OPTIMIZE table [FULL] [WHERE predicate] [ZORDER BY (columns)]`
pub fn optimize(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("optimize")?;
    c.take("table");
    let table = c.object_name()?;
    let full = c.take("full");
    let predicate = predicate(c)?;
    let mut zorder = Vec::new();
    if c.take_all(&["zorder", "by"]) {
        zorder = match c.peek() {
            Token::LParen => c.parenthesized(|c| c.list(Cursor::column_name))?,
            _ => c.list(Cursor::column_name)?,
        };
    }
    let action = MaintenanceAction::Optimize { full, predicate, zorder, purge: false };
    Ok(statement(table, action))
}

/// `REORG TABLE table [WHERE predicate] APPLY (PURGE)`
pub fn reorg(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect_all(&["reorg", "table"])?;
    let table = c.object_name()?;
    let predicate = predicate(c)?;
    c.expect("apply")?;
    c.expect_token(&Token::LParen)?;
    if c.is("upgrade") {
        return Err(c.unsupported("REORG … APPLY (UPGRADE)"));
    }
    c.expect("purge")?;
    c.expect_token(&Token::RParen)?;
    let zorder = Vec::new();
    let action = MaintenanceAction::Optimize { full: false, predicate, zorder, purge: true };
    Ok(statement(table, action))
}

fn predicate(c: &mut Cursor<'_>) -> Result<Option<Box<Expression>>> {
    match c.take("where") {
        true => c.expression().map(Box::new).map(Some),
        false => Ok(None),
    }
}

/// `VACUUM table [FULL | LITE] [RETAIN n HOURS] [DRY RUN]`, and `VACUUM [FULL] [VERBOSE] [ANALYZE] [table]`.
/// Statistics are in the log at every commit, so ANALYZE finds nothing to do.
pub fn vacuum(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("vacuum")?;
    if *c.peek() == Token::LParen {
        c.parenthesized(|c| c.list(option))?;
    } else {
        while !matches!(c.peek_nth(1), Token::Period)
            && c.take_any(&["full", "freeze", "verbose", "analyze", "analyse"]).is_some()
        {}
    }
    if c.at_end() {
        return Ok(Statement::VacuumAll);
    }
    c.take("table");
    let table = c.object_name()?;
    let mut clauses = VacuumClauses::default();
    loop {
        if c.take("full") {
            clauses.lite = false;
        } else if c.take("lite") {
            clauses.lite = true;
        } else if c.take("retain") {
            let position = c.position();
            let hours = c.unsigned()?;
            clauses.retain_hours = Some(
                hours
                    .try_into()
                    .map_err(|_| Error::unsupported("RETAIN of so many hours").at(position))?,
            );
            c.expect("hours")?;
        } else if c.take_all(&["dry", "run"]) {
            clauses.dry_run = true;
        } else if *c.peek() == Token::LParen {
            return Err(c.unsupported("VACUUM with columns").with_hint("Leave the columns out."));
        } else if *c.peek() == Token::Comma {
            return Err(c
                .unsupported("VACUUM of several tables")
                .with_hint("Vacuum them one at a time."));
        } else {
            return Ok(statement(table, MaintenanceAction::Vacuum(clauses)));
        }
    }
}

/// `ANALYZE [VERBOSE] [table [(columns)], …]`, and Databricks' `ANALYZE TABLE table COMPUTE STATISTICS …`
pub fn analyze(c: &mut Cursor<'_>) -> Result<Statement> {
    c.advance();
    if *c.peek() == Token::LParen {
        c.parenthesized(|c| c.list(option))?;
    }
    c.take("verbose");
    let mut tables = Vec::new();
    if c.take("table") {
        let name = c.object_name()?;
        c.expect("compute")?;
        c.take("delta");
        c.expect("statistics")?;
        c.take("noscan");
        let mut columns = Vec::new();
        if c.take("for") && !c.take_all(&["all", "columns"]) {
            c.expect("columns")?;
            columns = c.list(Cursor::column_name)?;
        }
        tables.push(AnalyzedTable { name, columns });
    } else if !c.at_end() {
        tables = c.list(|c| {
            let name = c.object_name()?;
            let columns = match c.peek() {
                Token::LParen => c.column_names()?,
                _ => Vec::new(),
            };
            Ok(AnalyzedTable { name, columns })
        })?;
    }
    Ok(Statement::Analyze(AnalyzeStatement { tables }))
}

/// An option of PostgreSQL's that asks for nothing else here.
fn option(c: &mut Cursor<'_>) -> Result<()> {
    if c.take_any(&["full", "freeze", "verbose", "analyze", "analyse"]).is_none() {
        return Err(c.unsupported("this option of VACUUM"));
    }
    c.take_any(&["true", "on"]);
    Ok(())
}

/// `RESTORE [TABLE] table TO VERSION AS OF n`, or `TIMESTAMP AS OF expression`
pub fn restore(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("restore")?;
    c.take("table");
    let table = c.object_name()?;
    c.expect("to")?;
    let to = time_travel(c)?;
    let to = to.ok_or_else(|| c.syntax_error())?;
    Ok(statement(table, MaintenanceAction::Restore(to)))
}

/// `VERSION AS OF n`, or `TIMESTAMP AS OF expression`, where one stands next.
pub fn time_travel(c: &mut Cursor<'_>) -> Result<Option<TimeTravelClause>> {
    if c.take_all(&["version", "as", "of"]) {
        return c.unsigned().map(TimeTravelClause::Version).map(Some);
    }
    if !c.take_all(&["timestamp", "as", "of"]) {
        return Ok(None);
    }
    let position = c.position();
    let at = c.expression()?;
    if !at.relations.is_empty() {
        return Err(Error::unsupported("a subquery in TIMESTAMP AS OF").at(position));
    }
    Ok(Some(TimeTravelClause::Timestamp(Box::new(at.ast))))
}

fn statement(table: ObjectName, action: MaintenanceAction) -> Statement {
    Statement::Maintenance(Box::new(MaintenanceStatement { table, action }))
}
