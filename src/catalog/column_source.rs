//! Where the values of columns come from, as the metastore keeps it: a word and a text. It never evaluates one.

use crate::base::Result;

use super::load::unreadable;
use super::securable::ColumnSource;

pub(super) fn source_kind(source: Option<&ColumnSource>) -> Option<&'static str> {
    source.map(|source| match source {
        ColumnSource::Default(_) => "default",
        ColumnSource::Generated(_) => "generated",
        ColumnSource::Identity { by_default: false, .. } => "identity always",
        ColumnSource::Identity { by_default: true, .. } => "identity by default",
    })
}

pub(super) fn source_text(source: Option<&ColumnSource>) -> Option<String> {
    source.map(|source| match source {
        ColumnSource::Default(sql) | ColumnSource::Generated(sql) => sql.clone(),
        ColumnSource::Identity { start, step, .. } => format!("[{start},{step}]"),
    })
}

/// What the word and the text say; XX001 for what no version up to this one writes.
pub(super) fn of(kind: Option<String>, text: Option<String>) -> Result<Option<ColumnSource>> {
    let (kind, text) = match (kind, text) {
        (Some(kind), Some(text)) => (kind, text),
        (None, None) => return Ok(None),
        (kind, _) => return Err(unreadable("source of a column", &kind.unwrap_or_default())),
    };
    let identity = |by_default| {
        let numbers = serde_json::from_str::<(i64, i64)>(&text);
        let (start, step) =
            numbers.map_err(|error| unreadable("source of a column", &text).caused_by(error))?;
        Ok(ColumnSource::Identity { start, step, by_default })
    };
    match kind.as_str() {
        "default" => Ok(Some(ColumnSource::Default(text))),
        "generated" => Ok(Some(ColumnSource::Generated(text))),
        "identity always" => identity(false).map(Some),
        "identity by default" => identity(true).map(Some),
        other => Err(unreadable("source of a column", other)),
    }
}
