//! What a restore cannot know without a whole recovery journal, and that an administrator accepts each of it by name.

use super::error::RestoreError;
use crate::store::recovery::Found;
use std::path::Path;

/// Something that is lost where the recovery journal is missing, or lines of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Devices, code applications and backup codes that were ended, and people who were deleted.
    Devices,
    /// Relying parties, API keys and webhooks that were ended.
    RelyingParties,
    /// Reports, and locks after wrong codes.
    Reports,
    /// The sequence of certificates.
    Epoch,
}

impl Loss {
    /// Every loss.
    pub const ALL: [Self; 4] = [Self::Devices, Self::RelyingParties, Self::Reports, Self::Epoch];

    /// The word by which it is accepted.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Devices => "devices",
            Self::RelyingParties => "relying-parties",
            Self::Reports => "reports",
            Self::Epoch => "epoch",
        }
    }

    /// What it means.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Devices => {
                "phones and code applications that were removed since then answer again, backup codes that were used \
                 or replaced are good again, and people who were deleted are there again with their names, until you \
                 remove each anew"
            }
            Self::RelyingParties => {
                "relying parties that were revoked and API keys that were rotated since then are good again, and \
                 webhooks go where they went"
            }
            Self::Reports => {
                "pushes go again to people who have reported a prompt since then, and codes that were locked are tried \
                 again"
            }
            Self::Epoch => {
                "the new certificate's sequence is a guess, 1000 above the one in the backup: phones that have seen a \
                 higher one refuse this server"
            }
        }
    }
}

impl std::str::FromStr for Loss {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|loss| loss.word() == word);
        found.ok_or_else(|| format!("expected one of {}", Self::ALL.map(Self::word).join(", ")))
    }
}

/// What is known since a backup.
pub(super) struct Known {
    pub found: Found,
    /// Why it is not all; none where it is.
    trouble: Option<String>,
}

impl Known {
    /// Nothing at all, and why.
    pub fn nothing(trouble: String) -> Self {
        Self { found: Found::default(), trouble: Some(trouble) }
    }

    /// What the journal in this folder says since the line `row`.
    pub fn new(found: Found, row: i64, folder: &Path) -> Self {
        let broken = found.broken.first().map(|broken| {
            let (file, line, reason) = (broken.file.display(), broken.line, broken.reason);
            format!("the recovery journal is damaged: {file}, line {line}: {reason}")
        });
        let missing = || {
            let row = found.missing_since(row)?;
            Some(format!(
                "the recovery journal in {} lacks the line of number {row}: a file of it is missing, or it was begun \
                 after the backup",
                folder.display()
            ))
        };
        let trouble = broken.or_else(missing);
        Self { found, trouble }
    }

    /// True when nothing is missing.
    pub const fn is_complete(&self) -> bool {
        self.trouble.is_none()
    }
}

/// Refuses where something is lost that was not accepted.
pub(super) fn check_accepted(known: &Known, accepted: &[Loss], made_at: &str) -> Result<(), RestoreError> {
    let Some(trouble) = &known.trouble else { return Ok(()) };
    if Loss::ALL.iter().all(|loss| accepted.contains(loss)) {
        return Ok(());
    }
    let losses: String = Loss::ALL.iter().map(|loss| format!("\n  {}: {}", loss.word(), loss.meaning())).collect();
    let without = if known.found.lines.is_empty() { "--without-journal " } else { "" };
    let words = Loss::ALL.map(Loss::word).join(",");
    Err(RestoreError::NotAccepted(format!(
        "{trouble}. Give it with --journal FOLDER. Without it nobody knows what has happened since {made_at}:{losses}\n\
         One-time codes of that time stay spent, and open sign-ins are cancelled, in any case. To accept all of it: \
         {without}--accept {words}"
    )))
}
