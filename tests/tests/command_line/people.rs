//! `countersign admin user`: people shown, found, renamed, exported, imported and deleted.

use countersign_protocol::decision::Answer::Approve;
use countersign_tests::program::{Installation, admin_command, command, run};
use serde_json::{Value, json};
use std::fmt::Write;

/// An installation, and what comes before the arguments about one of its users.
async fn here() -> (Installation, [&'static str; 2]) {
    (Installation::new().await, ["--organisation", "Meridian"])
}

#[tokio::test]
async fn a_person_is_found_by_a_part_of_the_name_whatever_its_case() {
    let (here, of) = here().await;
    for name in ["Zoë Maya", "noor", "MAYA.SMITH", "Straße"] {
        here.site.user(name).await;
    }
    let names = async |text: &str| {
        let found = here.admin(&[&["user", "search"][..], &of, &[text]].concat()).await;
        found.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("maya").await, ["MAYA.SMITH", "maya", "Zoë Maya"], "those that begin so come first");
    assert_eq!(names("ZOË").await, ["Zoë Maya"]);
    assert_eq!(names("%").await, [""; 0]);
}

#[tokio::test]
async fn a_person_is_shown_with_devices_and_the_last_sign_ins() {
    let (here, of) = here().await;
    let user = here.user.as_str();
    let device = here.device().await;
    let (challenge, compact) = device.asked(&here.site, user).await;
    device.answers(&compact, Approve).await;
    here.site.claim(&challenge, "k").await;
    let shown = here.admin(&[&["user", "show"][..], &of, &[user]].concat()).await;
    assert_eq!((&shown["name"], &shown["organisation"]), (&json!("maya"), &json!("Meridian")), "{shown}");
    assert_eq!(shown["devices"][0]["state"], "confirmed", "{shown}");
    assert!(shown["devices"][0]["last_contact_at"].is_string(), "{shown}");
    let last = &shown["last_questions"][0];
    assert_eq!((&last["state"], &last["method"]), (&json!("claimed"), &json!("push")), "{shown}");
    let mut plain = command(&["admin", "user", "show", "--organisation", "Meridian", user]);
    plain.env("COUNTERSIGN_DATA_DIR", here.data.path());
    let plain = run(plain).await.expect(0).out;
    assert!(plain.contains("\nlast_questions:\n") && plain.contains("CHALLENGE"), "{plain}");
}

#[tokio::test]
async fn a_person_is_shown_with_the_backup_codes_that_are_left() {
    let (here, of) = here().await;
    let user = here.user.as_str();
    let device = here.device().await;
    let made = here.site.post(&format!("/v1/users/{user}/backup-codes"), &Value::Null).await;
    let challenge = here.site.ask(user).await;
    let answer = json!({ "code": made.body["codes"][4], "challenge_id": challenge });
    assert_eq!(here.site.post(&format!("/v1/users/{user}/codes/verify"), &answer).await.body["valid"], true);
    let shown = here.admin(&[&["user", "show"][..], &of, &[user]].concat()).await;
    let phone = &shown["authenticators"][0];
    assert_eq!((&phone["device"], phone.get("left")), (&json!(device.id()), None), "{shown}");
    let set = json!({
        "id": made.body["id"], "name": "Backup codes", "state": "confirmed", "device": null, "locked": false, "left": 9,
    });
    assert_eq!(shown["authenticators"][1], set);
    assert_eq!(shown["last_questions"][0]["method"], "backup_code", "{shown}");
    let mut plain = command(&["admin", "user", "show", "--organisation", "Meridian", user]);
    plain.env("COUNTERSIGN_DATA_DIR", here.data.path());
    let plain = run(plain).await.expect(0).out;
    let columns = |beginning: &str| {
        let line = plain.lines().find(|line| line.contains(beginning)).unwrap_or_else(|| panic!("{plain}"));
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(columns("LEFT"), ["ID", "NAME", "STATE", "LEFT", "LOCKED", "DEVICE"]);
    assert_eq!(columns("Backup codes")[1..], ["Backup codes", "confirmed", "9", "no", "-"]);
}

#[tokio::test]
async fn all_devices_end_and_are_listed_with_why_and_since_when() {
    let (here, of) = here().await;
    let user = here.user.as_str();
    let (one, two) = (here.device().await, here.device().await);
    let revoked = here.admin(&[&["user", "revoke-all"][..], &of, &[user]].concat()).await;
    assert_eq!(revoked, json!({ "id": user, "devices": 2 }));
    let list = [&["device", "list"][..], &of, &["--user", user]].concat();
    assert_eq!(here.admin(&list).await, json!([]));
    let all = here.admin(&[&list[..], &["--all"]].concat()).await;
    for (listed, device) in all.as_array().unwrap().iter().zip([&one, &two]) {
        assert_eq!(listed["id"], json!(device.id()));
        assert_eq!((&listed["state"], &listed["end_reason"]), (&json!("void"), &json!("revoked")), "{listed}");
        assert!(listed["ended_at"].is_string() && listed["last_contact_at"].is_string(), "{listed}");
    }
}

#[tokio::test]
async fn a_person_is_renamed_unless_somebody_else_is_called_so() {
    let (here, of) = here().await;
    let user = here.user.as_str();
    here.site.user("noor").await;
    let rename = |name: &'static str| [&["user", "rename"][..], &of, &[user, name]].concat();
    here.refuses(&rename("noor"), 3, "has a user of this name").await;
    here.refuses(&rename("a\u{202e}b"), 2, "1 to 100 characters").await;
    assert_eq!(here.admin(&rename("Maya S.")).await, json!({ "id": user, "name": "Maya S." }));
    assert_eq!(here.site.user("Maya S.").await, user, "it is the same person");
}

#[tokio::test]
async fn a_person_is_deleted_once_somebody_has_said_yes() {
    let (here, of) = here().await;
    let user = here.user.as_str();
    let device = here.device().await;
    let (challenge, _) = device.asked(&here.site, user).await;
    let delete = [&["user", "delete"][..], &of, &[user]].concat();
    here.refuses(&delete, 2, "say --yes").await;
    assert_eq!(here.site.state(&challenge).await, "pending", "nothing was deleted");
    let deleted = here.admin(&[&delete[..], &["--yes", "--reason", "left the company"]].concat()).await;
    assert_eq!((&deleted["devices"], &deleted["questions_taken_back"]), (&json!(1), &json!(1)), "{deleted}");
    assert!(deleted["kept"].as_str().unwrap().contains("[retention]"), "{deleted}");
    assert_eq!(here.site.state(&challenge).await, "cancelled");
    here.refuses(&[&delete[..], &["--yes"]].concat(), 3, "no user of this id").await;
    let lines = here.admin(&["journal", "--user", user, "--what", "account.deleted"]).await;
    assert_eq!((lines.as_array().unwrap().len(), &lines[0]["reason"]), (1, &json!("left the company")));
    assert!(!lines.to_string().contains("maya"), "the journal never had the name");
}

#[tokio::test]
async fn what_is_kept_of_a_person_is_given_out_without_secrets() {
    let (here, of) = here().await;
    let user = here.user.as_str();
    let device = here.device().await;
    let body = json!({ "binding_message": "Invoice 7", "context": { "ip": "203.0.113.7" } });
    let asked = here.site.ask_for(user, body).await.body["id"].clone();
    device.pull().await;
    let moving = json!({ "user_id": user, "device_id": device.id(), "reason": "the screen broke" });
    assert_eq!(here.site.post("/v1/moves", &moving).await.status, 201);
    let export = here.admin(&[&["user", "export"][..], &of, &[user]].concat()).await;
    let question = &export["questions"][0];
    assert_eq!(question["challenge"], asked, "{export}");
    assert_eq!(question["shown"]["binding_message"], "Invoice 7", "{export}");
    assert_eq!(question["shown"]["context"]["ip"], "203.0.113.7", "also what was said of where they were");
    assert_eq!(export["devices"][0]["name"], "Handmade");
    let moving = &export["moves"][0];
    assert_eq!((&moving["reason"], &moving["state"]), (&json!("the screen broke"), &json!("armed")), "{export}");
    let facts: Vec<&str> =
        export["journal"].as_array().unwrap().iter().map(|line| line["what"].as_str().unwrap()).collect();
    assert!(facts.contains(&"device.confirmed") && facts.contains(&"account.exported"), "{facts:?}");
    let database = rusqlite::Connection::open(here.data.path().join("countersign.db")).unwrap();
    let (secret, ticket): (Vec<u8>, Vec<u8>) = database
        .query_row(
            "SELECT c.secret, e.ticket_sha256 FROM code_authenticator c JOIN enrolment e ON e.row_id = c.enrolment",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    let text = export.to_string();
    for bytes in [&secret, &ticket] {
        assert!(!text.contains(&data_encoding::BASE64URL_NOPAD.encode(bytes)));
        assert!(!text.contains(&data_encoding::HEXLOWER.encode(bytes)));
    }
    for word in ["secret", "ticket", "endpoint", "token"] {
        assert!(!text.contains(word), "{word}");
    }
}

/// What importing this text came to.
async fn import(here: &Installation, text: &[u8], more: &[&str], code: i32) -> (Value, String) {
    let file = here.data.path().join("people.csv");
    std::fs::write(&file, text).unwrap();
    let arguments = [&["user", "import", "--organisation", "Meridian", file.to_str().unwrap()], more].concat();
    let ended = run(admin_command(here.data.path(), &arguments)).await.expect(code);
    (serde_json::from_str(&ended.out).unwrap_or_default(), ended.err)
}

async fn users(here: &Installation) -> usize {
    here.admin(&["user", "list", "--organisation", "Meridian"]).await.as_array().unwrap().len()
}

#[tokio::test]
async fn people_are_imported_and_the_same_file_changes_nothing_again() {
    let (here, _) = here().await;
    let mut text = "\u{feff}id,Name\n".to_owned();
    for number in 0..1234 {
        writeln!(text, "{number},\"Person, {number}\"").unwrap();
    }
    text.push_str("x,maya\n");
    let (imported, _) = import(&here, text.as_bytes(), &[], 0).await;
    assert_eq!(imported, json!({ "new": 1234, "known": 1, "left_out": 0 }));
    assert_eq!(users(&here).await, 1235);
    let (again, _) = import(&here, text.as_bytes(), &[], 0).await;
    assert_eq!(again, json!({ "new": 0, "known": 1235, "left_out": 0 }));
    let lines = here.admin(&["journal", "--what", "account.created", "--limit", "5000"]).await;
    assert_eq!(lines.as_array().unwrap().len(), 1235, "each is a line of the journal");
}

#[tokio::test]
async fn a_file_with_a_bad_line_imports_nothing_and_names_it() {
    let (here, _) = here().await;
    let text = b"name,mail\nnoor,n@x\n,nobody@x\n\"two\nlines\",x\nzo\xff,x\nomar\n";
    let (_, told) = import(&here, text, &[], 3).await;
    let detail: Value = serde_json::from_str(&told).unwrap();
    let detail = detail["detail"].as_str().unwrap();
    for words in ["3 lines cannot be imported, so nothing was", "line 3: ", "line 4: ", "line 6: it is not UTF-8"] {
        assert!(detail.contains(words), "{words}: {detail}");
    }
    assert_eq!(users(&here).await, 1, "nothing half done");
    let (imported, told) = import(&here, text, &["--continue"], 0).await;
    assert_eq!(imported, json!({ "new": 2, "known": 0, "left_out": 3 }), "{told}");
    assert!(told.contains("line 6: "), "{told}");
}

#[tokio::test]
async fn a_file_that_is_no_list_of_people_is_refused_with_what_is_missing() {
    let (here, _) = here().await;
    for (text, words) in [(&b"mail\nx@y\n"[..], "names no column"), (b"", "names no column"), (b"\xff\xfe", "header")] {
        let (_, told) = import(&here, text, &[], 2).await;
        assert!(told.contains(words), "{words}: {told}");
    }
    let missing = ["user", "import", "--organisation", "Meridian", "/nonexistent.csv"];
    here.refuses(&missing, 2, "cannot be read").await;
    let nowhere = ["user", "import", "--organisation", "Nowhere", "/nonexistent.csv"];
    here.refuses(&nowhere, 3, "no organisation").await;
}
