//! Whether a question that was asked now would be answered: every reason for which [`create`](super::create::create)
//! would fail, or phones would not believe what it sends.

use super::Service;
use crate::keys::certificate::Standing;
use serde::Serialize;
use utoipa::ToSchema;

/// Why the server cannot do its work now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reason {
    /// The stable word.
    pub code: &'static str,
    /// What to do, in a sentence.
    pub detail: String,
}

/// How the server stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Why it cannot do its work; none while it can.
    pub reasons: Vec<Reason>,
    /// What the operator has to do before it becomes one, in sentences.
    pub warnings: Vec<String>,
}

/// What the store says, as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map_or_else(String::new, |first| first.to_uppercase().to_string());
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

impl Readiness {
    fn fail(&mut self, code: &'static str, detail: impl Into<String>) {
        self.reasons.push(Reason { code, detail: detail.into() });
    }
}

/// Looks at everything that a question needs. What else may fail joins the list here.
pub async fn look(service: &Service) -> Readiness {
    let mut found = Readiness::default();
    if service.stopping.is_cancelled() {
        found.fail("stopping", "The server is stopping.");
    }
    // A write, so that a disk that is full and a database that somebody else holds are found too.
    // What failed at the last write that mattered counts, though a small one may be kept in what room there is.
    let trouble = match service.store.health.trouble() {
        Some(trouble) => Some(trouble),
        None => service.store.ping().await.err(),
    };
    if let Some(trouble) = trouble {
        found.fail("store", sentence(&trouble.to_string()));
    }
    match service.keys.signer(&service.store).await {
        Ok(signer) => {
            let now = service.now();
            if let Some(warning) = signer.term.warning(now) {
                match signer.term.standing(now) {
                    Standing::Over => found.fail("certificate", format!("{warning}.")),
                    _ => found.warnings.push(warning),
                }
            }
        }
        Err(error) => {
            tracing::error!(?error, "the signing key cannot be read");
            found.fail("signing_key", "The signing key cannot be read: the server's log has the reason.");
        }
    }
    found.warnings.extend(service.backups.warning());
    if let Some(trouble) = service.store.recovery_trouble() {
        found.warnings.push(format!("{trouble}. Until it can be, a restore forgets what is revoked now"));
    }
    found
}
