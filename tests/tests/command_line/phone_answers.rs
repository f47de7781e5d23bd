//! Numbers, reports and links on the command line.

use crate::terminal::{Terminal, ask};
use countersign_tests::program::Installation;
use serde_json::json;

#[tokio::test]
async fn a_number_is_typed_and_a_wrong_one_stops_the_sign_in() {
    let world = Installation::new().await;
    let phone = Terminal::enrolled(&world).await;
    let ask = async || {
        let asked = world.site.ask_for(&world.user, json!({ "policy": { "mode": "number", "digits": 6 } })).await;
        (asked.body["id"].as_str().unwrap().to_owned(), asked.body["number"].as_str().unwrap().to_owned())
    };
    let (id, number) = ask().await;
    let listed = phone.says(&["list"]).await;
    assert!(listed.contains("--number THE-NUMBER-ON-THE-PAGE") && !listed.contains(&number), "{listed}");
    phone.fails(&["approve", &id], 3, "number").await;
    phone.fails(&["approve", &id, "--number", "12"], 3, "number").await;
    assert_eq!(world.site.state(&id).await, "pending");
    assert_eq!(phone.does(&["approve", &id, "--number", &number]).await["outcome"], "approved");

    let (id, number) = ask().await;
    let wrong = if number == "000000" { "000001" } else { "000000" };
    let ended = phone.fails(&["approve", &id, "--number", wrong], 3, "The number was wrong.").await;
    assert_eq!(ended.json()["outcome"], "wrong_number");
    assert_eq!(world.site.state(&id).await, "denied");
}

#[tokio::test]
async fn another_answer_than_the_one_that_stands_fails_and_says_what_to_do() {
    let world = Installation::new().await;
    let phone = Terminal::enrolled(&world).await;
    let store = phone.0.path().to_str().unwrap();
    let id = ask(&world).await;
    phone.does(&["approve", &id]).await;
    let ended = phone.fails(&["deny", &id], 3, "already answered YES").await;
    assert!(ended.err.contains(&format!("phone --store {store} report {id}")), "{ended:?}");
    assert_eq!(ended.json()["outcome"], "approved", "a program reads what stands");
    assert_eq!(world.site.state(&id).await, "approved");

    let id = ask(&world).await;
    phone.does(&["deny", &id]).await;
    phone.fails(&["approve", &id], 3, "already answered NO").await;
    assert_eq!(phone.does(&["deny", &id]).await["outcome"], "denied", "the same again");
    assert_eq!(world.site.state(&id).await, "denied");

    let id = ask(&world).await;
    phone.does(&["report", &id]).await;
    phone.fails(&["approve", &id], 3, "already reported").await;
    assert_eq!(phone.does(&["deny", &id]).await["outcome"], "reported", "a report is a NO and more");
}

#[tokio::test]
async fn a_number_or_a_link_that_is_missing_is_asked_for_in_words_that_help() {
    let world = Installation::new().await;
    let phone = Terminal::enrolled(&world).await;
    let asked = world.site.ask_for(&world.user, json!({ "policy": { "mode": "number", "digits": 2 } })).await;
    let id = asked.body["id"].as_str().unwrap();
    phone.fails(&["approve", id], 3, &format!("approve {id} --number NUMBER")).await;
    let link = world.site.link(&world.user).await;
    let cut = link.split('&').next().unwrap();
    phone.fails(&["enrol", cut], 3, "Quote it, since it holds a # and an &").await;
}

#[tokio::test]
async fn this_was_not_me_is_said_of_a_request_that_waits_and_of_a_past_one() {
    let world = Installation::new().await;
    let phone = Terminal::enrolled(&world).await;
    let id = ask(&world).await;
    assert_eq!(phone.does(&["report", &id]).await, json!({ "id": id, "outcome": "reported" }));
    assert_eq!(world.site.state(&id).await, "reported");

    let id = ask(&world).await;
    assert_eq!(phone.does(&["approve", &id]).await["outcome"], "approved");
    let said = phone.says(&["report", &id[..8]]).await;
    assert!(said.starts_with("Reported."), "{said}");
    assert_eq!(world.site.state(&id).await, "revoked");
    phone.fails(&["report", "AAAAAAAAAAAAAAAAAAAAAA"], 3, "no such request").await;
}

#[tokio::test]
async fn a_link_on_the_same_machine_shows_the_request_it_opens() {
    let world = Installation::new().await;
    let phone = Terminal::enrolled(&world).await;
    let asked = world.site.ask_for(&world.user, json!({})).await;
    let (id, link) = (asked.body["id"].as_str().unwrap(), asked.body["link"].as_str().unwrap());
    assert_eq!(phone.does(&["open", link]).await["id"], id);
    world.site.cancel(&id).await;
    phone.does(&["list"]).await;
    assert_eq!(phone.does(&["open", link]).await, json!({ "id": id, "outcome": "cancelled" }));
    phone.fails(&["open", "https://login.example/enrol"], 3, "challenge link").await;
    Terminal::new().fails(&["open", link], 3, "no such account").await;
}

#[tokio::test]
async fn a_removed_phone_says_so_once_its_server_has_signed_it() {
    let world = Installation::new().await;
    let phone = Terminal::enrolled(&world).await;
    let account = phone.does(&["list"]).await["accounts"][0]["id"].as_str().unwrap().to_owned();
    world.admin(&["device", "revoke", "--organisation", "Meridian", "--user", &world.user, &account]).await;
    let listed = phone.does(&["list"]).await;
    assert_eq!(
        (&listed["accounts"][0]["state"], &listed["accounts"][0]["end_reason"]),
        (&json!("ended"), &json!("revoked"))
    );
    assert!(phone.says(&["list"]).await.contains("removed from the account"));
    phone.does(&["remove", &account]).await;
    assert_eq!(phone.does(&["list"]).await["accounts"], json!([]));
}
