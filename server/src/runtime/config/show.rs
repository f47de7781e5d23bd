//! The effective configuration as text, with where each value comes from and without secrets.

use super::Loaded;
use super::settings::SETTINGS;
use crate::keys::master_key::MasterKeySource;
use serde_json::Value;
use std::fmt::Write;

impl Loaded {
    /// TOML that says the same, a comment beside each value telling its origin.
    pub fn show(&self) -> String {
        let mut page = match &self.file {
            Some(path) => format!("# The effective configuration, of {} and the environment.\n", path.display()),
            None => {
                "# The effective configuration, of the environment and the defaults: there is no file.\n".to_owned()
            }
        };
        page.push_str("# What may hold a secret is not shown.\n");
        let values = serde_json::to_value(&self.config).unwrap_or_default();
        let mut section = "";
        for setting in SETTINGS {
            let (of, name) = setting.key.rsplit_once('.').unwrap_or(("", setting.key));
            if of != section {
                section = of;
                let _ = write!(page, "\n[{section}]\n");
            }
            let origin = self.origins.get(setting.key).map_or_else(|| "default".to_owned(), ToString::to_string);
            let value = setting.key.split('.').try_fold(&values, |value, key| value.get(key)).unwrap_or(&Value::Null);
            let _ = match value {
                Value::Null => writeln!(page, "# {name} is not set"),
                _ if setting.kind.is_secret() => writeln!(page, "# {name} is set and not shown  # {origin}"),
                value => writeln!(page, "{name} = {}  # {origin}", written(value)),
            };
        }
        let key = self.config.master_key.file(&self.config.data_dir);
        if let (MasterKeySource::Default, Some(key)) = (&self.config.master_key, key) {
            let said = format!("[master_key]\n# the default: the file {}\n", key.display());
            page = page.replacen("[master_key]\n", &said, 1);
        }
        page
    }
}

/// A value in TOML. An address of the web is shown without the name and password that may be in it.
pub(super) fn written(value: &Value) -> String {
    match value {
        Value::String(text) => toml::Value::String(without_credentials(text)).to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn without_credentials(text: &str) -> String {
    match url::Url::parse(text) {
        Ok(mut url) if url.password().is_some() || !url.username().is_empty() => {
            // Only an address that cannot have them refuses to lose them.
            let _ = (url.set_password(None), url.set_username(""));
            url.to_string()
        }
        _ => text.to_owned(),
    }
}
