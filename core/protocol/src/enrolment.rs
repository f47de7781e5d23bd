//! Enrolment: how a device and a server come to know each other's keys.
//!
//! Both sides are here: the link that the signed-in page shows, the transcript that the device signs, the statement
//! that the server signs in reply, and the six digits that both derive and a person carries across.

use crate::attestation::CertificateChain;
use crate::challenge::CLOCK_TOLERANCE;
use crate::decision::DecisionKeys;
use crate::handle::{AccountId, EnrolmentId};
use crate::jws::{self, Claims, Unverified};
use crate::key::{PublicKey, Thumbprint, sha256, sha256_text};
use crate::link::{pasted, take_apart};
use crate::refusal::Refusal;
use crate::sealing::SealingPublicKey;
use crate::text;
use crate::time::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a link serves.
pub const TICKET_LIFETIME: Duration = Duration::from_secs(600);

/// What an enrolment link carries: `https://HOST/enrol#t=TICKET&k=FINGERPRINT`. The fragment is never sent to a server,
/// so it stays out of logs.
#[derive(Clone)]
pub struct EnrolmentLink {
    /// The server's address, without a trailing slash.
    pub server_url: String,
    /// The ticket, single use.
    pub ticket: Zeroizing<String>,
    /// The thumbprint of the server's root.
    pub fingerprint: Thumbprint,
}

impl EnrolmentLink {
    /// The link's text form.
    pub fn to_text(&self) -> String {
        format!("{}/enrol#t={}&k={}", self.server_url, self.ticket.as_str(), self.fingerprint)
    }

    /// Reads a link. Plain `http` is accepted for this very machine only.
    ///
    /// # Errors
    /// `too_large` when it is too long for a link; `malformed` when it is not the address of a server with a ticket of
    /// 32 bytes and a fingerprint behind it.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        const WRONG: Refusal = Refusal::Malformed("enrolment link");
        let (server_url, ticket, fingerprint) = take_apart(&pasted(text)?, "/enrol", "t").ok_or(WRONG)?;
        if BASE64URL_NOPAD.decode(ticket.as_bytes()).map_or(0, |bytes| bytes.len()) != 32 {
            return Err(WRONG);
        }
        Ok(Self { server_url, ticket: Zeroizing::new(ticket), fingerprint })
    }
}

impl std::fmt::Debug for EnrolmentLink {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "EnrolmentLink({})", self.server_url)
    }
}

/// The claims of the transcript: what the device wants to be known by. Signed by the request key in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcript {
    /// The server's id.
    pub aud: Thumbprint,
    /// SHA-256 of the ticket's text, in base64url.
    pub ticket_sha256: String,
    /// Signs background requests and `deny`.
    pub request_key: PublicKey,
    /// Signs `approve`.
    pub approval_key: PublicKey,
    /// Opens what is sealed to the device.
    pub sealing_key: SealingPublicKey,
    /// The device's name, for the person's list of devices.
    pub device_name: String,
    /// When it was signed, in seconds of the server's time.
    pub iat: i64,
}

impl Claims for Transcript {
    const TYPE: &'static str = "countersign-transcript+jws";
}

/// Names a transcript: SHA-256 of what was signed, header and claims. Without the signature, so that the same claims
/// signed again are the same transcript.
pub fn transcript_digest(compact: &str) -> [u8; 32] {
    sha256(compact.rsplit_once('.').map_or(compact, |(signed, _)| signed).as_bytes())
}

/// [`transcript_digest`] in base64url.
pub fn transcript_digest_text(compact: &str) -> String {
    BASE64URL_NOPAD.encode(&transcript_digest(compact))
}

/// The claims with which the approval key shows that it is held: its signature over the transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Possession {
    /// The transcript's digest, in base64url.
    pub transcript_sha256: String,
}

impl Claims for Possession {
    const TYPE: &'static str = "countersign-possession+jws";
}

/// What the device sends to redeem a ticket.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redemption {
    /// The ticket.
    pub ticket: String,
    /// The transcript, signed by the request key.
    pub transcript: String,
    /// The possession, signed by the approval key.
    pub possession: String,
    /// What the phone's platform says of the approval key, for a server that asked for it. It stands outside of what is
    /// signed: it names the key and the ticket by itself, and is signed by its maker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<CertificateChain>,
}

/// The claims of the server's statement that this device is enrolled for this account. It is part of every receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentStatement {
    /// The server's id.
    pub iss: Thumbprint,
    /// The device: the thumbprint of its request key.
    pub aud: Thumbprint,
    /// The account.
    pub sub: AccountId,
    /// The enrolment.
    pub enrolment_id: EnrolmentId,
    /// The organisation's name.
    pub organisation: String,
    /// The account's name, as the person knows it.
    pub account: String,
    /// The transcript's digest, in base64url.
    pub transcript_sha256: String,
    /// Signs background requests and `deny`.
    pub request_key: PublicKey,
    /// Signs `approve`.
    pub approval_key: PublicKey,
    /// When it was made, in seconds.
    pub iat: i64,
}

impl Claims for EnrolmentStatement {
    const TYPE: &'static str = "countersign-enrolment+jws";
}

impl EnrolmentStatement {
    /// The keys that may answer for this enrolment.
    pub const fn decision_keys(&self) -> DecisionKeys {
        DecisionKeys { approval: self.approval_key, request: self.request_key }
    }
}

/// The server's side: checks what a device sent, all but the ticket's existence.
///
/// # Errors
/// `wrong_server` when it is for another server; `unknown_key` and `bad_signature` when one of the two keys did not
/// sign its part; `malformed` for another ticket than the transcript's, for one key in both places and for a name that
/// cannot be shown; `future_time` and `stale_time` when it was signed later than `now` by more than [`CLOCK_TOLERANCE`]
/// or more than [`TICKET_LIFETIME`] ago; and everything else that [`jws::verify`] refuses.
pub fn check_redemption(
    redemption: &Redemption,
    server_id: &Thumbprint,
    now: Timestamp,
) -> Result<Transcript, Refusal> {
    let unverified = Unverified::parse::<Transcript>(&redemption.transcript)?;
    let request_key = unverified.claims_without_verification::<Transcript>()?.request_key;
    let transcript: Transcript = unverified.verify(&request_key)?;
    if transcript.aud != *server_id {
        return Err(Refusal::WrongServer);
    }
    if transcript.ticket_sha256 != sha256_text(redemption.ticket.as_bytes()) {
        return Err(Refusal::Malformed("ticket"));
    }
    let possession: Possession = jws::verify(&redemption.possession, &transcript.approval_key)?;
    if possession.transcript_sha256 != transcript_digest_text(&redemption.transcript) {
        return Err(Refusal::BadSignature);
    }
    if transcript.approval_key == transcript.request_key {
        return Err(Refusal::Malformed("one key for two purposes"));
    }
    text::check_name(&transcript.device_name, "device name")?;
    let signed_at = Timestamp::from_seconds(transcript.iat);
    if signed_at > now + CLOCK_TOLERANCE {
        return Err(Refusal::FutureTime);
    }
    if signed_at < now - TICKET_LIFETIME {
        return Err(Refusal::StaleTime);
    }
    Ok(transcript)
}

/// The device's side: checks the server's statement against the transcript that this device sent.
///
/// # Errors
/// `wrong_server` when it is of another server; `wrong_device` when it is about other keys or another transcript;
/// `malformed` and `too_large` for names that cannot be shown; and everything that [`jws::verify`] refuses.
pub fn check_statement(
    compact: &str,
    server_id: &Thumbprint,
    signing_key: &PublicKey,
    transcript: &Transcript,
    compact_transcript: &str,
) -> Result<EnrolmentStatement, Refusal> {
    let statement: EnrolmentStatement = jws::verify(compact, signing_key)?;
    if statement.iss != *server_id {
        return Err(Refusal::WrongServer);
    }
    let same_device = statement.aud == transcript.request_key.thumbprint()
        && statement.request_key == transcript.request_key
        && statement.approval_key == transcript.approval_key
        && statement.transcript_sha256 == transcript_digest_text(compact_transcript);
    if !same_device {
        return Err(Refusal::WrongDevice);
    }
    text::check_name(&statement.organisation, "organisation name")?;
    text::check_name(&statement.account, "account name")?;
    Ok(statement)
}

/// The six digits that the phone shows and the signed-in page asks for. They depend on the ticket, the server, every
/// key of the device and the account: whoever redeemed the link with other keys shows other digits.
pub fn confirmation_code(compact_transcript: &str, account_id: AccountId) -> String {
    let mut input = b"countersign confirmation v1\n".to_vec();
    input.extend_from_slice(&transcript_digest(compact_transcript));
    input.extend_from_slice(account_id.as_bytes());
    let digest = sha256(&input);
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    format!("{:06}", u64::from_be_bytes(first) % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SoftwareKey;
    use crate::randomness::SystemRandomness;
    use crate::sealing::SealingKey;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn links_are_read_back_and_others_refused() {
        let ticket = "A".repeat(43);
        let fingerprint = sha256_text(b"root");
        let good = format!("https://login.example/enrol#t={ticket}&k={fingerprint}");
        let link = EnrolmentLink::parse(&good).unwrap();
        assert_eq!((link.server_url.as_str(), link.to_text()), ("https://login.example", good.clone()));
        assert!(!format!("{link:?}").contains(&ticket));
        for pasted in [format!("“{good}”,"), good.replace('=', "=\r\n> ")] {
            assert_eq!(EnrolmentLink::parse(&pasted).unwrap().to_text(), good, "{pasted:?}");
        }
        let below = EnrolmentLink::parse(&good.replace("/enrol", "/mfa/enrol")).unwrap();
        assert_eq!(below.server_url, "https://login.example/mfa");
        for local in ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:8000"] {
            assert_eq!(EnrolmentLink::parse(&good.replace("https://login.example", local)).unwrap().server_url, local);
        }
        let wrong = [
            good.replace("https://", "http://"),
            good.replace("https://", "https://maya@"),
            good.replace("https://", "ftp://"),
            good.replace("/enrol", "/enroled"),
            good.replace("#t=", "?t="),
            good.replace("#t=", "?x=1#t="),
            good.replace("&k=", "&kk="),
            good.replace(&ticket, &ticket[1..]),
            good[..good.len() - 1].to_owned(),
            good.replace("https://login.example", "http://127.0.0.1.thief.example"),
            String::new(),
            "login.example".into(),
        ];
        for text in wrong {
            assert_eq!(EnrolmentLink::parse(&text).unwrap_err(), Refusal::Malformed("enrolment link"), "{text}");
        }
        assert_eq!(EnrolmentLink::parse(&"a".repeat(3000)).unwrap_err(), Refusal::TooLarge);
    }

    #[test]
    fn one_changed_part_of_a_redemption_is_refused() {
        let (request, _) = SoftwareKey::generate().unwrap();
        let (approval, _) = SoftwareKey::generate().unwrap();
        let (stranger, _) = SoftwareKey::generate().unwrap();
        let server_id = stranger.public().thumbprint();
        let ticket = "A".repeat(43);
        let transcript = Transcript {
            aud: server_id.clone(),
            ticket_sha256: sha256_text(ticket.as_bytes()),
            request_key: request.public(),
            approval_key: approval.public(),
            sealing_key: SealingKey::generate(&SystemRandomness::new()).public(),
            device_name: "Maya's phone".into(),
            iat: NOW.seconds(),
        };
        let redeem = |transcript: &Transcript, request: &SoftwareKey, approval: &SoftwareKey| {
            let compact = jws::sign_now(transcript, request).unwrap();
            let possession = Possession { transcript_sha256: transcript_digest_text(&compact) };
            let possession = jws::sign_now(&possession, approval).unwrap();
            Redemption { ticket: ticket.clone(), transcript: compact, possession, attestation: None }
        };
        let good = redeem(&transcript, &request, &approval);
        assert_eq!(check_redemption(&good, &server_id, NOW), Ok(transcript.clone()));

        let with = |change: &dyn Fn(&mut Transcript)| {
            let mut changed = transcript.clone();
            change(&mut changed);
            check_redemption(&redeem(&changed, &request, &approval), &server_id, NOW).unwrap_err()
        };
        assert_eq!(with(&|t| t.aud = request.public().thumbprint()), Refusal::WrongServer);
        assert_eq!(with(&|t| t.ticket_sha256 = sha256_text(b"other")), Refusal::Malformed("ticket"));
        assert_eq!(with(&|t| t.request_key = stranger.public()), Refusal::UnknownKey);
        assert_eq!(with(&|t| t.approval_key = stranger.public()), Refusal::UnknownKey);
        assert_eq!(with(&|t| t.device_name = "a\nb".into()), Refusal::Malformed("device name"));
        assert_eq!(with(&|t| t.iat += 61), Refusal::FutureTime);
        assert_eq!(with(&|t| t.iat -= 601), Refusal::StaleTime);
        let both = Transcript { approval_key: request.public(), ..transcript.clone() };
        let both = check_redemption(&redeem(&both, &request, &request), &server_id, NOW);
        assert_eq!(both, Err(Refusal::Malformed("one key for two purposes")));
        let elsewhere = Redemption {
            possession: redeem(&Transcript { iat: 1, ..transcript.clone() }, &request, &approval).possession,
            ..good
        };
        assert_eq!(check_redemption(&elsewhere, &server_id, NOW), Err(Refusal::BadSignature));
    }

    #[test]
    fn the_six_digits_change_with_the_transcript_and_the_account() {
        let account = AccountId::from_bytes([1; 16]);
        let code = confirmation_code("transcript", account);
        assert_eq!(code.len(), 6);
        assert_eq!(code, confirmation_code("transcript", account));
        assert_ne!(code, confirmation_code("transcripT", account));
        assert_ne!(code, confirmation_code("transcript", AccountId::from_bytes([2; 16])));
    }
}
