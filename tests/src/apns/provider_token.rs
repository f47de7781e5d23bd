//! Who pushes: the check of a provider token.

use super::{Provider, Refusal};
use countersign_protocol::time::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::Value;
use std::time::Duration;

/// An older token is stale.
const MOST_AGE: Duration = Duration::from_secs(60 * 60);
/// A newer token within this time is one too many.
const LEAST_BETWEEN: Duration = Duration::from_secs(20 * 60);
/// How far ahead a sender's clock may be.
const MOST_AHEAD: Duration = Duration::from_secs(60);

/// The newest token that came.
#[derive(Default)]
pub struct Seen(Option<Newest>);

#[derive(Clone, Copy)]
struct Newest {
    issued_at: i64,
    came_at: Timestamp,
}

impl Seen {
    /// Refuses a token that comes too soon after another. Older ones may still be on their way.
    fn admit(&mut self, issued_at: i64, now: Timestamp) -> Result<(), Refusal> {
        match self.0 {
            Some(newest) if issued_at <= newest.issued_at => return Ok(()),
            Some(newest) if now < newest.came_at + LEAST_BETWEEN => {
                return Err(Refusal::of("TooManyProviderTokenUpdates"));
            }
            _ => {}
        }
        self.0 = Some(Newest { issued_at, came_at: now });
        Ok(())
    }
}

/// Checks the header `authorization`.
pub fn check(header: Option<&str>, provider: &Provider, seen: &mut Seen, now: Timestamp) -> Result<(), Refusal> {
    let invalid = || Refusal::of("InvalidProviderToken");
    let header = header.ok_or_else(|| Refusal::of("MissingProviderToken"))?;
    let (scheme, token) = header.split_once(' ').ok_or_else(|| Refusal::of("MissingProviderToken"))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::of("MissingProviderToken"));
    }
    let (input, signature) = token.rsplit_once('.').ok_or_else(invalid)?;
    let (header, claims) = input.split_once('.').ok_or_else(invalid)?;
    let bytes = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| invalid());
    let json = |part: &str| serde_json::from_slice::<Value>(&bytes(part)?).map_err(|_| invalid());
    let (header, claims) = (json(header)?, json(claims)?);
    if header["alg"] != "ES256" || header["kid"] != provider.key_id || claims["iss"] != provider.team_id {
        return Err(invalid());
    }
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, provider.key().public().as_uncompressed().to_vec());
    key.verify(input.as_bytes(), &bytes(signature)?).map_err(|_| invalid())?;
    let issued_at = claims["iat"].as_i64().ok_or_else(invalid)?;
    let issued = Timestamp::from_seconds(issued_at);
    if now + MOST_AHEAD < issued {
        return Err(invalid());
    }
    if issued + MOST_AGE < now {
        return Err(Refusal::of("ExpiredProviderToken"));
    }
    seen.admit(issued_at, now)
}
