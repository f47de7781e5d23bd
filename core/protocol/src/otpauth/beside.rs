//! What another app keeps beside a code, as far as it is read here.

use super::link::OtpauthLink;
use super::names;
use super::refusal::{LinkRefusal, Taken, Warning};
use serde::Deserialize;

/// What another app keeps beside a code. Ente Auth writes it into its links as JSON, in the parameter `codeDisplay`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Beside {
    /// The groups that the code is in, by name.
    #[serde(rename = "tags")]
    pub groups: Vec<String>,
    /// What the person wrote about it.
    pub note: String,
    /// True for one that its owner threw away, and that the app keeps for a while.
    #[serde(rename = "trashed")]
    pub thrown_away: bool,
}

impl Beside {
    /// Reads the parameter of a link. What is not of its form is a parameter like any other that is not known.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The code with what stood beside it.
    pub(super) fn with(self, link: OtpauthLink, mut warnings: Vec<Warning>) -> Result<Taken, LinkRefusal> {
        if self.thrown_away {
            return Err(LinkRefusal::ThrownAway);
        }
        let mut groups = self.groups.iter().filter_map(|name| group_name(name));
        let group = groups.next();
        if groups.next().is_some() {
            warnings.push(Warning::OtherGroups);
        }
        if !self.note.trim().is_empty() {
            warnings.push(Warning::NoteLeft);
        }
        Ok(Taken { link, warnings, group })
    }
}

/// The name of a group as it is kept: cleaned as the names of links are. None where nothing is left to see.
pub fn group_name(name: &str) -> Option<String> {
    Some(names::of_group(name)).filter(|name| !name.is_empty())
}
