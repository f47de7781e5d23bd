//! `countersign phone` against a running server: a whole phone in a terminal, for people and for programs.

use crate::terminal::{Terminal, Watching, ask, confirm};
use countersign_tests::program::{Installation, Program, terminate};
use serde_json::{Value, json};
use std::path::Path;

#[tokio::test]
async fn a_phone_enrols_sees_a_question_approves_it_and_remembers() {
    let world = Installation::new().await;
    let phone = Terminal::new();
    let link = world.site.link(&world.user).await;
    let account = phone.does(&["enrol", "--name", "Maya's terminal", &link]).await;
    assert_eq!(account["state"], "proposed");
    assert_eq!(account["confirmation_code"].as_str().unwrap().len(), 6);
    let named = ["organisation", "account", "device_name", "server_url"].map(|name| account[name].as_str().unwrap());
    assert_eq!(named, ["Meridian", "maya", "Maya's terminal", &world.server.url]);
    assert_eq!(phone.does(&["list"]).await["accounts"][0]["state"], "proposed", "until the digits are typed");
    confirm(&world, &account).await;

    let context = json!({
        "ip": "192.0.2.7",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    });
    let details = json!([{ "label": "To", "value": "Meridian Hosting" }]);
    let question = json!({ "binding_message": "Pay 12 euros", "details": details, "context": context });
    let asked = world.site.ask_for(&world.user, question).await;
    let id = asked.body["id"].as_str().unwrap();
    let listed = phone.does(&["list"]).await;
    assert_eq!(listed["accounts"][0]["state"], "confirmed");
    assert_eq!(listed["accounts"][0]["confirmation_code"], Value::Null);
    let [prompt] = &listed["pending"].as_array().unwrap()[..] else { panic!("{listed}") };
    let shown = ["id", "relying_party", "organisation", "account", "binding_message"].map(|name| &prompt[name]);
    assert_eq!(shown, [id, "Customer area", "Meridian", "maya", "Pay 12 euros"]);
    assert_eq!(prompt["details"], details);
    assert_eq!(prompt["context"], json!({ "ip": "192.0.2.7", "browser": "Firefox", "system": "Linux" }));
    assert!((1..=60).contains(&prompt["seconds_left"].as_u64().unwrap()), "{prompt}");

    assert_eq!(phone.does(&["approve", &id[..6]]).await, json!({ "id": id, "outcome": "approved" }));
    assert_eq!(world.site.state(&id).await, "approved");
    assert_eq!(phone.pending().await, Vec::<Value>::new());
    let history = phone.does(&["history"]).await;
    assert_eq!(history[0]["id"], id);
    assert_eq!(history[0]["outcome"], "approved");
    assert_eq!(phone.does(&["approve", id]).await["outcome"], "approved", "the same again");
}

#[tokio::test]
async fn a_person_reads_sentences_with_the_next_step_in_them() {
    let world = Installation::new().await;
    let phone = Terminal::new();
    let store = phone.0.path().to_str().unwrap();
    let hint = format!("countersign phone --store {store} enrol 'LINK'");
    assert!(phone.says(&["list"]).await.contains(&hint), "it can be pasted");
    assert!(phone.says(&["history"]).await.contains("No requests yet."));
    let enrolled = phone.says(&["enrol", &world.site.link(&world.user).await]).await;
    assert!(enrolled.contains("maya at Meridian") && enrolled.contains("Type these digits"), "{enrolled}");
    confirm(&world, &phone.does(&["list"]).await["accounts"][0]).await;
    assert!(phone.says(&["list"]).await.contains("Nothing waits for an answer."));

    let id = ask(&world).await;
    let listed = phone.says(&["list"]).await;
    for words in ["Is this you?", "Customer area", &format!("phone --store {store} approve {id}")] {
        assert!(listed.contains(words), "{words}: {listed}");
    }
    assert_eq!(phone.says(&["approve", &id]).await, "Approved. The page goes on by itself.\n");
    let history = phone.says(&["history"]).await;
    assert!(history.starts_with(&id) && history.contains("Customer area  maya  Approved."), "{history}");
    assert!(!history.contains('\u{1b}'), "no colours where nobody looks at a terminal");
}

#[tokio::test]
async fn a_watching_phone_shows_each_question_once_until_it_is_stopped() {
    let world = Installation::new().await;
    let phone = Terminal::enrolled(&world).await;
    let known = ask(&world).await;
    assert_eq!(phone.pending().await, [known.as_str()]);

    let mut watching = Watching::start(&phone);
    assert_eq!(watching.next().await.unwrap()["id"], known, "what waits already comes first");
    let beside = ask(&world).await;
    let raised = watching.next().await.unwrap();
    assert_eq!((&raised["id"], &raised["digits"]), (&json!(known), &json!(2)), "two at one time ask for their numbers");
    assert_eq!(watching.next().await.unwrap()["id"], beside);
    let third = ask(&world).await;
    assert_eq!(watching.next().await.unwrap()["id"], third);
    // Another command on the same store answers meanwhile, and the site takes one back.
    let number = world.site.read(&known).await["number"].as_str().unwrap().to_owned();
    assert_eq!(phone.does(&["approve", &known, "--number", &number]).await["outcome"], "approved");
    world.site.cancel(&third).await;
    assert_eq!(watching.next().await.unwrap(), json!({ "id": third, "outcome": "cancelled" }));
    terminate(watching.child.id().unwrap());
    assert_eq!(watching.next().await, None, "nothing was shown twice");
    assert!(watching.child.wait().await.unwrap().success());

    Terminal::new().fails(&["watch"], 3, "add one with:").await;
}

#[tokio::test]
async fn an_answer_that_comes_too_late_hears_why() {
    let world = Installation::new().await;
    let (phone, other) = (Terminal::enrolled(&world).await, Terminal::enrolled(&world).await);
    let id = ask(&world).await;
    assert_eq!(other.pending().await, [id.as_str()]);
    assert_eq!(phone.does(&["approve", &id]).await["outcome"], "approved");
    let late = other.fails(&["deny", &id], 3, "Answered on your other phone.").await;
    assert_eq!(late.json(), json!({ "id": id, "outcome": "already_answered" }));
    assert_eq!(world.site.state(&id).await, "approved");

    let id = ask(&world).await;
    assert_eq!(phone.pending().await, [id.as_str()]);
    world.site.cancel(&id).await;
    phone.fails(&["approve", &id], 3, "took the question back").await;
    assert_eq!(world.site.state(&id).await, "cancelled");

    let question = world.site.ask_for(&world.user, json!({ "expires_in": 3 })).await;
    let id = question.body["id"].as_str().unwrap().to_owned();
    assert_eq!(phone.pending().await, [id.as_str()]);
    let waited = world.site.get(&format!("/v1/challenges/{id}?wait=60")).await;
    assert_eq!(waited.body["state"], "expired", "{waited:?}");
    let late = phone.fails(&["approve", &id], 3, "Expired: start the sign-in again.").await;
    assert_eq!(late.json(), json!({ "id": id, "outcome": "expired" }));
    let outcomes: Vec<Value> = phone.does(&["history"]).await.as_array().unwrap().to_vec();
    let outcomes: Vec<&str> = outcomes.iter().map(|one| one["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["expired", "cancelled", "approved"], "the latest first");
}

#[tokio::test]
async fn what_names_nothing_is_refused() {
    let world = Installation::new().await;
    let phone = Terminal::enrolled(&world).await;
    phone.fails(&["approve", "AAAAAAAAAAAAAAAAAAAAAA"], 3, "no such request").await;
    phone.fails(&["deny", "x"], 3, "see:").await;
    phone.fails(&["approve", ""], 3, "see:").await;
    phone.fails(&["remove", "x"], 3, "see:").await;

    phone.fails(&["enrol", "https://example.com/"], 3, "this is not a whole enrolment link").await;
    let link = world.site.link(&world.user).await;
    let (start, last) = link.split_at(link.len() - 1);
    let changed = format!("{start}{}", if last == "A" { "E" } else { "A" });
    phone.fails(&["enrol", &changed], 3, "not the one of this link").await;
    phone.does(&["enrol", &link]).await;
    Terminal::new().fails(&["enrol", &link], 3, "used this link before").await;
    Terminal::new().fails(&["enrol", &link], 3, "Ask for a new link").await;
}

#[tokio::test]
async fn a_server_that_is_gone_is_told_from_one_that_refuses() {
    let world = Installation::new().await;
    let phone = Terminal::enrolled(&world).await;
    let id = ask(&world).await;
    assert_eq!(phone.pending().await, [id.as_str()]);
    let account = phone.does(&["list"]).await["accounts"][0]["id"].as_str().unwrap().to_owned();
    let link = world.site.link(&world.user).await;
    let url = world.server.url.clone();
    world.server.kill().await;

    Terminal::new().fails(&["enrol", &link], 4, "cannot be reached").await;
    let listed = phone.fails(&["list"], 4, "Meridian: the server cannot be reached").await;
    assert_eq!(listed.json()["pending"][0]["id"], id, "what is known is shown all the same");
    phone.fails(&["approve", &id], 4, "cannot be reached").await;
    phone.fails(&["remove", &account], 4, "cannot be reached").await;
    assert_eq!(phone.fails(&["list"], 4, "").await.json()["accounts"][0]["id"], account, "nothing was removed");
    assert_eq!(phone.does(&["history"]).await, json!([]));

    let server = Program::serve_at(world.data.path(), &url).await;
    assert_eq!(phone.pending().await, Vec::<Value>::new());
    assert_eq!(world.site.state(&id).await, "approved", "the answer was kept and is delivered with the next call");
    server.kill().await;
    let removed = phone.does(&["remove", "--only-here", &account]).await;
    assert_eq!(removed, json!({ "id": account, "removed": true }));
    assert_eq!(phone.does(&["list"]).await["accounts"], json!([]));
}

#[tokio::test]
async fn a_code_is_shown_also_when_the_server_is_gone() {
    let world = Installation::new().await;
    let nobody = Terminal::new();
    nobody.fails(&["code"], 3, "add one with:").await;
    let phone = Terminal::enrolled(&world).await;
    let account = phone.does(&["list"]).await["accounts"][0].clone();
    assert!(account["clock_offset_ms"].as_i64().unwrap().abs() < 30_000, "{account}");
    let id = account["id"].as_str().unwrap();
    let code = phone.does(&["code"]).await;
    assert_eq!(code["next"].as_str().unwrap().len(), 6);
    assert!((1..=30).contains(&code["seconds_left"].as_u64().unwrap()), "{code}");
    let verified = world.site.verify(&world.user, code["code"].as_str().unwrap()).await;
    assert_eq!(verified.body["valid"], true, "{verified:?}");

    let noor = world.site.user("noor").await;
    phone.does(&["enrol", &world.site.link(&noor).await]).await;
    let both = phone.does(&["code"]).await;
    let accounts: Vec<&str> =
        both["codes"].as_array().unwrap().iter().map(|one| one["account"].as_str().unwrap()).collect();
    assert_eq!(accounts, ["maya", "noor"], "without an id, all of them");
    phone.fails(&["code", "zzzz"], 3, "see:").await;
    assert!(world.server.stop().await.success());
    let said = phone.says(&["code", &id[..8]]).await;
    let words: Vec<&str> = said.split_whitespace().collect();
    let [first, second, left, "s", "left,", "then", next, last] = words[..] else { panic!("{said}") };
    for digits in [first, second, next, last] {
        assert!(digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{said}");
    }
    assert!((1..=30).contains(&left.parse::<u64>().unwrap()), "{said}");
    drop(world.data);
}

#[tokio::test]
async fn a_removed_phone_is_forgotten_by_its_server_first() {
    let world = Installation::new().await;
    let phone = Terminal::enrolled(&world).await;
    let account = phone.does(&["list"]).await["accounts"][0]["id"].as_str().unwrap().to_owned();
    let removed = phone.does(&["remove", &account[..8]]).await;
    assert_eq!(removed, json!({ "id": account, "removed": true }));
    let asked = world.site.ask_for(&world.user, json!({})).await;
    assert_eq!((asked.status, asked.code()), (409, "no_device"), "{asked:?}");
    assert_eq!(phone.does(&["list"]).await, json!({ "accounts": [], "codes": [], "pending": [] }));
}

/// The files of a store, without the two that SQLite keeps beside an open database.
fn files(store: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |name: &str| (name.to_owned(), std::fs::read(store.join(name)).unwrap());
    let files = ["authenticator.db", "push-keyring", "push-keyring.lock", "vault.key"].map(read);
    assert_eq!(std::fs::read_dir(store).unwrap().count(), files.len(), "nothing else lies there");
    files.to_vec()
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_is_left_as_it_is() {
    let world = Installation::new().await;
    let phone = Terminal::enrolled(&world).await;
    let id = ask(&world).await;
    let copy = Terminal::new();
    for (name, bytes) in files(phone.0.path()) {
        std::fs::write(copy.0.path().join(name), bytes).unwrap();
    }

    std::fs::write(copy.0.path().join("vault.key"), [7; 32]).unwrap();
    let before = files(copy.0.path());
    for arguments in [&["list"][..], &["watch"], &["history"], &["approve", &id], &["enrol", "x"]] {
        let ended = copy.fails(arguments, 5, "belongs to another vault").await;
        assert!(ended.err.contains(copy.0.path().to_str().unwrap()) && ended.err.contains("enrol again"), "{ended:?}");
    }
    assert!(files(copy.0.path()) == before);
    std::fs::write(copy.0.path().join("vault.key"), "short").unwrap();
    copy.fails(&["list"], 5, "the vault cannot be read").await;

    let database = rusqlite::Connection::open(phone.0.path().join("authenticator.db")).unwrap();
    let version: u32 = database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    for journal in ["WAL", "DELETE"] {
        database.pragma_update(None, "journal_mode", journal).unwrap();
        database.pragma_update(None, "user_version", 999).unwrap();
        let before = std::fs::read(phone.0.path().join("authenticator.db")).unwrap();
        phone.fails(&["list"], 5, "written by a newer version: update this program").await;
        assert!(std::fs::read(phone.0.path().join("authenticator.db")).unwrap() == before, "{journal}");
    }
    database.pragma_update(None, "user_version", version).unwrap();
    database.close().unwrap();
    assert_eq!(phone.pending().await, [id.as_str()], "nothing was lost");
}
