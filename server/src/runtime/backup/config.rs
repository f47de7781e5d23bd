//! `[backup]`: where the recovery journal lies, and backups that the server makes by itself.

use super::key;
use crate::runtime::retention::config::{length, text};
use countersign_protocol::sealing::SealingPublicKey;
use serde::{Deserialize, Serialize, Serializer};
use std::path::{Path, PathBuf};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// The folder of the recovery journal in the data folder, where no other is configured.
const JOURNAL_FOLDER: &str = "recovery-journal";
/// How often backups can be made at most.
const OFTEN: Duration = Duration::from_secs(60);

/// How many of the scheduled backups are kept: the newest of each of so many days, weeks and months.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keep {
    /// Days.
    pub daily: usize,
    /// Weeks, which begin on Monday.
    pub weekly: usize,
    /// Months.
    pub monthly: usize,
}

impl Default for Keep {
    fn default() -> Self {
        Self { daily: 7, weekly: 4, monthly: 12 }
    }
}

impl Keep {
    /// How old the oldest of them can be.
    fn oldest(self) -> Duration {
        let times = |one: Duration, count: usize| one.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        times(DAY, self.daily).max(times(DAY * 7, self.weekly)).max(times(DAY * 31, self.monthly))
    }
}

/// Backups that the server makes by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// How much time lies between two.
    pub every: Duration,
    /// Where they go.
    pub directory: PathBuf,
    /// Which of them are kept.
    pub keep: Keep,
}

/// `[backup]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Section")]
pub struct BackupConfig {
    /// The folder of the recovery journal.
    journal: Option<PathBuf>,
    /// How long lines of the recovery journal are kept.
    pub journal_kept: Duration,
    /// The key that backups are sealed to.
    pub recipient: Option<SealingPublicKey>,
    /// Backups that the server makes by itself.
    pub schedule: Option<Schedule>,
}

impl Default for BackupConfig {
    fn default() -> Self {
        Self { journal: None, journal_kept: DAY * 400, recipient: None, schedule: None }
    }
}

impl BackupConfig {
    /// The folder of the recovery journal of the server in this data folder.
    pub fn journal(&self, data_dir: &Path) -> PathBuf {
        self.journal.clone().unwrap_or_else(|| data_dir.join(JOURNAL_FOLDER))
    }
}

/// The section as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    journal: Option<PathBuf>,
    journal_kept: Option<String>,
    recipient: Option<String>,
    every: Option<String>,
    directory: Option<PathBuf>,
    keep: Option<Keep>,
}

fn read(name: &str, text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("backup.{name} is {text:?}; expected a number and a unit, m, h or d: such as \"12h\" or \"400d\"");
    length(text).ok_or_else(wrong)
}

impl Serialize for BackupConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let schedule = self.schedule.as_ref();
        let section = Section {
            journal: self.journal.clone(),
            journal_kept: Some(text(self.journal_kept)),
            recipient: self.recipient.as_ref().map(key::recipient_text),
            every: schedule.map(|schedule| text(schedule.every)),
            directory: schedule.map(|schedule| schedule.directory.clone()),
            keep: schedule.map(|schedule| schedule.keep),
        };
        section.serialize(serializer)
    }
}

impl TryFrom<Section> for BackupConfig {
    type Error = String;

    fn try_from(section: Section) -> Result<Self, String> {
        let default = Self::default();
        let kept = section.journal_kept.as_deref().map(|text| read("journal_kept", text)).transpose()?;
        let recipient = section.recipient.as_deref().map(key::recipient).transpose();
        let schedule = match (section.every, section.directory) {
            (None, None) if section.keep.is_none() => None,
            (Some(every), Some(directory)) => {
                let every = read("every", &every)?;
                if every < OFTEN {
                    return Err("backup.every is at least \"1m\"".into());
                }
                let keep = section.keep.unwrap_or_default();
                if keep.daily == 0 {
                    return Err("backup.keep.daily is at least 1: the newest backup is always kept".into());
                }
                Some(Schedule { every, directory, keep })
            }
            _ => {
                let reason = "backup.every, such as \"24h\", and backup.directory belong together: how often the \
                              server makes a backup by itself, and where";
                return Err(reason.into());
            }
        };
        let oldest = schedule.as_ref().map_or(Duration::ZERO, |schedule| schedule.keep.oldest());
        let journal_kept = kept.unwrap_or_else(|| default.journal_kept.max(oldest + DAY * 2));
        if journal_kept < oldest.max(DAY * 2) {
            let days = oldest.max(DAY * 2).as_secs().div_ceil(DAY.as_secs());
            return Err(format!(
                "backup.journal_kept is shorter than \"{days}d\", the age of the oldest backup that is kept: without \
                 the lines since then it cannot be restored safely"
            ));
        }
        let recipient = recipient.map_err(|reason| format!("backup.recipient: {reason}"))?;
        Ok(Self { journal: section.journal, journal_kept, recipient, schedule })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<BackupConfig, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn what_is_not_named_has_its_default() {
        assert_eq!(parse("").unwrap(), BackupConfig::default());
        let data = Path::new("/data");
        assert_eq!(parse("").unwrap().journal(data), data.join("recovery-journal"));
        assert_eq!(parse("journal = '/other'").unwrap().journal(data), Path::new("/other"));
        let config = parse("every = '24h'\ndirectory = '/backups'").unwrap();
        let keep = Keep { daily: 7, weekly: 4, monthly: 12 };
        assert_eq!(config.schedule, Some(Schedule { every: DAY, directory: "/backups".into(), keep }));
        let config = parse("every = '1h'\ndirectory = '/b'\nkeep = { monthly = 24 }").unwrap();
        assert!(config.journal_kept > DAY * 31 * 24, "it reaches as far back as the backups");
    }

    #[test]
    fn what_would_fail_later_is_refused_with_the_reason() {
        for (text, word) in [
            ("every = '24h'", "belong together"),
            ("directory = '/b'", "belong together"),
            ("keep = { daily = 3 }", "belong together"),
            ("every = 'daily'\ndirectory = '/b'", "a number and a unit"),
            ("every = '0m'\ndirectory = '/b'", "at least"),
            ("every = '1d'\ndirectory = '/b'\nkeep = { daily = 0 }", "always kept"),
            ("every = '1d'\ndirectory = '/b'\njournal_kept = '30d'", "372d"),
            ("journal_kept = '1h'", "2d"),
            ("recipient = 'age1xyz'", "backup.recipient"),
            ("journals = '/x'", "journals"),
        ] {
            let refused = parse(text).unwrap_err();
            assert!(refused.contains(word), "{text}: {refused}");
        }
    }
}
