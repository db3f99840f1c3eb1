//! The table of settings: every name that SET and SHOW know, its type, default and effect on clients. It holds
//! no session's values; [`super::settings`] does.

use std::fmt::Display;

use crate::base::encoding::Encoding;
use crate::base::text_style::{DateStyle, IntervalStyle};
use crate::base::time_zone::TimeZone;
use crate::base::{Error, ErrorKind, Result};

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// As documented: `TimeZone`. Looked up without regard to case.
    pub name: &'static str,
    pub kind: Kind,
    pub default: &'static str,
    /// Whether clients are told of every change (ParameterStatus).
    pub reported: bool,
    pub description: &'static str,
}

/// What values a setting takes.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Bool,
    /// Whole numbers in a range.
    Integer(i64, i64),
    /// Numbers in a range.
    Real(f64, f64),
    /// Milliseconds, also written with a unit: `30s`, `5min`.
    Milliseconds,
    /// KiB, also written with a unit: `64MB`.
    Kibibytes,
    /// The same, where a number without a unit means blocks of 8 KiB.
    Blocks,
    Text,
    /// One of these words.
    Enum(&'static [&'static str]),
    /// A list of names, kept as one text.
    List,
    TimeZone,
    DateStyle,
    IntervalStyle,
    ClientEncoding,
    /// Told, not set.
    Fixed,
}

/// The greatest number that a setting takes, also of milliseconds (PostgreSQL's `INT_MAX`).
const INTEGER_MAX: i64 = i32::MAX as i64;

/// PostgreSQL's blocks, in KiB.
const BLOCK_KIBIBYTES: i64 = 8;

const ISOLATION_LEVELS: &[&str] =
    &["serializable", "repeatable read", "read committed", "read uncommitted"];

const MESSAGE_LEVELS: &[&str] =
    &["debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error"];

/// What is said of settings that tools set to steer PostgreSQL's planner.
const PLANNER: &str = "Steers PostgreSQL's planner; Lakegate's does without it.";

/// What is said of settings of the resources that PostgreSQL's processes use.
const MEMORY: &str = "Steers PostgreSQL's use of resources; the server's own limits hold.";

macro_rules! settings {
    ($($name:literal, $kind:expr, $default:literal, $reported:literal, $description:expr;)*) => {
        /// Every setting, by name.
        pub static SETTINGS: &[Setting] = &[$(Setting {
            name: $name,
            kind: $kind,
            default: $default,
            reported: $reported,
            description: $description,
        },)*];
    };
}

settings! {
    "application_name", Kind::Text, "", true, "Sets the application name to be reported in statistics and logs.";
    "array_nulls", Kind::Enum(&["on"]), "on", false, "Enables input of NULL elements in arrays.";
    "backslash_quote", Kind::Enum(&["safe_encoding"]), "safe_encoding", false, "Sets whether \"\\'\" is allowed in string literals.";
    "bytea_output", Kind::Enum(&["escape", "hex"]), "hex", false, "Sets the output format for bytea.";
    "check_function_bodies", Kind::Bool, "on", false, "Checks routine bodies during CREATE FUNCTION, which is not supported.";
    "client_encoding", Kind::ClientEncoding, "UTF8", true, "Sets the client's character set encoding.";
    "client_min_messages", Kind::Enum(MESSAGE_LEVELS), "notice", false, "Sets the message levels that are sent to the client.";
    "constraint_exclusion", Kind::Enum(&["partition", "on", "off"]), "partition", false, PLANNER;
    "cpu_index_tuple_cost", Kind::Real(0.0, f64::MAX), "0.005", false, PLANNER;
    "cpu_operator_cost", Kind::Real(0.0, f64::MAX), "0.0025", false, PLANNER;
    "cpu_tuple_cost", Kind::Real(0.0, f64::MAX), "0.01", false, PLANNER;
    "cursor_tuple_fraction", Kind::Real(0.0, 1.0), "0.1", false, PLANNER;
    "DateStyle", Kind::DateStyle, "ISO, MDY", true, "Sets the display format for date and time values.";
    "debug_parallel_query", Kind::Enum(&["off", "on", "regress"]), "off", false, PLANNER;
    "default_statistics_target", Kind::Integer(1, 10000), "100", false, PLANNER;
    "default_table_access_method", Kind::Enum(&["delta", "heap"]), "delta", false, "Sets the default table access method for new tables; all are Delta.";
    "default_tablespace", Kind::Enum(&["", "pg_default"]), "", false, "Sets the default tablespace; there is one.";
    "default_transaction_deferrable", Kind::Bool, "off", false, "Sets the default deferrable status of new transactions.";
    "default_transaction_isolation", Kind::Enum(ISOLATION_LEVELS), "read committed", false, "Sets the transaction isolation level of each new transaction.";
    "default_transaction_read_only", Kind::Bool, "off", true, "Sets the default read-only status of new transactions.";
    "effective_cache_size", Kind::Blocks, "4GB", false, PLANNER;
    "effective_io_concurrency", Kind::Integer(0, 1000), "1", false, MEMORY;
    "enable_async_append", Kind::Bool, "on", false, PLANNER;
    "enable_bitmapscan", Kind::Bool, "on", false, PLANNER;
    "enable_gathermerge", Kind::Bool, "on", false, PLANNER;
    "enable_hashagg", Kind::Bool, "on", false, PLANNER;
    "enable_hashjoin", Kind::Bool, "on", false, PLANNER;
    "enable_incremental_sort", Kind::Bool, "on", false, PLANNER;
    "enable_indexonlyscan", Kind::Bool, "on", false, PLANNER;
    "enable_indexscan", Kind::Bool, "on", false, PLANNER;
    "enable_material", Kind::Bool, "on", false, PLANNER;
    "enable_memoize", Kind::Bool, "on", false, PLANNER;
    "enable_mergejoin", Kind::Bool, "on", false, PLANNER;
    "enable_nestloop", Kind::Bool, "on", false, PLANNER;
    "enable_parallel_append", Kind::Bool, "on", false, PLANNER;
    "enable_parallel_hash", Kind::Bool, "on", false, PLANNER;
    "enable_partition_pruning", Kind::Bool, "on", false, PLANNER;
    "enable_partitionwise_aggregate", Kind::Bool, "off", false, PLANNER;
    "enable_partitionwise_join", Kind::Bool, "off", false, PLANNER;
    "enable_presorted_aggregate", Kind::Bool, "on", false, PLANNER;
    "enable_seqscan", Kind::Bool, "on", false, PLANNER;
    "enable_sort", Kind::Bool, "on", false, PLANNER;
    "enable_tidscan", Kind::Bool, "on", false, PLANNER;
    "escape_string_warning", Kind::Bool, "on", false, "Warn about backslash escapes in ordinary string literals.";
    "extra_float_digits", Kind::Integer(-15, 3), "1", false, "Sets the number of digits displayed for floating-point values.";
    "from_collapse_limit", Kind::Integer(1, INTEGER_MAX), "8", false, PLANNER;
    "geqo", Kind::Bool, "on", false, PLANNER;
    "geqo_effort", Kind::Integer(1, 10), "5", false, PLANNER;
    "geqo_generations", Kind::Integer(0, INTEGER_MAX), "0", false, PLANNER;
    "geqo_pool_size", Kind::Integer(0, INTEGER_MAX), "0", false, PLANNER;
    "geqo_seed", Kind::Real(0.0, 1.0), "0", false, PLANNER;
    "geqo_selection_bias", Kind::Real(1.5, 2.0), "2", false, PLANNER;
    "geqo_threshold", Kind::Integer(2, INTEGER_MAX), "12", false, PLANNER;
    "hash_mem_multiplier", Kind::Real(1.0, 1000.0), "2", false, MEMORY;
    "idle_in_transaction_session_timeout", Kind::Milliseconds, "0", false, "Sets the maximum allowed idle time between queries, when in a transaction.";
    "idle_session_timeout", Kind::Milliseconds, "0", false, "Sets the maximum allowed idle time between queries, when not in a transaction.";
    "in_hot_standby", Kind::Fixed, "off", true, "Shows whether hot standby is currently active.";
    "integer_datetimes", Kind::Fixed, "on", true, "Shows whether datetimes are integer based.";
    "IntervalStyle", Kind::IntervalStyle, "postgres", true, "Sets the display format for interval values.";
    "is_superuser", Kind::Fixed, "off", true, "Shows whether the current user is a superuser.";
    "jit", Kind::Bool, "off", false, "Allow JIT compilation; there is none.";
    "jit_above_cost", Kind::Real(-1.0, f64::MAX), "100000", false, PLANNER;
    "jit_inline_above_cost", Kind::Real(-1.0, f64::MAX), "500000", false, PLANNER;
    "jit_optimize_above_cost", Kind::Real(-1.0, f64::MAX), "500000", false, PLANNER;
    "join_collapse_limit", Kind::Integer(1, INTEGER_MAX), "8", false, PLANNER;
    "lakegate.vacuum_retention_check", Kind::Bool, "on", false, "Refuses VACUUM with a shorter RETAIN than the table's delta.deletedFileRetentionDuration.";
    "lc_collate", Kind::Fixed, "C", false, "Shows the collation order locale.";
    "lc_ctype", Kind::Fixed, "C.UTF-8", false, "Shows the character classification and case conversion locale.";
    "lc_messages", Kind::Enum(&["", "C", "C.UTF-8", "en_US.UTF-8"]), "C", false, "Sets the language in which messages are displayed; all are English.";
    "lc_monetary", Kind::Enum(&["C", "C.UTF-8"]), "C", false, "Sets the locale for formatting monetary amounts.";
    "lc_numeric", Kind::Enum(&["C", "C.UTF-8"]), "C", false, "Sets the locale for formatting numbers.";
    "lc_time", Kind::Enum(&["C", "C.UTF-8"]), "C", false, "Sets the locale for formatting date and time values.";
    "lock_timeout", Kind::Milliseconds, "0", false, "Sets the maximum allowed duration of any wait for an advisory lock; nothing waits for others.";
    "maintenance_work_mem", Kind::Kibibytes, "64MB", false, MEMORY;
    "max_identifier_length", Kind::Fixed, "63", false, "Shows the maximum identifier length.";
    "max_index_keys", Kind::Fixed, "32", false, "Shows the maximum number of index keys.";
    "max_parallel_maintenance_workers", Kind::Integer(0, 1024), "2", false, PLANNER;
    "max_parallel_workers", Kind::Integer(0, 1024), "8", false, PLANNER;
    "max_parallel_workers_per_gather", Kind::Integer(0, 1024), "2", false, PLANNER;
    "max_prepared_transactions", Kind::Fixed, "0", false, "Shows the maximum number of simultaneously prepared transactions.";
    "min_parallel_index_scan_size", Kind::Blocks, "512kB", false, PLANNER;
    "min_parallel_table_scan_size", Kind::Blocks, "8MB", false, PLANNER;
    "parallel_leader_participation", Kind::Bool, "on", false, PLANNER;
    "parallel_setup_cost", Kind::Real(0.0, f64::MAX), "1000", false, PLANNER;
    "parallel_tuple_cost", Kind::Real(0.0, f64::MAX), "0.1", false, PLANNER;
    "password_encryption", Kind::Enum(&["scram-sha-256"]), "scram-sha-256", false, "Chooses the algorithm for encrypting passwords.";
    "plan_cache_mode", Kind::Enum(&["auto", "force_generic_plan", "force_custom_plan"]), "auto", false, PLANNER;
    "quote_all_identifiers", Kind::Bool, "off", false, "When generating SQL fragments, quote all identifiers.";
    "random_page_cost", Kind::Real(0.0, f64::MAX), "4", false, PLANNER;
    "recursive_worktable_factor", Kind::Real(0.001, 1_000_000.0), "10", false, PLANNER;
    "row_security", Kind::Enum(&["on"]), "on", false, "Enable row security; it cannot be turned off.";
    "scram_iterations", Kind::Fixed, "4096", true, "Shows the iteration count for SCRAM secret generation.";
    "search_path", Kind::List, "\"$user\", public", true, "Sets the schema search order for names that are not schema-qualified.";
    "seq_page_cost", Kind::Real(0.0, f64::MAX), "1", false, PLANNER;
    "server_encoding", Kind::Fixed, "UTF8", true, "Shows the server (database) character set encoding.";
    "server_version", Kind::Fixed, "16.6", true, "Shows the server version.";
    "server_version_num", Kind::Fixed, "160006", false, "Shows the server version as an integer.";
    "session_authorization", Kind::Fixed, "", true, "Shows the current session user name.";
    "ssl", Kind::Fixed, "off", false, "Shows whether this connection is encrypted.";
    "ssl_renegotiation_limit", Kind::Integer(0, 0), "0", false, "SSL renegotiation is no longer supported; this can only be 0.";
    "standard_conforming_strings", Kind::Enum(&["on"]), "on", true, "Causes '...' strings to treat backslashes literally.";
    "statement_timeout", Kind::Milliseconds, "0", false, "Sets the maximum allowed duration of any statement.";
    "synchronous_commit", Kind::Enum(&["on", "remote_apply", "remote_write", "local"]), "on", false, "Sets the current transaction's synchronization level; every commit is durable.";
    "tcp_keepalives_count", Kind::Integer(0, INTEGER_MAX), "0", false, "Maximum number of TCP keepalive retransmits; the system's default holds.";
    "temp_buffers", Kind::Blocks, "8MB", false, MEMORY;
    "TimeZone", Kind::TimeZone, "UTC", true, "Sets the time zone for displaying and interpreting time stamps.";
    "transaction_deferrable", Kind::Bool, "off", false, "Whether to defer a read-only serializable transaction until it can be executed with no possible serialization failures.";
    "transaction_isolation", Kind::Enum(ISOLATION_LEVELS), "read committed", false, "Sets the current transaction's isolation level.";
    "transaction_read_only", Kind::Bool, "off", false, "Sets the current transaction's read-only status.";
    "transform_null_equals", Kind::Enum(&["off"]), "off", false, "Treats \"expr=NULL\" as \"expr IS NULL\".";
    "work_mem", Kind::Kibibytes, "4MB", false, "Sets the maximum memory to be used for query workspaces; the server's own limits hold.";
    "xmloption", Kind::Enum(&["content", "document"]), "content", false, "Sets whether XML data is to be considered as documents or content fragments.";
}

/// The setting of this name, without regard to case.
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name.eq_ignore_ascii_case(name))
}

impl Setting {
    /// The value in the form that SHOW gives it.
    ///
    /// # Errors
    /// 22023 for a value that the setting does not take, 55P02 for one that cannot be set.
    pub fn canonical(&self, value: &str, current: &str) -> Result<String> {
        let invalid = || {
            Error::new(
                ErrorKind::InvalidParameterValue,
                format!("invalid value for parameter \"{}\": \"{value}\"", self.name),
            )
        };
        match self.kind {
            Kind::Fixed => Err(Error::new(
                ErrorKind::CantChangeRuntimeParam,
                format!("parameter \"{}\" cannot be changed", self.name),
            )),
            Kind::Bool => match parse_bool(value) {
                Some(true) => Ok("on".to_owned()),
                Some(false) => Ok("off".to_owned()),
                None => Err(Error::new(
                    ErrorKind::InvalidParameterValue,
                    format!("parameter \"{}\" requires a Boolean value", self.name),
                )),
            },
            Kind::Integer(min, max) => match value.trim().parse::<i64>() {
                Ok(number) if (min..=max).contains(&number) => Ok(number.to_string()),
                Ok(number) => Err(self.outside(number, min, max)),
                Err(_) => Err(invalid()),
            },
            Kind::Real(min, max) => match value.trim().parse::<f64>() {
                Ok(number) if (min..=max).contains(&number) => Ok(number.to_string()),
                Ok(number) => Err(self.outside(number, min, max)),
                Err(_) => Err(invalid()),
            },
            Kind::Milliseconds => {
                let units = [
                    ("us", 0),
                    ("ms", 1),
                    ("s", 1000),
                    ("min", 60_000),
                    ("h", 3_600_000),
                    ("d", 86_400_000),
                ];
                let number = with_unit(value, &units).ok_or_else(invalid)?;
                match (0..=INTEGER_MAX).contains(&number) {
                    true => Ok(shown_milliseconds(number)),
                    false => Err(self.outside(number, 0, INTEGER_MAX)),
                }
            }
            Kind::Kibibytes => shown_kibibytes(value, 1).ok_or_else(invalid),
            Kind::Blocks => shown_kibibytes(value, BLOCK_KIBIBYTES).ok_or_else(invalid),
            Kind::Text | Kind::List => Ok(value.to_owned()),
            Kind::Enum(words) => words
                .iter()
                .find(|word| word.eq_ignore_ascii_case(value))
                .map(|word| (*word).to_owned())
                .ok_or_else(|| self.not_one_of(words, value)),
            Kind::TimeZone => {
                TimeZone::parse(value).map(|_| value.to_owned()).map_err(|_| invalid())
            }
            Kind::DateStyle => {
                let current = DateStyle::parse(
                    current,
                    crate::base::text_style::TextStyle::default().date_style,
                )?;
                Ok(DateStyle::parse(value, current)?.setting().to_owned())
            }
            Kind::IntervalStyle => IntervalStyle::parse(value).map(|_| value.to_ascii_lowercase()),
            Kind::ClientEncoding => {
                let encoding = Encoding::parse(value).map_err(|error| match error.kind() {
                    ErrorKind::InvalidParameterValue => invalid(),
                    _ => error,
                })?;
                Ok(encoding.name().to_owned())
            }
        }
    }

    /// `bool`, `integer`, `real`, `string` or `enum`, as `pg_settings.vartype`.
    pub fn vartype(&self) -> &'static str {
        match self.kind {
            Kind::Bool => "bool",
            Kind::Integer(_, _) | Kind::Milliseconds | Kind::Kibibytes | Kind::Blocks => "integer",
            Kind::Real(_, _) => "real",
            Kind::Enum(_) | Kind::IntervalStyle => "enum",
            Kind::Text
            | Kind::List
            | Kind::TimeZone
            | Kind::DateStyle
            | Kind::ClientEncoding
            | Kind::Fixed => "string",
        }
    }

    /// The words that an enumeration takes.
    pub fn choices(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Enum(words) => words,
            Kind::IntervalStyle => &["postgres", "postgres_verbose", "sql_standard", "iso_8601"],
            Kind::Bool
            | Kind::Integer(_, _)
            | Kind::Milliseconds
            | Kind::Kibibytes
            | Kind::Blocks
            | Kind::Real(_, _)
            | Kind::Text
            | Kind::List
            | Kind::TimeZone
            | Kind::DateStyle
            | Kind::ClientEncoding
            | Kind::Fixed => &[],
        }
    }

    fn outside<N: Display>(&self, number: N, min: N, max: N) -> Error {
        Error::new(
            ErrorKind::InvalidParameterValue,
            format!(
                "{number} is outside the valid range for parameter \"{}\" ({min} .. {max})",
                self.name
            ),
        )
    }

    fn not_one_of(&self, words: &[&str], value: &str) -> Error {
        // A single word stands for a behaviour of PostgreSQL that is the only one here.
        if let [only] = words {
            return Error::unsupported(format!("{} = {value}", self.name))
                .with_hint(format!("The only value is {only}."));
        }
        Error::new(
            ErrorKind::InvalidParameterValue,
            format!("invalid value for parameter \"{}\": \"{value}\"", self.name),
        )
        .with_hint(format!("Available values: {}.", words.join(", ")))
    }
}

/// PostgreSQL's words for true and false, and their beginnings where they are unique.
pub fn parse_bool(value: &str) -> Option<bool> {
    let value = value.trim().to_ascii_lowercase();
    let begins = |word: &str, least: usize| value.len() >= least && word.starts_with(&value);
    match value.as_str() {
        "1" => Some(true),
        "0" => Some(false),
        _ if begins("true", 1) || begins("yes", 1) || begins("on", 2) => Some(true),
        _ if begins("false", 1) || begins("no", 1) || begins("off", 2) => Some(false),
        _ => None,
    }
}

/// A number with an optional unit, in the base unit (the first whose size is 1).
fn with_unit(value: &str, units: &[(&str, i64)]) -> Option<i64> {
    let value = value.trim();
    let split = value.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(value.len());
    let (number, unit) = value.split_at(split);
    let number: f64 = number.trim().parse().ok()?;
    let size = match unit {
        "" => 1,
        unit => units.iter().find(|(name, _)| *name == unit)?.1,
    };
    // Microseconds have size 0: they are less than the base unit.
    let scaled = if size == 0 { number / 1000.0 } else { number * size as f64 };
    (scaled.is_finite() && scaled.abs() < i64::MAX as f64).then(|| scaled.round() as i64)
}

/// Milliseconds as SHOW gives them: in the largest unit without a rest.
fn shown_milliseconds(number: i64) -> String {
    let units = [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000)];
    match units.iter().find(|(_, size)| number != 0 && number % size == 0) {
        Some((name, size)) => format!("{}{name}", number / size),
        None if number == 0 => "0".to_owned(),
        None => format!("{number}ms"),
    }
}

/// Memory as SHOW gives it, in the largest unit without a rest; a number without a unit has one of so many KiB.
fn shown_kibibytes(value: &str, size: i64) -> Option<String> {
    let units = [("kB", 1), ("MB", 1 << 10), ("GB", 1 << 20), ("TB", 1 << 30)];
    let has_unit = value.trim().ends_with(|letter: char| letter.is_ascii_alphabetic());
    let number = with_unit(value, &units).filter(|number| *number >= 0)?;
    let number = if has_unit { number } else { number.checked_mul(size)? };
    let unit = units.iter().rev().find(|(_, size)| number > 0 && number % size == 0);
    Some(unit.map_or_else(|| number.to_string(), |(name, size)| format!("{}{name}", number / size)))
}

/// A timeout as milliseconds, from the form that SHOW gives it.
pub fn milliseconds(shown: &str) -> i64 {
    let units = [("ms", 1), ("s", 1000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    with_unit(shown, &units).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(name: &str, value: &str) -> Result<String> {
        let setting = find(name).unwrap();
        setting.canonical(value, setting.default)
    }

    #[test]
    fn values_take_the_form_that_show_gives() {
        let cases = [
            ("statement_timeout", "30s", "30s"),
            ("statement_timeout", "90000", "90s"),
            ("statement_timeout", "1500", "1500ms"),
            ("statement_timeout", "0", "0"),
            ("work_mem", "65536", "64MB"),
            ("effective_cache_size", "131072", "1GB"),
            ("effective_cache_size", "3 GB", "3GB"),
            ("random_page_cost", "1.10", "1.1"),
            ("jit", "tr", "on"),
            ("datestyle", "german", "German, DMY"),
            ("client_encoding", "utf-8", "UTF8"),
            ("default_transaction_isolation", "SERIALIZABLE", "serializable"),
        ];
        for (name, value, shown) in cases {
            assert_eq!(canonical(name, value).unwrap(), shown, "{name} = {value}");
        }
    }

    #[test]
    fn wrong_values_are_refused_with_their_state() {
        let cases = [
            ("extra_float_digits", "4", "22023"),
            ("server_version", "17", "55P02"),
            ("standard_conforming_strings", "off", "0A000"),
            ("client_encoding", "nothing", "22023"),
            ("client_encoding", "EUC_TW", "0A000"),
            ("jit", "maybe", "22023"),
            ("cursor_tuple_fraction", "1.5", "22023"),
            ("TimeZone", "Mars/Olympus", "22023"),
        ];
        for (name, value, state) in cases {
            assert_eq!(canonical(name, value).unwrap_err().sqlstate(), state, "{name} = {value}");
        }
    }

    #[test]
    fn every_default_is_a_value() {
        for setting in SETTINGS.iter().filter(|s| !matches!(s.kind, Kind::Fixed)) {
            let shown = setting.canonical(setting.default, setting.default);
            assert_eq!(shown.unwrap(), setting.default, "{}", setting.name);
        }
    }
}
