//! Compact JWS (RFC 7515, section 7.1) with ES256, as strictly as RFC 8725 asks for.
//!
//! A message is read in two steps: [`Unverified::parse`] fixes its form and type, and [`Unverified::verify`] gives the
//! claims only to who brings the right key. What was signed are the bytes that came; nothing is serialised again.

use crate::key::{DeviceKey, KeyError, PublicKey, SoftwareKey, Thumbprint};
use crate::refusal::Refusal;
use data_encoding::BASE64URL_NOPAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The longest compact JWS that is read, in bytes.
pub const MAX_LENGTH: usize = 8 * 1024;

/// The only algorithm.
const ALGORITHM: &str = "ES256";

/// A kind of signed message: its claims, and the `typ` that no other kind has.
pub trait Claims: Serialize + DeserializeOwned {
    /// The required `typ` header.
    const TYPE: &'static str;
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

/// A JWS whose form and type are right, and whose signature nobody has checked yet.
#[derive(Debug, Clone)]
pub struct Unverified<'a> {
    signing_input: &'a str,
    key_id: Thumbprint,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Unverified<'a> {
    /// Reads a compact JWS of the type that `C` requires.
    ///
    /// # Errors
    /// `too_large` past [`MAX_LENGTH`]; `malformed` when it is not three parts, or a part cannot be read;
    /// `unknown_claim` for a header other than `alg`, `kid` and `typ`, so `crit`, `jwk`, `jku` and `x5c` too;
    /// `wrong_algorithm` and `wrong_type` for another `alg` or `typ`; `unknown_key` when `kid` is no thumbprint.
    pub fn parse<C: Claims>(compact: &'a str) -> Result<Self, Refusal> {
        if compact.len() > MAX_LENGTH {
            return Err(Refusal::TooLarge);
        }
        let (signing_input, signature) = compact.rsplit_once('.').ok_or(Refusal::Malformed("JWS"))?;
        let (header, payload) = signing_input.split_once('.').ok_or(Refusal::Malformed("JWS"))?;
        let header: Header = read_json(&decode(header, "JWS header")?, "JWS header")?;
        if header.alg != ALGORITHM {
            return Err(Refusal::WrongAlgorithm);
        }
        if header.typ != C::TYPE {
            return Err(Refusal::WrongType);
        }
        Ok(Self {
            signing_input,
            key_id: Thumbprint::try_from(header.kid).map_err(|_| Refusal::UnknownKey)?,
            payload: decode(payload, "JWS payload")?,
            signature: decode(signature, "JWS signature")?,
        })
    }

    /// The `kid`: to be looked up only among the keys of the enrolment and purpose at hand.
    pub const fn key_id(&self) -> &Thumbprint {
        &self.key_id
    }

    /// Bytes of the claims as they came.
    pub const fn payload_length(&self) -> usize {
        self.payload.len()
    }

    /// Checks the signature with `key` and gives the claims.
    ///
    /// # Errors
    /// `unknown_key` when `kid` does not name `key`; `bad_signature` when the signature does not fit; `malformed` and
    /// `unknown_claim` when the claims are not those of `C`.
    pub fn verify<C: Claims>(&self, key: &PublicKey) -> Result<C, Refusal> {
        if self.key_id != key.thumbprint() {
            return Err(Refusal::UnknownKey);
        }
        key.verify(self.signing_input.as_bytes(), &self.signature)?;
        read_json(&self.payload, "JWS claims")
    }

    /// The claims without any check of who signed them: for a message that carries the very key it is signed with, and
    /// for what the caller has verified before and kept. Every other use must [`Unverified::verify`] before it believes
    /// a word.
    ///
    /// # Errors
    /// `malformed` and `unknown_claim` when the claims are not those of `C`.
    pub fn claims_without_verification<C: Claims>(&self) -> Result<C, Refusal> {
        read_json(&self.payload, "JWS claims")
    }
}

/// Reads and checks a JWS that `key` must have signed.
///
/// # Errors
/// As [`Unverified::parse`] and [`Unverified::verify`].
pub fn verify<C: Claims>(compact: &str, key: &PublicKey) -> Result<C, Refusal> {
    Unverified::parse::<C>(compact)?.verify(key)
}

/// The bytes to sign for `claims`, of which `key` will be the signer.
fn signing_input<C: Claims>(claims: &C, key: &PublicKey) -> Result<String, Refusal> {
    let header = Header { alg: ALGORITHM.into(), kid: key.thumbprint().into(), typ: C::TYPE.into() };
    let header = serde_json::to_vec(&header).map_err(|_| Refusal::Malformed("JWS header"))?;
    let payload = serde_json::to_vec(claims).map_err(|_| Refusal::Malformed("JWS claims"))?;
    Ok(format!("{}.{}", BASE64URL_NOPAD.encode(&header), BASE64URL_NOPAD.encode(&payload)))
}

/// Signs `claims` with a key that may ask the person first.
///
/// # Errors
/// Those of [`DeviceKey::sign`]; [`KeyError::Unavailable`] when the claims cannot be written as JSON.
pub async fn sign<C: Claims>(claims: &C, key: &dyn DeviceKey) -> Result<String, KeyError> {
    let input = signing_input(claims, &key.public_key()).map_err(|_| KeyError::Unavailable)?;
    let signature = key.sign(input.as_bytes()).await?;
    Ok(format!("{input}.{}", BASE64URL_NOPAD.encode(&signature)))
}

/// Signs `claims` with a key in memory, as a server does.
///
/// # Errors
/// [`KeyError::Unavailable`] when the system gives no randomness, or the claims cannot be written as JSON.
pub fn sign_now<C: Claims>(claims: &C, key: &SoftwareKey) -> Result<String, KeyError> {
    let input = signing_input(claims, &key.public()).map_err(|_| KeyError::Unavailable)?;
    let signature = key.sign_now(input.as_bytes())?;
    Ok(format!("{input}.{}", BASE64URL_NOPAD.encode(&signature)))
}

fn decode(part: &str, what: &'static str) -> Result<Vec<u8>, Refusal> {
    BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| Refusal::Malformed(what))
}

/// Reads JSON of which every member must be known, none may come twice, and every object must be written as one.
///
/// # Errors
/// `malformed` with `what` when it is not such JSON; `unknown_claim` when only a member is unknown.
pub(crate) fn read_json<T: Serialize + DeserializeOwned>(bytes: &[u8], what: &'static str) -> Result<T, Refusal> {
    let mut unknown = false;
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value =
        serde_ignored::deserialize(&mut deserializer, |_| unknown = true).map_err(|_| Refusal::Malformed(what))?;
    deserializer.end().map_err(|_| Refusal::Malformed(what))?;
    if unknown {
        return Err(Refusal::UnknownClaim);
    }
    if is_written_as(bytes, &value) { Ok(value) } else { Err(Refusal::Malformed(what)) }
}

/// True unless an array stands in `bytes` where `value`, which was read from them, has an object: serde reads a struct
/// from either, and a message must have one form only.
pub fn is_written_as<T: Serialize>(bytes: &[u8], value: &T) -> bool {
    let written = serde_json::from_slice::<Value>(bytes);
    matches!((written, serde_json::to_value(value)), (Ok(written), Ok(read)) if same_shape(&written, &read))
}

fn same_shape(written: &Value, read: &Value) -> bool {
    match read {
        Value::Object(members) => {
            written.is_object() && members.iter().all(|(name, value)| same_shape(&written[name], value))
        }
        Value::Array(items) => written.as_array().is_some_and(|written| {
            written.len() == items.len() && written.iter().zip(items).all(|(written, read)| same_shape(written, read))
        }),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Greeting {
        word: String,
    }
    impl Claims for Greeting {
        const TYPE: &'static str = "greeting+jws";
    }

    fn with_header(header: &str, payload: &str, key: &SoftwareKey) -> String {
        let input =
            format!("{}.{}", BASE64URL_NOPAD.encode(header.as_bytes()), BASE64URL_NOPAD.encode(payload.as_bytes()));
        let signature = key.sign_now(input.as_bytes()).unwrap();
        format!("{input}.{}", BASE64URL_NOPAD.encode(&signature))
    }

    #[test]
    fn one_changed_field_is_refused_by_name() {
        let (key, _) = SoftwareKey::generate().unwrap();
        let (other, _) = SoftwareKey::generate().unwrap();
        let kid = key.public().thumbprint();
        let header = format!(r#"{{"alg":"ES256","kid":"{kid}","typ":"greeting+jws"}}"#);
        let payload = r#"{"word":"halt"}"#;
        let good = with_header(&header, payload, &key);
        assert_eq!(verify(&good, &key.public()), Ok(Greeting { word: "halt".into() }));

        let refused = |compact: &str| verify::<Greeting>(compact, &key.public()).unwrap_err();
        let header_with = |from: &str, to: &str| refused(&with_header(&header.replace(from, to), payload, &key));
        assert_eq!(header_with("ES256", "none"), Refusal::WrongAlgorithm);
        assert_eq!(header_with("ES256", "HS256"), Refusal::WrongAlgorithm);
        assert_eq!(header_with("greeting+jws", "JWT"), Refusal::WrongType);
        assert_eq!(header_with("{", r#"{"crit":["exp"],"#), Refusal::UnknownClaim);
        assert_eq!(header_with("{", r#"{"jwk":{},"#), Refusal::UnknownClaim);
        assert_eq!(header_with("{", r#"{"jku":"https://thief.example","#), Refusal::UnknownClaim);
        assert_eq!(header_with("{", r#"{"x5c":[],"#), Refusal::UnknownClaim);
        assert_eq!(header_with("{", r#"{"alg":"ES256","#), Refusal::Malformed("JWS header"), "a duplicate member");
        assert_eq!(header_with(kid.as_str(), "nobody"), Refusal::UnknownKey);
        assert_eq!(header_with(kid.as_str(), other.public().thumbprint().as_str()), Refusal::UnknownKey);

        let payload_of = |payload: &str| refused(&with_header(&header, payload, &key));
        assert_eq!(payload_of(r#"{"word":"halt","also":1}"#), Refusal::UnknownClaim);
        assert_eq!(payload_of(r#"{"word":"halt","word":"pass"}"#), Refusal::Malformed("JWS claims"));
        assert_eq!(payload_of("{\"word\":\"halt\"} x"), Refusal::Malformed("JWS claims"));
        assert_eq!(payload_of(r#"["halt"]"#), Refusal::Malformed("JWS claims"), "an array for an object");
        assert_eq!(refused(&with_header(&header, payload, &other)), Refusal::BadSignature);

        assert_eq!(refused(&good[..good.len() - 1]), Refusal::Malformed("JWS signature"));
        assert_eq!(refused(&good[..good.len() - 6]), Refusal::BadSignature);
        assert_eq!(refused(&format!("{good}.")), Refusal::Malformed("JWS payload"));
        assert_eq!(refused(""), Refusal::Malformed("JWS"));
        assert_eq!(refused(&good.replace('.', "=.")), Refusal::Malformed("JWS header"));
        assert_eq!(refused(&"a".repeat(MAX_LENGTH + 1)), Refusal::TooLarge);
    }
}
