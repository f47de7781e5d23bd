//! `countersign phone` and files of codes.

use crate::terminal::Terminal;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const PASSWORD: &str = "five words or some more";

/// A file in a folder of this test.
fn file(folder: &Path, name: &str, text: &str) -> String {
    let path: PathBuf = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A file of links, of which one is in the export of Aegis too.
fn links(folder: &Path) -> String {
    file(folder, "acme.txt", "otpauth://totp/ACME:maya%40example.org?secret=JBSWY3DPEHPK3PXP\n")
}

/// The accepted case of this name in the shared file.
fn shared(name: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("../../vectors/code_files.json")).unwrap();
    all["accepted"].as_array().unwrap().iter().find(|case| case["name"] == name).unwrap().clone()
}

#[tokio::test]
async fn a_file_of_another_app_is_added_with_its_password() {
    let (phone, folder) = (Terminal::new(), tempfile::tempdir().unwrap());
    let case = shared("aegis, encrypted");
    let vault = file(folder.path(), "aegis.json", case["file_utf8"].as_str().unwrap());
    let password = file(folder.path(), "password", &format!("{}\n", case["password_utf8"].as_str().unwrap()));
    let wrong = file(folder.path(), "wrong", "another\n");
    // No terminal is there to ask in.
    phone.fails(&["add", &vault], 2, "say --password-file FILE").await;
    phone.fails(&["add", &vault, "--password-file", &wrong], 3, "The file does not open with this password.").await;
    let ended = phone.fails(&["add", &vault, "--password-file", &password], 3, "10 of 14 could not be added").await;
    let told = ended.json();
    assert_eq!(told["codes"][1]["warnings"], json!(["note_left"]));
    let reasons: Vec<&str> =
        told["not_taken"].as_array().unwrap().iter().map(|one| one["reason"].as_str().unwrap()).collect();
    let expected = case["gives"]["not_taken"].as_array().unwrap().iter().map(|one| one["reason"].as_str().unwrap());
    assert!(reasons.iter().copied().eq(expected), "{told}");
    assert!(told["not_taken"][5]["message"].as_str().unwrap().contains("Yandex Key"), "{told}");
    let words = phone.says(&["add", &links(folder.path())]).await;
    assert!(words.contains("maya@example.org at ACME is on this phone already."), "{words}");
    let all = phone.does(&["code"]).await;
    let rows = all["codes"].as_array().unwrap().iter().map(|one| json!([one["service"], one["group"]]));
    let expected = json!([["ACME", "Work"], ["Bank of Zoë", null], ["Steam", null], ["Forge", "Home"]]);
    assert_eq!(Value::from_iter(rows), expected);
    assert!(phone.says(&["code", "--find", "work"]).await.ends_with("maya@example.org at ACME (Work)\n"));
    phone.fails(&["code", "--find", "nobody"], 3, "no code of another service").await;
}

#[tokio::test]
async fn codes_are_arranged_exported_and_taken_in_elsewhere() {
    let (phone, folder) = (Terminal::new(), tempfile::tempdir().unwrap());
    let links = "otpauth://totp/Forge:maya?secret=JBSWY3DPEHPK3PXP\notpauth://totp/Bank:maya?secret=GEZDGNBVGY3TQOJQ\n";
    let links = file(folder.path(), "links.txt", links);
    let password = file(folder.path(), "password", &format!("{PASSWORD}\n"));
    let short = file(folder.path(), "short", "short\n");
    let export = folder.path().join("codes.json").to_str().unwrap().to_owned();
    phone.fails(&["export-codes", &export, "--password-file", &password], 3, "nothing was written").await;
    let added = phone.does(&["add", &links]).await;
    let bank = added["codes"][1]["id"].as_str().unwrap().to_owned();
    assert_eq!(phone.does(&["rename", &bank, "--group", "Money"]).await["group"], "Money");
    assert_eq!(phone.does(&["arrange", &bank[..9]]).await["codes"][0]["service"], "Bank");

    phone.fails(&["export-codes", &export], 2, "say --password-file FILE").await;
    phone.fails(&["export-codes", &export, "--password-file", &short], 3, "fewer than 15 characters").await;
    assert!(!Path::new(&export).exists(), "nothing is left of what was refused");
    let told = phone.says(&["export-codes", &export, "--password-file", &password]).await;
    assert!(told.starts_with("Wrote 2 codes to ") && told.contains("their keys never leave the phone"), "{told}");
    let written = std::fs::read_to_string(&export).unwrap();
    assert!(!written.contains("JBSWY3DP") && !written.contains(PASSWORD) && !written.contains("Forge"));
    phone.fails(&["export-codes", &export, "--password-file", &password], 3, "is there already").await;

    let other = Terminal::new();
    other.does(&["add", &export, "--password-file", &password]).await;
    let kept = other.does(&["list"]).await["codes"].clone();
    assert_eq!(
        (&kept[0]["issuer"], &kept[0]["group"], &kept[1]["issuer"]),
        (&json!("Bank"), &json!("Money"), &json!("Forge"))
    );

    let open = folder.path().join("open.txt").to_str().unwrap().to_owned();
    let told = phone.says(&["export-codes", &open, "--unencrypted"]).await;
    assert!(told.contains("Nothing protects this file"), "{told}");
    assert!(std::fs::read_to_string(&open).unwrap().contains("secret=JBSWY3DPEHPK3PXP"));
    let both = ["export-codes", &export, "--unencrypted", "--password-file", &password];
    phone.fails(&both, 2, "cannot be used with").await;
}
