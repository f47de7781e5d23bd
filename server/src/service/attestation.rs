//! What is asked of a device beside its own word: where its approval key lives.

use crate::domain::attestation::{AttestationPolicy, Doubt, Found};
use crate::keys::attestation::{Expected, Trust};
use countersign_protocol::attestation;
use countersign_protocol::enrolment::{Redemption, Transcript};
use countersign_protocol::time::Timestamp;
use std::sync::{Arc, PoisonError, RwLock};

/// The policy, and what is trusted now: the files behind it may be read again.
#[derive(Debug)]
pub struct Attestation {
    policy: AttestationPolicy,
    trust: RwLock<Arc<Trust>>,
}

impl Attestation {
    /// By this policy, with this trust.
    pub fn new(policy: AttestationPolicy, trust: Trust) -> Self {
        Self { policy, trust: RwLock::new(Arc::new(trust)) }
    }

    /// The kinds of attestation that phones are asked for.
    pub fn wanted(&self) -> Vec<String> {
        if self.policy == AttestationPolicy::Off { Vec::new() } else { vec![attestation::ANDROID.to_owned()] }
    }

    /// Trusts these from now on.
    pub fn replace(&self, trust: Trust) {
        *self.trust.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(trust);
    }

    fn trust(&self) -> Arc<Trust> {
        Arc::clone(&self.trust.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at what a device sent with a redemption that is right otherwise; none where nobody wants to know.
    ///
    /// # Errors
    /// Why the device is not let in, where the policy lets in none that is not believed.
    pub(super) fn look(
        &self,
        redemption: &Redemption,
        transcript: &Transcript,
        now: Timestamp,
    ) -> Result<Option<Found>, Doubt> {
        if self.policy == AttestationPolicy::Off {
            return Ok(None);
        }
        let found = match &redemption.attestation {
            None => Err(Doubt::Absent),
            Some(chain) => {
                let challenge = attestation::challenge(&transcript.aud, &transcript.ticket_sha256);
                let expected = Expected { key: &transcript.approval_key, challenge: &challenge, now };
                self.trust().verify(chain, &expected)
            }
        };
        match found {
            Err(doubt) if self.policy == AttestationPolicy::Require => Err(doubt),
            found => Ok(Some(found)),
        }
    }
}
