//! The checks that suites in other languages ask for by name give what the RFCs print.

use crate::files::{list, read};
use countersign_protocol::Refusal;
use countersign_vectors::case::{integer, member, text_of};
use countersign_vectors::run;
use serde_json::{Value, json};

#[test]
fn codes_by_name_are_the_published_ones() {
    let file = read("rfc4226.json");
    for vector in list(&file, "vectors", 10) {
        let inputs = json!({ "secret_hex": file["secret_hex"], "digits": file["digits"], "count": vector["count"] });
        assert_eq!(run("hotp", &inputs), Ok(json!({ "code_utf8": vector["hotp_utf8"] })));
    }
    let file = read("rfc6238.json");
    for vector in list(&file, "vectors", 18) {
        let seed = member(&file["seeds"], text_of(vector, "mode"));
        let inputs = json!({
            "secret_hex": seed["seed_hex"], "algorithm": vector["mode"], "digits": file["digits"],
            "period": integer(&file, "time_step"), "time": vector["time"],
        });
        assert_eq!(run("totp", &inputs), Ok(json!({ "code_utf8": vector["totp_utf8"] })));
    }
}

#[test]
fn keys_by_name_verify_and_have_their_thumbprints() {
    let file = read("rfc7515.json");
    let input = format!("{}.{}", text_of(&file, "protected_header_b64u"), text_of(&file, "payload_b64u"));
    let inputs =
        |input: &str| json!({ "jwk": file["jwk"], "input_utf8": input, "signature_b64u": file["signature_b64u"] });
    assert_eq!(run("signature", &inputs(&input)), Ok(json!({})));
    assert_eq!(run("signature", &inputs(&format!("{input}x"))), Err(Refusal::BadSignature));
    let of_curve = |vector: &&Value| vector["jwk"]["kty"] == "EC";
    for vector in list(&read("rfc7638.json"), "vectors", 2).iter().filter(of_curve) {
        let expected = json!({ "thumbprint_b64u": vector["thumbprint_sha256_b64u"] });
        assert_eq!(run("thumbprint", &json!({ "jwk": vector["jwk"] })), Ok(expected));
    }
}

#[test]
fn messages_by_name_open() {
    let file = read("rfc8291.json");
    assert_eq!(run("web_push", &file), Ok(json!({ "plaintext_b64u": file["plaintext_b64u"] })));
    let mut file = read("rfc9180.json");
    let message = file["encryptions"][0].clone();
    for name in ["aad_hex", "ct_hex"] {
        file[name] = message[name].clone();
    }
    assert_eq!(run("hpke", &file), Ok(json!({ "pt_hex": message["pt_hex"] })));
    file["info_hex"] = json!("00");
    assert_eq!(run("hpke", &file), Err(Refusal::CannotOpen));
}
