//! What others wrote and the terminal prints: names, messages, errors. None of it moves the cursor, turns the writing
//! or begins a line.

use crate::terminal::{Terminal, ask};
use countersign_protocol::text::misleads;
use countersign_tests::program::{Ended, Installation, command, phone_command, run};
use countersign_tests::world::network::{Behaviour, Network};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};

/// What a terminal would obey, and a line that looks like one of ours.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;x\u{7}\r\u{8}\u{9b}1A\u{7f}\u{202e}\u{2066}\nIs this you?";

/// Fails for anything that a terminal obeys, and for a line that others have begun.
fn harmless(what: &str, printed: &str) {
    let obeyed = printed.chars().find(|character| misleads(*character) && *character != '\n');
    assert_eq!(obeyed, None, "{what}: {printed:?}");
    let ours = printed.lines().filter(|line| line.starts_with("Is this you?")).count();
    assert!(ours <= 1, "{what}: {printed}");
}

fn both_harmless(what: &str, ended: &Ended) {
    harmless(what, &ended.out);
    harmless(what, &ended.err);
}

/// A phone in whose store every name and text is hostile.
async fn hostile_store(world: &Installation) -> Terminal {
    let phone = Terminal::enrolled(world).await;
    ask(world).await;
    assert_eq!(phone.pending().await.len(), 1);
    let database = rusqlite::Connection::open(phone.0.path().join("authenticator.db")).unwrap();
    let columns = ["organisation", "account", "device_name"].map(|column| format!("{column} = ?1")).join(", ");
    database.execute(&format!("UPDATE enrolment SET {columns}"), [HOSTILE]).unwrap();
    let compact: String = database.query_row("SELECT compact FROM challenge", [], |row| row.get(0)).unwrap();
    let parts: Vec<&str> = compact.split('.').collect();
    let mut claims: Value = serde_json::from_slice(&BASE64URL_NOPAD.decode(parts[1].as_bytes()).unwrap()).unwrap();
    for name in ["relying_party", "account", "binding_message"] {
        claims[name] = json!(HOSTILE);
    }
    claims["details"] = json!([{ "label": HOSTILE, "value": HOSTILE }]);
    claims["context"] = json!({ "ip": HOSTILE, "place": HOSTILE, "browser": HOSTILE, "system": HOSTILE });
    let compact = format!("{}.{}.{}", parts[0], BASE64URL_NOPAD.encode(claims.to_string().as_bytes()), parts[2]);
    database.execute("UPDATE challenge SET compact = ?1", [compact]).unwrap();
    phone
}

/// What a command prints, for people and as JSON.
async fn prints(phone: &Terminal, arguments: &[&str]) -> [Ended; 2] {
    let mut plain = command(&["phone", "--store"]);
    plain.arg(phone.0.path()).args(arguments);
    [run(plain).await, phone.tries(arguments).await]
}

#[tokio::test]
async fn no_name_or_message_of_others_is_obeyed_by_the_terminal() {
    let world = Installation::new().await;
    let phone = hostile_store(&world).await;
    let world = world.kill().await;
    let account = phone.fails(&["list"], 4, "cannot be reached").await.json()["accounts"][0].clone();
    assert_eq!(account["organisation"], HOSTILE, "JSON means the same");
    let id = account["id"].as_str().unwrap();
    for arguments in [&["list"][..], &["code"], &["history"], &["approve", "\u{1b}[2J"], &["remove", id]] {
        for ended in prints(&phone, arguments).await {
            both_harmless(&format!("{arguments:?}"), &ended);
        }
    }
    let mut watching = command(&["phone", "--store"]);
    watching.arg(phone.0.path()).arg("watch").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = watching.spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let trouble = said.next_line().await.unwrap().unwrap();
    assert!(trouble.contains("cannot be reached"), "{trouble}");
    harmless("watch", &trouble);
    let mut shown = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut prompt = String::new();
    while !prompt.contains("This was not me") {
        prompt += &shown.next_line().await.unwrap().unwrap();
        prompt += "\n";
    }
    harmless("watch", &prompt);
    child.kill().await.unwrap();
    let database = rusqlite::Connection::open(phone.0.path().join("authenticator.db")).unwrap();
    database.execute("UPDATE challenge SET outcome = 'approved', finished_at = 1", []).unwrap();
    for arguments in [&["history"][..], &["remove", "--only-here", id]] {
        let [plain, _] = prints(&phone, arguments).await;
        assert!(plain.out.contains("\\u{1b}"), "what is in it is seen: {plain:?}");
        both_harmless(&format!("{arguments:?}"), &plain);
    }
    drop(world);
}

#[tokio::test]
async fn no_word_of_a_hostile_server_is_obeyed_by_the_terminal() {
    let network = Network::open().await;
    let world = Installation::with(&[("COUNTERSIGN_PUBLIC_URL", network.url.as_str())]).await;
    network.lead_to(world.server.url.strip_prefix("http://").and_then(|address| address.parse().ok()));
    let phone = Terminal::enrolled(&world).await;
    let id = ask(&world).await;
    assert_eq!(phone.pending().await, [id.as_str()]);
    let account = phone.does(&["list"]).await["accounts"][0]["id"].as_str().unwrap().to_owned();
    let link = world.site.link(&world.user).await;
    let answer = |status: u16, media_type: &str, body: &Value| {
        let body = body.to_string();
        let head = format!("HTTP/1.1 {status} Hostile\r\nConnection: close\r\nCountersign-Nonce: x\r\n");
        let answer = format!("{head}Content-Type: {media_type}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        Behaviour::Answers(answer.into_bytes().into())
    };
    let code = format!("evil{HOSTILE}");
    let problem = json!({
        "type": format!("urn:countersign:problem:{code}"), "title": HOSTILE, "status": 422, "detail": HOSTILE,
        "code": code,
    });
    network.behave(answer(422, "application/problem+json", &problem));
    for arguments in [&["list"][..], &["watch"], &["approve", &id], &["enrol", &link], &["remove", &account]] {
        let ended = run(phone_command(phone.0.path(), arguments)).await.expect(3);
        assert!(ended.err.contains("\\u{1b}[2J"), "{arguments:?}: {ended:?}");
        both_harmless(&format!("{arguments:?}"), &ended);
    }
    let pulled = json!({
        "state": "confirmed", "challenges": [], "push": "gone", "webpush_public_key": HOSTILE, "push_failure": HOSTILE,
    });
    network.behave(answer(200, "application/json", &pulled));
    let [plain, as_json] = prints(&phone, &["list"]).await;
    assert!(plain.err.contains("No notifications arrive on this phone."), "a word of its own: {plain:?}");
    both_harmless("a push failure", &plain);
    both_harmless("a push failure", &as_json);
}

#[tokio::test]
async fn no_name_is_obeyed_by_the_operators_terminal() {
    let world = Installation::new().await;
    let phone = Terminal::enrolled(&world).await;
    drop(phone);
    let database = rusqlite::Connection::open(world.data.path().join("countersign.db")).unwrap();
    for statement in
        ["UPDATE relying_party SET name = ?1", "UPDATE account SET name = ?1", "UPDATE enrolment SET device_name = ?1"]
    {
        assert!(database.execute(statement, [HOSTILE]).unwrap() > 0, "{statement}");
    }
    for arguments in [
        &["relying-party", "list"][..],
        &["user", "list", "--organisation", "Meridian"],
        &["device", "list", "--organisation", "Meridian", "--user", &world.user],
    ] {
        for json in [&[][..], &["--json"]] {
            let mut listing = command(&["admin"]);
            listing.args(json).args(arguments).env("COUNTERSIGN_DATA_DIR", world.data.path());
            let ended = run(listing).await.expect(0);
            assert!(ended.out.contains("[2J"), "{ended:?}");
            both_harmless(&format!("{arguments:?}"), &ended);
        }
    }
}
