//! Options of foreign files: which there are for each format, what values they take, and the refusal of all
//! others by name. The names are Databricks', in any case of letters.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::csv::CsvOptions;
use super::pattern::TimePattern;
use crate::base::{Error, ErrorKind, Result};
use crate::storage::Glob;

/// What files are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Parquet,
    Csv,
    Json,
}

impl Format {
    /// The name in messages and in the metastore.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Parquet => "PARQUET",
            Format::Csv => "CSV",
            Format::Json => "JSON",
        }
    }

    /// 0A000 for a format that is not read.
    pub fn from_name(name: &str) -> Result<Self> {
        match name.to_ascii_lowercase().as_str() {
            "parquet" => Ok(Format::Parquet),
            "csv" => Ok(Format::Csv),
            "json" => Ok(Format::Json),
            other => Err(Error::unsupported(format!("files of the format \"{other}\""))
                .with_hint("The formats are PARQUET, CSV and JSON.")),
        }
    }

    /// The format that the ending of a name tells, compressed or not.
    fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let plain = [".gz", ".bz2", ".xz", ".zst"].iter().find_map(|end| name.strip_suffix(end));
        let name = plain.unwrap_or(&name);
        match name.rsplit_once('.')?.1 {
            "parquet" => Some(Format::Parquet),
            "csv" | "tsv" => Some(Format::Csv),
            "json" | "jsonl" | "ndjson" => Some(Format::Json),
            _ => None,
        }
    }
}

/// What becomes of records that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// What cannot be read is NULL.
    Permissive,
    DropMalformed,
    FailFast,
}

/// Which of the files in a place are read.
#[derive(Debug, Clone, Default)]
pub struct FileFilter {
    pub name: Option<Glob>,
    /// All folders below are looked into, and none of their names means a column.
    pub is_recursive: bool,
    pub modified_after: Option<DateTime<Utc>>,
    pub modified_before: Option<DateTime<Utc>>,
    /// The columns that names of folders hold; `None` where the names tell.
    pub partition_columns: Option<Vec<String>>,
}

/// How texts become values.
#[derive(Debug, Clone, Default)]
pub struct TextOptions {
    pub date: Option<TimePattern>,
    pub timestamp: Option<TimePattern>,
    pub timestamp_without_zone: Option<TimePattern>,
    /// The zone of timestamps that name none; the session's where it is not given.
    pub time_zone: Option<String>,
}

/// How files are read.
#[derive(Debug, Clone)]
pub struct FileOptions {
    pub format: Format,
    /// `name type, …`, as written.
    pub schema: Option<String>,
    pub schema_hints: Option<String>,
    /// The name of the column with what does not fit, where one is asked for.
    pub rescued: Option<String>,
    /// Whether columns without a declared type have more types than STRING.
    pub infers_types: bool,
    pub filter: FileFilter,
    pub mode: Mode,
    pub skips_corrupt_files: bool,
    pub skips_missing_files: bool,
    pub texts: TextOptions,
    pub csv: CsvOptions,
    /// A JSON file is one document, and not one in each line.
    pub is_whole_document: bool,
}

/// Options that are still to be understood.
struct Given<'a> {
    format: Format,
    values: BTreeMap<String, (&'a str, &'a str)>,
}

impl FileOptions {
    /// The options of files in a place: 42704 for one that the format does not have, 22023 for a value that
    /// one does not take.
    pub fn parse(
        options: &[(String, String)],
        format: Option<Format>,
        place: &str,
    ) -> Result<Self> {
        let mut values = BTreeMap::new();
        for (name, value) in options {
            let key = name.to_ascii_lowercase();
            if values.insert(key, (name.as_str(), value.as_str())).is_some() {
                let message = format!("option \"{name}\" is given twice");
                return Err(Error::new(ErrorKind::SyntaxError, message));
            }
        }
        let named = values.remove("format").map(|(_, name)| Format::from_name(name)).transpose()?;
        let format = format.or(named).or_else(|| Format::of_name(place)).ok_or_else(|| {
            Error::new(ErrorKind::InvalidParameterValue, "the format of the files is not known")
                .with_hint("Add the option format => 'csv', 'json' or 'parquet'.")
        })?;
        let mut given = Given { format, values };
        let options = given.options()?;
        match given.values.into_values().next() {
            None => Ok(options),
            Some((name, _)) => {
                let message = format!("option \"{name}\" of {} files is not known", format.name());
                Err(Error::new(ErrorKind::UndefinedObject, message)
                    .with_hint("Leave it out: no option is passed over."))
            }
        }
    }
}

impl Given<'_> {
    fn options(&mut self) -> Result<FileOptions> {
        let filter = self.filter()?;
        let is_text = self.format != Format::Parquet;
        let infers = match self.format {
            Format::Parquet => true,
            Format::Csv => self.switch("inferschema")?.unwrap_or(true),
            Format::Json => !self.switch("primitivesasstring")?.unwrap_or(false),
        };
        // The only way in which columns of a statement's files come about.
        self.only("schemaevolutionmode", &["none"])?;
        Ok(FileOptions {
            format: self.format,
            schema: self.text("schema"),
            schema_hints: self.text("schemahints"),
            rescued: self.text("rescueddatacolumn").filter(|name| !name.is_empty()),
            infers_types: self.switch("infercolumntypes")?.unwrap_or(infers),
            filter,
            mode: self.mode()?,
            skips_corrupt_files: self.switch("ignorecorruptfiles")?.unwrap_or(false),
            skips_missing_files: self.switch("ignoremissingfiles")?.unwrap_or(false),
            texts: if is_text { self.texts()? } else { TextOptions::default() },
            csv: match self.format {
                Format::Csv => self.csv()?,
                Format::Parquet | Format::Json => CsvOptions::default(),
            },
            is_whole_document: match self.format {
                Format::Json => self.switch("multiline")?.unwrap_or(false),
                Format::Parquet | Format::Csv => false,
            },
        })
    }

    fn filter(&mut self) -> Result<FileFilter> {
        let name = self.text("pathglobfilter").or_else(|| self.text("filenamepattern"));
        let columns = self.text("partitioncolumns").map(|names| {
            let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        });
        Ok(FileFilter {
            name: name.map(|pattern| Glob::parse(&pattern)).transpose()?,
            is_recursive: self.switch("recursivefilelookup")?.unwrap_or(false),
            modified_after: self.moment("modifiedafter")?,
            modified_before: self.moment("modifiedbefore")?,
            partition_columns: columns,
        })
    }

    fn texts(&mut self) -> Result<TextOptions> {
        let mut pattern = |name| self.text(name).map(|text| TimePattern::parse(&text)).transpose();
        let (date, timestamp) = (pattern("dateformat")?, pattern("timestampformat")?);
        let timestamp_without_zone = pattern("timestampntzformat")?;
        let encoding = self.text("encoding").or_else(|| self.text("charset"));
        if let Some(encoding) = encoding
            && !["utf-8", "utf8"].contains(&encoding.to_ascii_lowercase().as_str())
        {
            return Err(Error::unsupported(format!("files in the encoding {encoding}"))
                .with_hint("Convert the files to UTF-8."));
        }
        let time_zone = self.text("timezone");
        Ok(TextOptions { date, timestamp, timestamp_without_zone, time_zone })
    }

    fn csv(&mut self) -> Result<CsvOptions> {
        let default = CsvOptions::default();
        let delimiter = self.text("sep").or_else(|| self.text("delimiter"));
        let delimiter = match delimiter.as_deref() {
            None => default.delimiter,
            Some("\\t") => b"\t".to_vec(),
            Some("") => return Err(invalid("delimiter", "", "one character or several")),
            Some(text) => text.as_bytes().to_vec(),
        };
        let empty = self.text("emptyvalue");
        let skipped = match self.text("skiprows") {
            None => 0,
            Some(text) => {
                text.parse().map_err(|_| invalid("skipRows", &text, "a number of lines"))?
            }
        };
        Ok(CsvOptions {
            has_header: self.switch("header")?.unwrap_or(false),
            delimiter,
            quote: self.letter("quote", default.quote)?,
            escape: self.letter("escape", default.escape)?,
            comment: self.letter("comment", None)?,
            is_multi_line: self.switch("multiline")?.unwrap_or(false),
            trims_start: self.switch("ignoreleadingwhitespace")?.unwrap_or(false),
            trims_end: self.switch("ignoretrailingwhitespace")?.unwrap_or(false),
            null: self.text("nullvalue").unwrap_or_default(),
            empty: empty.unwrap_or_default(),
            skipped_lines: skipped,
        })
    }

    fn mode(&mut self) -> Result<Mode> {
        let Some(text) = self.text("mode") else { return Ok(Mode::Permissive) };
        match text.to_ascii_uppercase().as_str() {
            "PERMISSIVE" => Ok(Mode::Permissive),
            "DROPMALFORMED" => Ok(Mode::DropMalformed),
            "FAILFAST" => Ok(Mode::FailFast),
            _ => Err(invalid("mode", &text, "PERMISSIVE, DROPMALFORMED or FAILFAST")),
        }
    }

    /// An option that may be given, and has one meaning here.
    fn only(&mut self, name: &str, taken: &[&str]) -> Result<()> {
        match self.values.remove(name) {
            Some((written, value)) if !taken.contains(&value.to_ascii_lowercase().as_str()) => {
                Err(Error::unsupported(format!("option \"{written}\" with the value \"{value}\"")))
            }
            _ => Ok(()),
        }
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.values.remove(name).map(|(_, value)| value.to_owned())
    }

    fn switch(&mut self, name: &str) -> Result<Option<bool>> {
        let Some((written, value)) = self.values.remove(name) else { return Ok(None) };
        switch_value(written, value).map(Some)
    }

    /// One ASCII character; none for an empty text.
    fn letter(&mut self, name: &str, default: Option<u8>) -> Result<Option<u8>> {
        let Some((written, value)) = self.values.remove(name) else { return Ok(default) };
        match value.as_bytes() {
            [] => Ok(None),
            [letter] if letter.is_ascii() => Ok(Some(*letter)),
            _ => Err(invalid(written, value, "one ASCII character")),
        }
    }

    fn moment(&mut self, name: &str) -> Result<Option<DateTime<Utc>>> {
        let Some((written, value)) = self.values.remove(name) else { return Ok(None) };
        let moment = DateTime::parse_from_rfc3339(value).map(|moment| moment.to_utc());
        let naive = || {
            let format = "%Y-%m-%dT%H:%M:%S";
            chrono::NaiveDateTime::parse_from_str(value, format).map(|naive| naive.and_utc())
        };
        match moment.or_else(|_| naive()) {
            Ok(moment) => Ok(Some(moment)),
            Err(_) => Err(invalid(written, value, "a timestamp such as 2024-01-31T00:00:00Z")),
        }
    }
}

/// `true` or `false`.
pub fn switch_value(name: &str, value: &str) -> Result<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid(name, value, "true or false")),
    }
}

fn invalid(name: &str, value: &str, wanted: &str) -> Error {
    let message = format!("invalid value \"{value}\" of option \"{name}\"");
    Error::new(ErrorKind::InvalidParameterValue, message)
        .with_detail(format!("It must be {wanted}."))
}
