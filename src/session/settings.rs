//! One session's values of the settings: set, reset, local to a transaction, and undone by its rollback.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::base::text_style::TextStyle;
use crate::base::{Error, ErrorKind, Result};
use crate::engine::facts::{Setting as SettingFact, Settings as Values};

use super::setting::{Kind, SETTINGS, find, milliseconds};

/// The defaults, which every session begins with.
static DEFAULTS: LazyLock<Arc<Values>> = LazyLock::new(|| {
    let defaults = SETTINGS.iter().map(|setting| {
        let fact = SettingFact {
            name: setting.name.to_owned(),
            value: setting.default.to_owned(),
            default: setting.default.to_owned(),
            description: setting.description,
            kind: setting.vartype(),
            choices: setting.choices(),
            source: "default",
        };
        (setting.name.to_ascii_lowercase().into(), Arc::new(fact))
    });
    Arc::new(defaults.collect())
});

/// The values at a savepoint.
#[derive(Debug, Clone)]
pub struct SettingsMark {
    values: Arc<Values>,
    before_local: BTreeMap<Arc<str>, Option<Arc<SettingFact>>>,
}

/// The values, by lower-case name. A name with a dot in it is the client's own.
#[derive(Debug, Clone)]
pub struct Settings {
    values: Arc<Values>,
    /// What RESET goes back to where it is not the default: what the client asked for at the start.
    reset: BTreeMap<String, String>,
    /// Values from before the transaction.
    before_transaction: Option<Arc<Values>>,
    /// Values that come back when the transaction commits, by name; `None` where there was none.
    before_local: BTreeMap<Arc<str>, Option<Arc<SettingFact>>>,
    /// Reported settings that were set since the client was told, with what it was told.
    untold: BTreeMap<String, String>,
}

impl Settings {
    /// The defaults.
    pub fn new() -> Self {
        Settings {
            values: Arc::clone(&DEFAULTS),
            reset: BTreeMap::new(),
            before_transaction: None,
            before_local: BTreeMap::new(),
            untold: BTreeMap::new(),
        }
    }

    /// A value that the server tells, such as `session_authorization`.
    pub fn fix(&mut self, name: &str, value: &str) {
        let values = Arc::make_mut(&mut self.values);
        if let Some(fact) = values.get_mut(name.to_ascii_lowercase().as_str()) {
            value.clone_into(&mut Arc::make_mut(fact).value);
            self.reset.insert(name.to_ascii_lowercase(), value.to_owned());
        }
    }

    /// A value from the startup packet: what RESET goes back to.
    pub fn start_with(&mut self, name: &str, value: &str) -> Result<()> {
        self.assign(name, value, "client")?;
        if let Some(fact) = self.values.get(name.to_ascii_lowercase().as_str()) {
            self.reset.insert(name.to_ascii_lowercase(), fact.value.clone());
        }
        self.untold.clear();
        Ok(())
    }

    /// `SET name = value`.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        self.assign(name, value, "session")?;
        self.before_local.remove(name.to_ascii_lowercase().as_str());
        self.follow_defaults();
        Ok(())
    }

    /// Outside of a transaction block, a transaction is one statement, and is as the defaults say.
    fn follow_defaults(&mut self) {
        if self.before_transaction.is_some() {
            return;
        }
        for mode in ["transaction_isolation", "transaction_read_only", "transaction_deferrable"] {
            let default = self.value(&format!("default_{mode}")).to_owned();
            if self.value(mode) != default
                && let Some(fact) = Arc::make_mut(&mut self.values).get_mut(mode)
            {
                Arc::make_mut(fact).value = default;
            }
        }
    }

    /// `SET LOCAL name = value`: until the transaction ends.
    pub fn set_local(&mut self, name: &str, value: &str) -> Result<()> {
        let key = name.to_ascii_lowercase();
        let before = self.values.get(key.as_str()).cloned();
        self.assign(name, value, "session")?;
        self.before_local.entry(key.into()).or_insert(before);
        Ok(())
    }

    /// `SET name = DEFAULT`, `RESET name`.
    pub fn reset(&mut self, name: &str) -> Result<()> {
        let key = name.to_ascii_lowercase();
        let default = || DEFAULTS.get(key.as_str()).map(|fact| fact.value.clone());
        match self.reset.get(&key).cloned().or_else(default) {
            Some(value) if find(name).is_none_or(|s| !matches!(s.kind, Kind::Fixed)) => {
                self.assign(name, &value, "default")?;
                self.follow_defaults();
                Ok(())
            }
            Some(_) => find(name).map_or(Ok(()), |setting| setting.canonical("", "").map(drop)),
            None if name.contains('.') => {
                self.changed(&key);
                Arc::make_mut(&mut self.values).remove(key.as_str());
                Ok(())
            }
            None => Err(unknown(name)),
        }
    }

    /// `RESET ALL`.
    pub fn reset_all(&mut self) -> Result<()> {
        let names: Vec<Arc<str>> = self.values.keys().cloned().collect();
        for name in names {
            let fixed = find(&name).is_some_and(|setting| matches!(setting.kind, Kind::Fixed));
            if !fixed && !name.starts_with("transaction_") {
                self.reset(&name)?;
            }
        }
        Ok(())
    }

    /// The setting, as SHOW gives it.
    pub fn show(&self, name: &str) -> Result<&SettingFact> {
        let fact = self.values.get(name.to_ascii_lowercase().as_str());
        fact.map(Arc::as_ref).ok_or_else(|| unknown(name))
    }

    /// Every setting, by name.
    pub fn all(&self) -> impl Iterator<Item = &SettingFact> {
        self.values.values().map(Arc::as_ref)
    }

    /// A value known to exist; empty when it does not.
    pub fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", |fact| fact.value.as_str())
    }

    pub fn is_on(&self, name: &str) -> bool {
        self.value(name) == "on"
    }

    /// A timeout; `None` when it is off.
    pub fn timeout(&self, name: &str) -> Option<Duration> {
        let milliseconds = u64::try_from(milliseconds(self.value(name))).ok()?;
        (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
    }

    /// All values, for a statement's facts.
    pub fn shared(&self) -> Arc<Values> {
        Arc::clone(&self.values)
    }

    /// The reported settings, all of them.
    pub fn reported(&self) -> Vec<(String, String)> {
        let reported = SETTINGS.iter().filter(|setting| setting.reported);
        reported
            .map(|setting| {
                let value = self.value(&setting.name.to_ascii_lowercase());
                (setting.name.to_owned(), value.to_owned())
            })
            .collect()
    }

    /// The reported settings that changed since the last call.
    pub fn take_untold(&mut self) -> Vec<(String, String)> {
        let untold = std::mem::take(&mut self.untold);
        let facts = untold.iter().filter_map(|(name, told)| {
            self.values.get(name.as_str()).filter(|fact| fact.value != *told)
        });
        facts.map(|fact| (fact.name.clone(), fact.value.clone())).collect()
    }

    /// How values are written as text.
    pub fn text_style(&self) -> TextStyle {
        TextStyle::of_settings(|name| Some(self.value(name)))
    }

    /// The schemas of `search_path`, in order, quotes taken off.
    pub fn search_path(&self) -> Vec<String> {
        split_list(self.value("search_path"))
    }

    pub fn begin_transaction(&mut self) {
        self.before_transaction = Some(Arc::clone(&self.values));
    }

    /// The values as they are now, for a savepoint.
    pub fn mark(&self) -> SettingsMark {
        SettingsMark { values: Arc::clone(&self.values), before_local: self.before_local.clone() }
    }

    /// All values are as they were at a savepoint.
    pub fn rewind(&mut self, mark: SettingsMark) {
        self.before_local = mark.before_local;
        self.put_all_back(&mark.values);
    }

    /// Values set locally go; the others stay.
    pub fn commit_transaction(&mut self) {
        self.before_transaction = None;
        for (name, before) in std::mem::take(&mut self.before_local) {
            self.put_back(name, before);
        }
        self.follow_defaults();
    }

    /// All values are as they were when the transaction began.
    pub fn roll_back_transaction(&mut self) {
        self.before_local.clear();
        if let Some(before) = self.before_transaction.take() {
            self.put_all_back(&before);
        }
    }

    fn put_all_back(&mut self, before: &Values) {
        let names: BTreeSet<Arc<str>> = self.values.keys().chain(before.keys()).cloned().collect();
        for name in names {
            if self.values.get(&name) != before.get(&name) {
                let value = before.get(&name).cloned();
                self.put_back(name, value);
            }
        }
    }

    fn put_back(&mut self, name: Arc<str>, before: Option<Arc<SettingFact>>) {
        self.changed(&name);
        let values = Arc::make_mut(&mut self.values);
        match before {
            Some(fact) => values.insert(name, fact),
            None => values.remove(&name),
        };
    }

    fn assign(&mut self, name: &str, value: &str, source: &'static str) -> Result<()> {
        let key = name.to_ascii_lowercase();
        let Some(setting) = find(name) else {
            if !name.contains('.') || name.to_ascii_lowercase().starts_with("lakegate.") {
                return Err(unknown(name));
            }
            let fact = SettingFact {
                name: name.to_owned(),
                value: value.to_owned(),
                default: String::new(),
                description: "",
                kind: "string",
                choices: &[],
                source,
            };
            self.changed(&key);
            Arc::make_mut(&mut self.values).insert(key.into(), Arc::new(fact));
            return Ok(());
        };
        let canonical = setting.canonical(value, self.value(&key))?;
        self.changed(&key);
        if let Some(fact) = Arc::make_mut(&mut self.values).get_mut(key.as_str()) {
            let fact = Arc::make_mut(fact);
            fact.value = canonical;
            fact.source = source;
        }
        Ok(())
    }

    /// To be called before a value changes.
    fn changed(&mut self, name: &str) {
        if find(name).is_some_and(|setting| setting.reported) && !self.untold.contains_key(name) {
            self.untold.insert(name.to_owned(), self.value(name).to_owned());
        }
    }
}

/// 42704, as for any name that is no setting.
fn unknown(name: &str) -> Error {
    Error::new(
        ErrorKind::UndefinedObject,
        format!("unrecognized configuration parameter \"{name}\""),
    )
}

/// A comma-separated list of identifiers, as PostgreSQL's `SplitIdentifierString` reads it.
fn split_list(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut name = String::new();
    let mut quoted = false;
    let mut was_quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                name.push('"');
            }
            '"' => {
                quoted = !quoted;
                was_quoted = true;
            }
            ',' if !quoted => {
                push_name(&mut names, &mut name, &mut was_quoted);
            }
            c if quoted => name.push(c),
            c if c.is_whitespace() => {}
            c => name.extend(c.to_lowercase()),
        }
    }
    push_name(&mut names, &mut name, &mut was_quoted);
    names
}

fn push_name(names: &mut Vec<String>, name: &mut String, was_quoted: &mut bool) {
    let name = std::mem::take(name);
    if !name.is_empty() || std::mem::take(was_quoted) {
        names.push(name);
    }
    *was_quoted = false;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollback_undoes_and_a_commit_keeps_all_but_the_local() {
        let mut settings = Settings::new();
        settings.begin_transaction();
        settings.set("TimeZone", "Europe/Berlin").unwrap();
        settings.set_local("datestyle", "German").unwrap();
        settings.set("my.own", "1").unwrap();
        assert_eq!(settings.value("datestyle"), "German, DMY");
        settings.commit_transaction();
        assert_eq!(settings.value("timezone"), "Europe/Berlin");
        assert_eq!(settings.value("datestyle"), "ISO, MDY");

        settings.begin_transaction();
        settings.set("timezone", "UTC").unwrap();
        settings.reset("my.own").unwrap();
        settings.roll_back_transaction();
        assert_eq!(settings.value("timezone"), "Europe/Berlin");
        assert_eq!(settings.value("my.own"), "1");
    }

    #[test]
    fn reset_goes_back_to_what_the_client_started_with() {
        let mut settings = Settings::new();
        settings.start_with("TimeZone", "Asia/Tokyo").unwrap();
        settings.set("timezone", "UTC").unwrap();
        assert_eq!(settings.take_untold(), [("TimeZone".to_owned(), "UTC".to_owned())]);
        settings.reset("TIMEZONE").unwrap();
        assert_eq!(settings.show("timezone").unwrap().value, "Asia/Tokyo");
        assert_eq!(settings.take_untold(), [("TimeZone".to_owned(), "Asia/Tokyo".to_owned())]);
        assert_eq!(settings.reset("nothing").unwrap_err().sqlstate(), "42704");
        assert_eq!(settings.set("lakegate.nothing", "1").unwrap_err().sqlstate(), "42704");
    }

    #[test]
    fn search_paths_are_lists_of_names() {
        let cases = [
            ("\"$user\", public", vec!["$user", "public"]),
            ("a,\"B c\",  D ", vec!["a", "B c", "d"]),
            ("\"\"", vec![""]),
            ("", vec![]),
            ("\"a\"\"b\"", vec!["a\"b"]),
        ];
        for (text, names) in cases {
            assert_eq!(split_list(text), names, "{text}");
        }
    }
}
