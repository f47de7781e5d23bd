//! Where values come from: a file, with the line of each; and the environment over it.

use super::settings::{self, Kind};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// What the names of environment variables start with: `COUNTERSIGN_PUSH__WEBPUSH__ALLOW_PRIVATE` sets
/// `allow_private` in `[push.webpush]`.
const ENVIRONMENT_PREFIX: &str = "COUNTERSIGN_";
/// The variable that names the configuration file, where the command line does not.
pub const CONFIG_VARIABLE: &str = "COUNTERSIGN_CONFIG";
/// Where the configuration file is when nobody says.
pub const DEFAULT_FILE: &str = "/etc/countersign/countersign.toml";

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A place in a file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1, in characters.
        column: usize,
    },
    /// An environment variable.
    Environment(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column } => write!(formatter, "{}:{line}:{column}", path.display()),
            Self::Environment(name) => write!(formatter, "environment variable {name}"),
        }
    }
}

/// Which configuration file counts: the one that is named, else the one that `COUNTERSIGN_CONFIG` names, else
/// [`DEFAULT_FILE`] where there is one, else none. The same for every command that works with a server.
pub fn locate(named: Option<&Path>, environment: &[(String, String)], default: &Path) -> Option<PathBuf> {
    let variable = environment.iter().find(|(name, value)| name == CONFIG_VARIABLE && !value.is_empty());
    let named = named.map(Path::to_owned).or_else(|| variable.map(|(_, value)| PathBuf::from(value)));
    named.or_else(|| default.exists().then(|| default.to_owned()))
}

/// All that was said, and where.
#[derive(Debug, Default)]
pub struct Source {
    /// The values.
    pub table: toml::Table,
    /// Where each comes from, by its key.
    pub origins: BTreeMap<String, Origin>,
}

impl Source {
    /// Reads a file, and the environment over it.
    ///
    /// # Errors
    /// What is wrong, with its place; and no value that may be a secret.
    pub fn read(path: Option<&Path>, environment: &[(String, String)]) -> Result<Self, String> {
        let mut source = match path {
            Some(path) => Self::from_file(path)?,
            None => Self::default(),
        };
        let master_key = source.master_key_variable(environment);
        for (name, value) in environment {
            if master_key.as_ref() == Some(name) || name == CONFIG_VARIABLE {
                continue;
            }
            if let Some(rest) = name.strip_prefix(ENVIRONMENT_PREFIX) {
                source.overlay(name, &rest.split("__").map(str::to_lowercase).collect::<Vec<_>>(), value)?;
            }
        }
        Ok(source)
    }

    fn from_file(path: &Path) -> Result<Self, String> {
        let text =
            std::fs::read_to_string(path).map_err(|error| format!("{}: it cannot be read: {error}", path.display()))?;
        let at = |offset: usize| {
            let before = text.get(..offset).unwrap_or(&text);
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            Origin::File { path: path.to_owned(), line, column }
        };
        let unreadable = |error: &toml::de::Error| {
            let place = at(error.span().map_or(0, |span| span.start));
            format!("{place}: this is no TOML: {}", error.message().trim_end())
        };
        let document = DeTable::parse(&text).map_err(|error| unreadable(&error))?;
        let mut origins = BTreeMap::new();
        note(document.get_ref(), "", &at, &mut origins)?;
        let mut table: toml::Table = text.parse().map_err(|error| unreadable(&error))?;
        // What a file names lies where the file is, from wherever a command is started.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        for setting in settings::SETTINGS {
            if let Some(value) = find_mut(&mut table, setting.key) {
                match (setting.kind, value) {
                    (Kind::Path, toml::Value::String(path)) => settle(folder, path),
                    (Kind::Paths, toml::Value::Array(paths)) => {
                        for path in paths {
                            if let toml::Value::String(path) = path {
                                settle(folder, path);
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(Self { table, origins })
    }

    /// The variable that holds the master key itself: a secret, and no part of the configuration.
    fn master_key_variable(&self, environment: &[(String, String)]) -> Option<String> {
        const SETTING: &str = "COUNTERSIGN_MASTER_KEY__ENV";
        let overlaid = environment.iter().find(|(name, _)| name == SETTING).map(|(_, value)| value.clone());
        overlaid.or_else(|| self.get("master_key.env")?.as_str().map(str::to_owned))
    }

    /// Puts one value where the keys lead; text that reads as a TOML value is that value.
    fn overlay(&mut self, name: &str, keys: &[String], value: &str) -> Result<(), String> {
        let key = keys.join(".");
        if settings::is_section(&key) {
            // What was put in a section's place might be a secret, which an error then repeats.
            return Err(format!("{name} does not fit the configuration: it is a section, and has settings below it"));
        }
        if settings::find(&key).is_none() {
            let meant = settings::nearest(&key).map(variable);
            let advice = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
            return Err(format!("environment variable {name}: there is no such setting{advice}"));
        }
        let parsed = format!("value = {value}").parse::<toml::Table>().ok().and_then(|mut one| one.remove("value"));
        let parsed = parsed.unwrap_or_else(|| toml::Value::String(value.to_owned()));
        let mut table = &mut self.table;
        let (sections, last) = keys.split_at(keys.len() - 1);
        for section in sections {
            let inner = table.entry(section.clone()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            table = inner.as_table_mut().ok_or_else(|| format!("{name} does not fit the configuration"))?;
        }
        // Of the three ways to the master key one counts: what the environment says replaces what the file says.
        if sections == ["master_key"] {
            table.clear();
            self.origins.retain(|key, _| !key.starts_with("master_key."));
        }
        table.insert(last.concat(), parsed);
        self.origins.insert(key, Origin::Environment(name.to_owned()));
        Ok(())
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&toml::Value> {
        let mut keys = key.split('.');
        let first = self.table.get(keys.next()?)?;
        keys.try_fold(first, |value, key| value.get(key))
    }

    /// The values without one of them.
    pub fn without(&self, key: &str) -> toml::Table {
        let mut table = self.table.clone();
        match key.rsplit_once('.') {
            None => drop(table.remove(key)),
            Some((section, last)) => {
                if let Some(toml::Value::Table(section)) = find_mut(&mut table, section) {
                    section.remove(last);
                }
            }
        }
        table
    }

    /// What is wrong with a value: its place, what was found, what was expected.
    pub fn wrong(&self, key: &str, expected: &str) -> String {
        let place = self.origins.get(key).map_or_else(|| "the defaults".to_owned(), ToString::to_string);
        let secret = settings::find(key).is_none_or(|setting| setting.kind.is_secret());
        let found = match self.get(key) {
            Some(_) if secret => "something else".to_owned(),
            Some(value) => value.to_string(),
            None => "nothing".to_owned(),
        };
        format!("{place}: {key}: found {found}, expected {expected}")
    }
}

/// The variable that sets a key.
fn variable(key: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", key.replace('.', "__").to_uppercase())
}

fn find_mut<'a>(table: &'a mut toml::Table, key: &str) -> Option<&'a mut toml::Value> {
    let mut keys = key.split('.');
    let first = table.get_mut(keys.next()?)?;
    keys.try_fold(first, |value, key| value.get_mut(key))
}

/// A path that is not absolute begins in this folder.
fn settle(folder: &Path, path: &mut String) {
    // A path in TOML is UTF-8; a folder that is not stays as the system has it, relative to where it is called.
    if let Some(joined) = folder.join(&*path).to_str() {
        *path = joined.to_owned();
    }
}

/// Notes where each value stands, and refuses what is no setting.
fn note(
    table: &DeTable<'_>,
    section: &str,
    at: &impl Fn(usize) -> Origin,
    origins: &mut BTreeMap<String, Origin>,
) -> Result<(), String> {
    // In the order of the file, so that the first mistake is told first.
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        let name = key.get_ref();
        let path = if section.is_empty() { name.to_string() } else { format!("{section}.{name}") };
        let place = at(key.span().start);
        match value.get_ref() {
            DeValue::Table(inner) if settings::is_section(&path) => note(inner, &path, at, origins)?,
            _ if settings::is_section(&path) => {
                return Err(format!("{place}: {path}: found a value, expected a section: [{path}]"));
            }
            _ if settings::find(&path).is_some() => {
                origins.insert(path, at(value.span().start));
            }
            _ => {
                let meant = settings::nearest(&path);
                let advice = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
                return Err(format!("{place}: {path}: there is no such setting{advice}"));
            }
        }
    }
    Ok(())
}
