//! Files that nobody's app wrote.

use crate::{accepted, why};
use countersign_protocol::code_file::{self, MAX_FILE};
use countersign_protocol::otpauth::LinkRefusal;
use serde_json::{Value, json};

const LINK: &str = "otpauth://totp/ACME:maya?secret=JBSWY3DPEHPK3PXP";

#[test]
fn what_is_no_export_is_said_to_be_none() {
    for text in ["{}", "[]", "{\"hello\":\"world\"}", "[{\"secret\":\"JBSWY3DPEHPK3PXP\"}]", "{\"db\":{}}"] {
        assert_eq!(why(text, None), LinkRefusal::UnknownFile, "{text}");
    }
    for text in ["", "   \r\n", "\u{feff}", "hello"] {
        assert_eq!(why(text, None), LinkRefusal::NoLink, "{text:?}");
    }
    for bytes in [&b"\xff\xfe{\x00}\x00"[..], b"PK\x03\x04\xff", &[0x80; 100]] {
        assert_eq!(code_file::read(bytes, None), Err(LinkRefusal::UnknownFile), "{bytes:?}");
    }
}

#[test]
fn a_text_of_links_is_read_to_its_end() {
    let text = format!("# mine\n\n{LINK}\r\n{LINK}\nGEZDGNBV\n\n{LINK}&digits=8\nduo://\n{LINK}&digits=7\n");
    let found = code_file::read(text.as_bytes(), None).unwrap();
    let why: Vec<_> = found.not_taken.iter().map(|one| (one.name.as_str(), one.why.code())).collect();
    assert_eq!(found.taken.len(), 2);
    assert_eq!(why, [("ACME, maya", "not_alone"); 2], "what may be the rest of a link makes it doubtful, and no other");
    let many: String = (0..3000).map(|digits| format!("{LINK}&image={digits:0>100}\n")).collect();
    assert!(many.len() > 400_000, "longer than what is pasted");
    assert_eq!(code_file::read(many.as_bytes(), Some("x")).unwrap().taken.len(), 3000);
}

#[test]
fn a_cut_file_is_damaged_wherever_it_is_cut() {
    for name in
        ["aegis, plain", "aegis, encrypted", "2fas, plain", "2fas, encrypted", "ente, encrypted", "cxf", "our own"]
    {
        let (file, password) = accepted(name);
        for cut in (1..file.len()).filter(|cut| file.is_char_boundary(*cut)).step_by(7) {
            assert_eq!(why(&file[..cut], password.as_deref()), LinkRefusal::DamagedFile, "{name} {cut}");
        }
        assert_eq!(why(&format!("{file}}}"), password.as_deref()), LinkRefusal::DamagedFile, "{name}");
    }
}

#[test]
fn what_lies_deep_is_not_followed() {
    for depth in [100, 1000, 1_000_000] {
        for (opens, closes) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = format!("{}1{}", opens.repeat(depth), closes.repeat(depth));
            for text in [
                format!("{{\"accounts\":{deep},\"version\":{{\"major\":1}}}}"),
                format!("{{\"kdfParams\":{{\"salt\":{deep}}}}}"),
                format!("{{\"header\":{{}},\"db\":{{\"entries\":{deep}}},\"version\":1}}"),
            ] {
                let why = code_file::read(text.as_bytes(), Some("x")).map(|found| found.taken.len());
                let expected = [Ok(0), Err(LinkRefusal::DamagedFile), Err(LinkRefusal::LargeFile)];
                assert!(expected.contains(&why), "{depth} {opens}: {why:?}");
            }
        }
    }
    let mut collection = json!({ "title": "x", "items": [] });
    for _ in 0..40 {
        collection = json!({ "title": "x", "items": [], "subCollections": [collection] });
    }
    let (cxf, _) = accepted("cxf");
    let mut cxf: Value = serde_json::from_str(&cxf).unwrap();
    cxf["accounts"][0]["collections"] = json!([collection]);
    assert_eq!(code_file::read(cxf.to_string().as_bytes(), None).unwrap().taken.len(), 2, "the codes are there");
}

#[test]
fn what_is_large_is_not_read() {
    assert_eq!(code_file::read(&vec![b' '; MAX_FILE + 1], None), Err(LinkRefusal::LargeFile));
    assert_eq!(code_file::read(&vec![b' '; MAX_FILE], None), Err(LinkRefusal::NoLink));
    let base64 = "A".repeat(MAX_FILE - 1000);
    let sealed = format!(
        "{{\"version\":1,\"kdfParams\":{{\"memLimit\":8192,\"opsLimit\":1,\"salt\":\"AAAAAAAAAAAAAAAAAAAAAA==\"}},\
         \"encryptedData\":\"{}\",\"encryptionNonce\":\"{}\"}}",
        &base64[..base64.len() / 4 * 4],
        "A".repeat(32)
    );
    assert_eq!(why(&sealed, Some("x")), LinkRefusal::WrongPassword);
    let empty = |count: usize, one: &str| {
        format!(
            "{{\"version\":1,\"header\":{{}},\"db\":{{\"version\":3,\"entries\":[{}{one}]}}}}",
            format!("{one},").repeat(count)
        )
    };
    let few = code_file::read(empty(4999, "{}").as_bytes(), None).unwrap();
    assert_eq!(few.not_taken.len(), 5000);
    for (count, one) in [(5000, "{}"), (200_000, "{}"), (1_000_000, "0"), (7_000_000, "0")] {
        assert_eq!(why(&empty(count, one), None), LinkRefusal::LargeFile, "{count} {one}");
    }
    let links = format!("{LINK}\n").repeat(5001);
    assert_eq!(why(&links, None), LinkRefusal::LargeFile);
}

#[test]
fn many_keys_cost_no_more_than_one() {
    let (file, password) = accepted("aegis, encrypted");
    let mut file: Value = serde_json::from_str(&file).unwrap();
    let slot = file["header"]["slots"][1].clone();
    file["header"]["slots"] = json!(vec![slot; 1100]);
    assert_eq!(why(&file.to_string(), password.as_deref()), LinkRefusal::TooCostly);
}

#[test]
fn a_long_salt_is_no_salt() {
    let (file, password) = accepted("2fas, encrypted");
    let mut file: Value = serde_json::from_str(&file).unwrap();
    let sealed = file["servicesEncrypted"].as_str().unwrap();
    let parts: Vec<&str> = sealed.split(':').collect();
    file["servicesEncrypted"] = json!([parts[0], &"A".repeat(1_000_000), parts[2]].join(":"));
    assert_eq!(why(&file.to_string(), password.as_deref()), LinkRefusal::DamagedFile);
}

#[test]
fn a_member_that_comes_twice_is_refused() {
    let (file, _) = accepted("aegis, plain");
    let twice = file.replacen("{\"version\":1,", "{\"version\":1,\"version\":1,", 1);
    assert_ne!(twice, file);
    assert_eq!(why(&twice, None), LinkRefusal::DamagedFile);
    let secret = file.replacen("\"algo\":", "\"secret\":\"GEZDGNBVGY3TQOJQ\",\"algo\":", 1);
    assert_eq!(why(&secret, None), LinkRefusal::DamagedFile, "nobody can say which secret is meant");
}

#[test]
fn nothing_that_is_printed_tells_a_secret() {
    for name in ["aegis, plain", "2fas, plain", "ente, plain", "cxf", "our own"] {
        let (file, password) = accepted(name);
        let found = code_file::read(file.as_bytes(), password.as_deref()).unwrap();
        let printed = format!("{found:?}");
        for secret in ["JBSWY3D", "GEZDGNBV", "hunter2", "Hello!"] {
            assert!(!printed.contains(secret), "{name}: {printed}");
        }
    }
}
