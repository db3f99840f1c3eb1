//! The options of a COPY statement, PostgreSQL 16's defaults for them and its objections to combinations. It
//! reads no SQL.

use crate::base::encoding::Encoding;
use crate::base::{Error, ErrorKind, Result};

/// The format of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyFormat {
    Text,
    Csv,
    Binary,
}

/// What the first line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// A row like the others.
    None,
    /// The names of the columns: written, and skipped when read.
    Write,
    /// The names of the columns: they must be the table's.
    Match,
}

/// The columns whose values are quoted in CSV even where they need not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForceColumns {
    None,
    All,
    Columns(Vec<String>),
}

/// Whether rows come or go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyDirection {
    From,
    To,
}

/// The options of one COPY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyOptions {
    pub format: CopyFormat,
    pub delimiter: u8,
    /// The text that stands for null.
    pub null: String,
    pub header: Header,
    pub quote: u8,
    pub escape: u8,
    pub force_quote: ForceColumns,
    /// Columns whose values are never null, even if they look like it.
    pub force_not_null: Vec<String>,
    /// Columns whose quoted values are null if they look like it.
    pub force_null: Vec<String>,
    /// The text that stands for a column's default.
    pub default: Option<String>,
    /// The character set of the data, where it is not the client's.
    pub encoding: Option<Encoding>,
}

impl Default for CopyOptions {
    fn default() -> Self {
        CopyOptions::new(CopyFormat::Text)
    }
}

impl CopyOptions {
    /// The defaults of a format.
    pub fn new(format: CopyFormat) -> CopyOptions {
        let (delimiter, null) = match format {
            CopyFormat::Csv => (b',', ""),
            CopyFormat::Text | CopyFormat::Binary => (b'\t', "\\N"),
        };
        CopyOptions {
            format,
            delimiter,
            null: null.to_owned(),
            header: Header::None,
            quote: b'"',
            escape: b'"',
            force_quote: ForceColumns::None,
            force_not_null: Vec::new(),
            force_null: Vec::new(),
            default: None,
            encoding: None,
        }
    }

    /// PostgreSQL's objections to the options, for a COPY of the given columns.
    pub fn validate(&self, direction: CopyDirection, columns: &[&str]) -> Result<()> {
        match self.format {
            CopyFormat::Binary => self.validate_binary()?,
            CopyFormat::Text => self.validate_text()?,
            CopyFormat::Csv => self.validate_csv()?,
        }
        self.validate_null()?;
        self.validate_direction(direction)?;
        if self.default.is_some() {
            return Err(Error::unsupported("COPY with the option DEFAULT")
                .with_hint("Leave the column out of the column list to get its default."));
        }
        let quoted: &[String] = match &self.force_quote {
            ForceColumns::Columns(names) => names,
            ForceColumns::None | ForceColumns::All => &[],
        };
        for (option, names) in [
            ("FORCE_QUOTE", quoted),
            ("FORCE_NOT_NULL", self.force_not_null.as_slice()),
            ("FORCE_NULL", self.force_null.as_slice()),
        ] {
            if let Some(name) = names.iter().find(|name| !columns.contains(&name.as_str())) {
                return Err(Error::new(
                    ErrorKind::InvalidColumnReference,
                    format!("{option} column \"{name}\" not referenced by COPY"),
                ));
            }
        }
        Ok(())
    }

    fn validate_binary(&self) -> Result<()> {
        let defaults = CopyOptions::new(CopyFormat::Binary);
        if self.delimiter != defaults.delimiter {
            return Err(syntax("cannot specify DELIMITER in BINARY mode"));
        }
        if self.null != defaults.null {
            return Err(syntax("cannot specify NULL in BINARY mode"));
        }
        if self.header != Header::None {
            return Err(refused("cannot specify HEADER in BINARY mode"));
        }
        self.validate_csv_only()
    }

    fn validate_text(&self) -> Result<()> {
        self.validate_csv_only()?;
        if matches!(self.delimiter, b'\\' | b'.' | b'a'..=b'z' | b'0'..=b'9') {
            let delimiter = char::from(self.delimiter);
            return Err(invalid(format!("COPY delimiter cannot be \"{delimiter}\"")));
        }
        Ok(())
    }

    fn validate_csv(&self) -> Result<()> {
        if self.delimiter == self.quote {
            return Err(invalid("COPY delimiter and quote must be different"));
        }
        if self.null.bytes().any(|byte| byte == self.quote) {
            return Err(invalid("CSV quote character must not appear in the NULL specification"));
        }
        Ok(())
    }

    /// Options that only CSV has.
    fn validate_csv_only(&self) -> Result<()> {
        let only = |option| Err(refused(format!("COPY {option} available only in CSV mode")));
        if self.quote != b'"' {
            return only("quote");
        }
        if self.escape != b'"' {
            return only("escape");
        }
        if self.force_quote != ForceColumns::None {
            return only("force quote");
        }
        if !self.force_not_null.is_empty() {
            return only("force not null");
        }
        if !self.force_null.is_empty() {
            return only("force null");
        }
        Ok(())
    }

    fn validate_null(&self) -> Result<()> {
        if matches!(self.delimiter, b'\n' | b'\r') {
            return Err(invalid("COPY delimiter cannot be newline or carriage return"));
        }
        if self.null.bytes().any(|byte| matches!(byte, b'\n' | b'\r')) {
            return Err(invalid("COPY null representation cannot use newline or carriage return"));
        }
        if self.null.bytes().any(|byte| byte == self.delimiter) {
            return Err(invalid("COPY delimiter must not appear in the NULL specification"));
        }
        Ok(())
    }

    fn validate_direction(&self, direction: CopyDirection) -> Result<()> {
        match direction {
            CopyDirection::From if self.force_quote != ForceColumns::None => {
                Err(refused("COPY force quote only available using COPY TO"))
            }
            CopyDirection::To if !self.force_not_null.is_empty() => {
                Err(refused("COPY force not null only available using COPY FROM"))
            }
            CopyDirection::To if !self.force_null.is_empty() => {
                Err(refused("COPY force null only available using COPY FROM"))
            }
            CopyDirection::To if self.header == Header::Match => {
                Err(syntax("cannot use \"match\" with HEADER in COPY TO"))
            }
            CopyDirection::From | CopyDirection::To => Ok(()),
        }
    }
}

/// The one byte of `delimiter`, `quote` or `escape`.
pub fn one_byte(option: &str, text: &str) -> Result<u8> {
    match text.as_bytes() {
        [byte] => Ok(*byte),
        _ => Err(refused(format!("COPY {option} must be a single one-byte character"))),
    }
}

fn syntax(message: &str) -> Error {
    Error::new(ErrorKind::SyntaxError, message)
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::FeatureNotSupported, message)
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidParameterValue, message)
}
