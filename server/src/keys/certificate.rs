//! How the certificate of the signing key stands: while it serves, phones believe what this server signs.

use crate::domain::moment::rfc3339;
use countersign_protocol::server_identity::Certificate;
use countersign_protocol::time::Timestamp;
use std::time::Duration;

/// How long before its end a certificate is renewed where the root is at hand, and spoken of where it is not.
pub const RENEWAL_NOTICE: Duration = Duration::from_secs(90 * 24 * 3600);
/// After how long a signing key is changed for another where the root is at hand, although its certificate serves on:
/// what has leaked unnoticed is then of use for a year at most.
pub const ROTATION: Duration = Duration::from_secs(365 * 24 * 3600);
/// How long before its end it is spoken of as a failure that is about to happen.
pub const LAST_NOTICE: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long a certificate serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// From when on.
    pub begins: Timestamp,
    /// Until when.
    pub ends: Timestamp,
}

/// How a certificate stands at a moment, from well to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It serves, and for longer than [`RENEWAL_NOTICE`].
    Serves,
    /// It serves, and ends within [`RENEWAL_NOTICE`].
    EndsSoon,
    /// It serves, and ends within [`LAST_NOTICE`].
    EndsNext,
    /// The clock is before its begin: the clock is wrong now, or was when the certificate was made. Phones believe it;
    /// a receipt of what is signed meanwhile is refused by its reader as `stale_time`.
    NotBegun,
    /// It is over: phones refuse what is signed with its key as `old_certificate`, and the server as `expired`.
    Over,
}

impl From<&Certificate> for Term {
    fn from(certificate: &Certificate) -> Self {
        Self { begins: Timestamp::from_seconds(certificate.iat), ends: Timestamp::from_seconds(certificate.exp) }
    }
}

impl Term {
    /// How it stands at this moment.
    pub fn standing(self, now: Timestamp) -> Standing {
        match self {
            Self { ends, .. } if ends <= now => Standing::Over,
            Self { begins, .. } if now < begins => Standing::NotBegun,
            Self { ends, .. } if ends <= now + LAST_NOTICE => Standing::EndsNext,
            Self { ends, .. } if ends <= now + RENEWAL_NOTICE => Standing::EndsSoon,
            Self { .. } => Standing::Serves,
        }
    }

    /// What an operator reads who has to do something about it; none while it serves for long.
    pub fn warning(self, now: Timestamp) -> Option<String> {
        const COMMAND: &str = "put root.key back into the data folder, and run: countersign admin key rotate";
        let (begins, ends) = (rfc3339(self.begins), rfc3339(self.ends));
        Some(match self.standing(now) {
            Standing::Serves => return None,
            Standing::EndsSoon => format!("The certificate of the signing key ends at {ends}. Until then, {COMMAND}"),
            Standing::EndsNext => format!(
                "The certificate of the signing key ends at {ends}, and then no phone believes this server any more. \
                 At once, {COMMAND}"
            ),
            Standing::NotBegun => format!(
                "The clock of this machine is before {begins}, when the certificate of the signing key begins: \
                 receipts of this time are refused. Set the clock right; if it is right, {COMMAND}"
            ),
            Standing::Over => format!(
                "The certificate of the signing key ended at {ends}: phones refuse what this server signs. To end \
                 this, {COMMAND}. If it should not be over yet, the clock of this machine is wrong"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_moment_has_its_standing() {
        const SECOND: Duration = Duration::from_secs(1);
        let (begins, ends) = (Timestamp::from_seconds(1_800_000_000), Timestamp::from_seconds(1_863_072_000));
        let term = Term { begins, ends };
        for (moment, standing) in [
            (begins - SECOND, Standing::NotBegun),
            (begins, Standing::Serves),
            (ends - RENEWAL_NOTICE - SECOND, Standing::Serves),
            (ends - RENEWAL_NOTICE, Standing::EndsSoon),
            (ends - LAST_NOTICE - SECOND, Standing::EndsSoon),
            (ends - LAST_NOTICE, Standing::EndsNext),
            (ends - SECOND, Standing::EndsNext),
            (ends, Standing::Over),
            (ends + RENEWAL_NOTICE, Standing::Over),
        ] {
            assert_eq!(term.standing(moment), standing, "{moment:?}");
        }
    }
}
