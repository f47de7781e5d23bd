//! What the shared file says.

use crate::{accepted, shared, why};
use countersign_protocol::code_file;
use countersign_protocol::otpauth::{Found, LinkRefusal, NotTaken, Taken};
use serde_json::{Value, json};

fn told(found: &Found) -> Value {
    let code = |Taken { link, warnings, group }: &Taken| {
        let warnings: Vec<_> = warnings.iter().map(|warning| warning.code()).collect();
        json!({ "link_utf8": link.to_text().as_str(), "group": group, "warnings": warnings })
    };
    let refused = |NotTaken { name, why }: &NotTaken| json!({ "name": name, "reason": why.code() });
    json!({
        "codes": found.taken.iter().map(code).collect::<Vec<_>>(),
        "not_taken": found.not_taken.iter().map(refused).collect::<Vec<_>>(),
    })
}

#[test]
fn every_file_gives_every_entry_or_says_why_not() {
    let all = shared();
    let cases = all["accepted"].as_array().unwrap();
    assert!(cases.len() >= 11);
    for case in cases {
        let (name, file) = (case["name"].as_str().unwrap(), case["file_utf8"].as_str().unwrap());
        let found = code_file::read(file.as_bytes(), case["password_utf8"].as_str());
        let found = found.unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_eq!(told(&found), case["gives"], "{name}");
        // As Windows writes it.
        let windows = format!("\u{feff}{}\r\n", file.replace('\n', "\r\n"));
        assert_eq!(code_file::read(windows.as_bytes(), case["password_utf8"].as_str()), Ok(found), "{name}");
    }
}

#[test]
fn a_password_is_asked_for_and_a_wrong_one_is_no_damage() {
    for name in ["aegis, encrypted", "2fas, encrypted", "ente, encrypted", "our own"] {
        let (file, password) = accepted(name);
        let password = password.unwrap();
        assert_eq!(why(&file, None), LinkRefusal::PasswordNeeded, "{name}");
        for wrong in ["", "correct horse", &password.to_uppercase(), &format!("{password} "), &"x".repeat(5000)] {
            assert_eq!(why(&file, Some(wrong)), LinkRefusal::WrongPassword, "{name}: {wrong}");
        }
    }
    for name in ["aegis, plain", "2fas, plain", "ente, plain", "cxf"] {
        let (file, password) = accepted(name);
        assert!(password.is_none() && code_file::read(file.as_bytes(), Some("not asked for")).is_ok(), "{name}");
    }
}

#[test]
fn one_change_refuses_the_file_for_its_own_reason() {
    let all = shared();
    let cases = all["refused"].as_array().unwrap();
    assert!(cases.len() >= 45);
    for case in cases {
        let (like, name) = (case["like"].as_str().unwrap(), case["name"].as_str().unwrap());
        let (file, password) = accepted(like);
        let mut file: Value = serde_json::from_str(&file).unwrap();
        let mut place = &mut file;
        for step in case["path"].as_array().unwrap() {
            place = match step.as_u64() {
                Some(at) => &mut place[usize::try_from(at).unwrap()],
                None => &mut place[step.as_str().unwrap()],
            };
        }
        *place = case["value"].clone();
        assert_eq!(why(&file.to_string(), password.as_deref()).code(), case["code"], "{like}: {name}");
    }
}
