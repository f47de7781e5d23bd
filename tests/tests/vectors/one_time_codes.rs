//! RFC 4226 and RFC 6238. Nothing of ours makes such codes; the files are proven for the suites that do.

use crate::files::{bytes, count, integer, list, member, read, text_of};
use ring::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, HMAC_SHA512};

/// Dynamic truncation (RFC 4226, section 5.3).
fn truncate(mac: &[u8], digits: usize) -> String {
    let offset = usize::from(mac[mac.len() - 1] & 0x0f);
    let word: [u8; 4] = mac[offset..offset + 4].try_into().unwrap();
    let number = u32::from_be_bytes(word) & 0x7fff_ffff;
    format!("{:0digits$}", number % 10_u32.pow(u32::try_from(digits).unwrap()))
}

#[test]
fn rfc4226_codes_follow_from_the_secret() {
    let file = read("rfc4226.json");
    let secret = bytes(&file, "secret_hex");
    assert_eq!(secret, bytes(&file, "secret_utf8"));
    let key = hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
    let vectors = list(&file, "vectors", 10);
    for (place, vector) in vectors.iter().enumerate() {
        assert_eq!(count(vector, "count"), place);
        let mac = hmac::sign(&key, &integer(vector, "count").to_be_bytes());
        assert_eq!(mac.as_ref(), bytes(vector, "hmac_sha1_hex"), "count {place}");
        assert_eq!(truncate(mac.as_ref(), count(&file, "digits")), text_of(vector, "hotp_utf8"), "count {place}");
    }
}

#[test]
fn rfc6238_codes_follow_from_the_seeds() {
    let file = read("rfc6238.json");
    let key = |mode: &str| {
        let seed = member(member(&file, "seeds"), mode);
        assert_eq!(bytes(seed, "seed_hex"), bytes(seed, "seed_utf8"));
        let algorithm = match mode {
            "SHA1" => HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            "SHA256" => HMAC_SHA256,
            "SHA512" => HMAC_SHA512,
            other => panic!("mode {other}"),
        };
        hmac::Key::new(algorithm, &bytes(seed, "seed_hex"))
    };
    for vector in list(&file, "vectors", 18) {
        let steps = (integer(vector, "time") - integer(&file, "t0")) / integer(&file, "time_step");
        assert_eq!(steps.to_be_bytes().as_slice(), bytes(vector, "t_hex"));
        let mac = hmac::sign(&key(text_of(vector, "mode")), &steps.to_be_bytes());
        assert_eq!(truncate(mac.as_ref(), count(&file, "digits")), text_of(vector, "totp_utf8"), "{vector}");
    }
    for mode in ["SHA1", "SHA256", "SHA512"] {
        let rows = list(&file, "vectors", 18).iter().filter(|vector| text_of(vector, "mode") == mode);
        assert_eq!(rows.count(), 6, "{mode}");
    }
}
