//! RFC 4226 and RFC 6238: our codes are the published ones.

use crate::files::{list, read};
use countersign_protocol::one_time_code::{Algorithm, Hotp, Secret, Totp};
use countersign_protocol::time::Timestamp;
use countersign_vectors::case::{bytes, count, integer, member, text_of};
use ring::hmac;
use serde_json::Value;

fn number<T: TryFrom<i64>>(object: &Value, name: &str) -> T {
    T::try_from(integer(object, name)).unwrap_or_else(|_| panic!("{name} is out of range"))
}

#[test]
fn rfc4226_codes_are_ours() {
    let file = read("rfc4226.json");
    let secret = Secret::new(&bytes(&file, "secret_hex")).unwrap();
    let mut hotp = Hotp::new(secret, Algorithm::Sha1, number(&file, "digits"), 0).unwrap();
    for (place, vector) in list(&file, "vectors", 10).iter().enumerate() {
        assert_eq!(count(vector, "count"), place);
        let (code, next) = hotp.take();
        assert_eq!(code, text_of(vector, "hotp_utf8"), "count {place}");
        assert_eq!(code, next.code_at(number(vector, "count")), "count {place}");
        hotp = next;
    }
    assert_eq!(hotp.counter(), 10);
}

/// The column between the secret and the code, which no code of ours gives out and other languages may read.
#[test]
fn rfc4226_hmacs_are_those_of_the_secret() {
    let file = read("rfc4226.json");
    let secret = bytes(&file, "secret_hex");
    assert_eq!(secret, bytes(&file, "secret_utf8"));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
    for vector in list(&file, "vectors", 10) {
        let mac = hmac::sign(&key, &number::<u64>(vector, "count").to_be_bytes());
        assert_eq!(mac.as_ref(), bytes(vector, "hmac_sha1_hex"), "{vector}");
    }
}

#[test]
fn rfc6238_codes_are_ours() {
    let file = read("rfc6238.json");
    assert_eq!(integer(&file, "t0"), 0, "ours begin at the epoch");
    let (digits, period) = (number(&file, "digits"), number(&file, "time_step"));
    for vector in list(&file, "vectors", 18) {
        let mode = text_of(vector, "mode");
        let seed = member(member(&file, "seeds"), mode);
        assert_eq!(bytes(seed, "seed_hex"), bytes(seed, "seed_utf8"));
        let secret = Secret::new(&bytes(seed, "seed_hex")).unwrap();
        let algorithm: Algorithm = mode.parse().unwrap();
        let totp = Totp::new(secret.clone(), algorithm, digits, period).unwrap();
        let now = Timestamp::from_seconds(integer(vector, "time"));
        let (step, expected) = (totp.step(now), text_of(vector, "totp_utf8"));
        assert_eq!(step.to_be_bytes().as_slice(), bytes(vector, "t_hex"), "{vector}");
        assert_eq!(totp.now(now).code, expected, "{vector}");
        assert_eq!(totp.code_at_step(step), expected, "{vector}");
        assert_eq!(totp.find(expected, step - 1..=step + 1), Some(step), "{vector}");
        // By time is by counter, with the step as the counter (RFC 6238, section 4.2).
        assert_eq!(Hotp::new(secret, algorithm, digits, step).unwrap().code_at(step), expected, "{vector}");
    }
    for mode in ["SHA1", "SHA256", "SHA512"] {
        let rows = list(&file, "vectors", 18).iter().filter(|vector| text_of(vector, "mode") == mode);
        assert_eq!(rows.count(), 6, "{mode}");
    }
}
