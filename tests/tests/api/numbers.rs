//! Numbers: shown by the page, typed on the phone, compared by the server; and what two sign-ins at one time make of a
//! tap.

use countersign_device::{Outcome, Received};
use countersign_protocol::challenge::{Challenge, Policy};
use countersign_protocol::decision::{Answer, Decision};
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::jws;
use countersign_protocol::receipt::{Proven, Receipt};
use countersign_tests::handmade::{HandmadeDevice, read_claims};
use countersign_tests::http::{Answer as HttpAnswer, RelyingParty};
use countersign_tests::phone::Phone;
use countersign_tests::push_service::PushService;
use countersign_tests::scene::Scene;
use serde_json::{Value, json};
use std::time::Duration;

fn text<'a>(answer: &'a HttpAnswer, member: &str) -> &'a str {
    answer.body[member].as_str().unwrap_or_else(|| panic!("{answer:?}"))
}

/// A number of the same length that is another one.
fn another(number: &str) -> String {
    let last = number.as_bytes()[number.len() - 1] - b'0';
    format!("{}{}", &number[..number.len() - 1], (last + 1) % 10)
}

/// What the receipt of a challenge proves.
async fn proven(site: &RelyingParty, challenge: &Value) -> Proven {
    let root = site.get("/.well-known/countersign").await.body["root"].clone();
    let receipt: Receipt = serde_json::from_value(challenge["receipt"].clone()).unwrap();
    receipt.verify(&serde_json::from_value(root).unwrap()).unwrap()
}

#[tokio::test]
async fn the_number_on_the_page_is_typed_and_counts() {
    let scene = Scene::new().await;
    let (phone, account) = scene.phone().await;
    let Scene { site, user, server: _server, .. } = scene;
    for (policy, digits) in [(json!({ "mode": "number" }), 6), (json!({ "mode": "number", "digits": 2 }), 2)] {
        let asked = site.ask_for(&user, json!({ "policy": policy })).await;
        let number = text(&asked, "number").to_owned();
        assert!(number.len() == digits && number.bytes().all(|byte| byte.is_ascii_digit()), "{number}");
        assert_eq!(asked.body["policy"], json!({ "mode": "number", "digits": digits }));
        phone.core.pull(account, 0).await.unwrap();
        let prompt = phone.core.pending().unwrap().remove(0);
        assert_eq!(prompt.challenge.policy, Policy::Number { digits: u8::try_from(digits).unwrap() });
        let kept = std::fs::read(phone.directory().join("authenticator.db-wal")).unwrap_or_default();
        let shown = format!("\"number\":\"{number}\"");
        assert!(!kept.windows(shown.len()).any(|part| part == shown.as_bytes()), "the phone is not told");

        let id = prompt.challenge.challenge_id;
        assert_eq!(phone.core.approve(id, Some(&number)).await.unwrap(), Outcome::Approved);
        let claimed = site.claim(&id, "k").await;
        assert_eq!((&claimed.body["state"], &claimed.body["number"]), (&json!("claimed"), &Value::Null));
        let proven = proven(&site, &claimed.body).await;
        assert!(proven.approved(Some(&number)));
        assert!(!proven.approved(None) && !proven.approved(Some(&another(&number))));
    }
}

#[tokio::test]
async fn a_wrong_number_stops_the_sign_in_and_leaves_no_receipt() {
    let Scene { clock, server: _server, site, user } = Scene::new().await;
    let device = HandmadeDevice::enrol_at(&site, &user, &clock).await;
    let asked = site.ask_for(&user, json!({ "policy": { "mode": "number", "digits": 2 } })).await;
    let (id, number) = (text(&asked, "id").to_owned(), text(&asked, "number").to_owned());
    let compact = device.pull().await.pop().unwrap();
    let decide = async |number: &str| {
        let claims = device.decision_claims(&compact, Answer::Approve);
        let claims = Decision { number: Some(number.to_owned()), ..claims };
        device.decide(&claims.challenge_id, jws::sign_now(&claims, &device.approval).unwrap()).await
    };
    assert_eq!(decide(&another(&number)).await.code(), "wrong_number");
    assert_eq!(decide(&number).await.code(), "wrong_number", "there is no second try");
    let read = site.get(&format!("/v1/challenges/{id}")).await;
    assert_eq!(
        (&read.body["state"], &read.body["receipt"], &read.body["number"]),
        (&json!("denied"), &Value::Null, &Value::Null)
    );
    assert_eq!(site.claim(&id, "k").await.code(), "not_approved");
}

#[tokio::test]
async fn an_approval_without_its_number_or_with_one_too_many_changes_nothing() {
    let Scene { clock, server: _server, site, user } = Scene::new().await;
    let device = HandmadeDevice::enrol_at(&site, &user, &clock).await;
    for (policy, wrong) in [
        (json!({ "mode": "number", "digits": 2 }), vec![None, Some("123456")]),
        (json!({ "mode": "tap" }), vec![Some("42")]),
    ] {
        let asked = site.ask_for(&user, json!({ "policy": policy })).await;
        let id: ChallengeId = text(&asked, "id").parse().unwrap();
        let compact = device.pull().await.pop().unwrap();
        for number in wrong {
            let mut claims = device.decision_claims(&compact, Answer::Approve);
            claims.number = number.map(str::to_owned);
            let signed = jws::sign_now(&claims, &device.approval).unwrap();
            let answer = device.decide(&id, signed).await;
            assert_eq!((answer.status, answer.code()), (400, "malformed"), "{number:?}");
            assert_eq!(site.state(&id).await, "pending", "{number:?}");
        }
        let right = device.approval(&site, &compact).await;
        assert_eq!(device.decide(&id, right.clone()).await.status, 200);
        assert_eq!(device.decide(&id, right).await.body["state"], "approved", "the same answer again");
        site.claim(&id, "k").await;
    }
    for policy in [
        json!({ "mode": "number", "digits": 4 }),
        json!({ "mode": "number", "digits": 0 }),
        json!({ "mode": "tap", "digits": 2 }),
        json!({ "mode": "none" }),
        json!({}),
    ] {
        assert_eq!(site.ask_for(&user, json!({ "policy": policy })).await.code(), "malformed", "{policy}");
    }
}

#[tokio::test]
async fn two_sign_ins_at_one_time_both_ask_for_their_numbers() {
    let (scene, mut push) = (Scene::new().await, PushService::start().await);
    let (phone, _) = scene.pushed_phone(&[push.registration()]).await;
    let Scene { server, site, user, .. } = scene;
    let other_site = server.relying_party("Meridian", "Webmail").await;

    let first = site.ask(&user).await;
    let first_push = push.next().await.message;
    phone.core.receive(&first_push).unwrap();
    let waiting = site.waits(format!("/v1/challenges/{first}?wait=60"));
    server.until_waiting(|wake| wake.challenges.count(), 1).await;

    let second = other_site.ask_for(&user, json!({ "policy": { "mode": "tap" } })).await;
    assert_eq!(
        second.body["policy"],
        json!({ "mode": "number", "digits": 2 }),
        "the second one asks from its beginning"
    );
    let raised = waiting.await.unwrap();
    assert_eq!((&raised.body["state"], &raised.body["policy"]["mode"]), (&json!("pending"), &json!("number")));
    let (first_number, second_number) = (text(&raised, "number").to_owned(), text(&second, "number").to_owned());
    let gap = site.get(&format!("/v1/challenges/{first}?wait=60&shown=tap")).await;
    assert_eq!(gap.body["number"], json!(first_number), "a page that did not hear of it yet hears at once");

    let mut received = Vec::new();
    for _ in 0..2 {
        received.push(phone.core.receive(&push.next().await.message).unwrap());
    }
    received.sort_by_key(|one| matches!(one, Received::New(_)));
    assert!(matches!(received[..], [Received::Changed(_), Received::New(_)]), "{received:?}");
    assert!(
        matches!(phone.core.receive(&first_push).unwrap(), Received::Known(_)),
        "the tap that comes late stays raised"
    );

    let id: ChallengeId = first.parse().unwrap();
    assert_eq!(phone.core.approve(id, Some(&first_number)).await.unwrap(), Outcome::Approved);
    let id: ChallengeId = text(&second, "id").parse().unwrap();
    assert_eq!(phone.core.approve(id, Some(&second_number)).await.unwrap(), Outcome::Approved);
    let claimed = site.claim(&first, "k").await;
    assert!(proven(&site, &claimed.body).await.approved(Some(&first_number)));
}

#[tokio::test]
async fn a_no_and_a_report_of_the_tap_count_although_the_phone_never_heard_of_the_number() {
    let scene = Scene::new().await;
    let (phone, account) = scene.phone().await;
    let Scene { site, user, server: _server, .. } = scene;
    for state in ["denied", "reported", "cancelled"] {
        let first = site.ask(&user).await;
        phone.core.pull(account, 0).await.unwrap();
        let prompt: ChallengeId = first.parse().unwrap();
        let beside = site.ask(&user).await;
        assert_eq!(site.read(&first).await["policy"]["mode"], "number");
        match state {
            "denied" => assert_eq!(phone.core.deny(prompt).await.unwrap(), Outcome::Denied),
            "reported" => assert_eq!(phone.core.report(prompt).await.unwrap(), Outcome::Reported),
            _ => {
                site.cancel(&first).await;
                assert_eq!(phone.core.approve(prompt, None).await.unwrap(), Outcome::Cancelled, "a late YES hears why");
                assert_eq!(phone.core.report(prompt).await.unwrap(), Outcome::Reported, "from the history, too");
            }
        }
        let read = site.get(&format!("/v1/challenges/{first}")).await;
        assert_eq!((&read.body["state"], &read.body["reported"]), (&json!(state), &json!(state != "denied")));
        if state != "cancelled" {
            proven(&site, &read.body).await;
        }
        site.cancel(&beside).await;
    }
}

#[tokio::test]
async fn after_a_no_to_the_tap_the_number_can_still_be_reported() {
    let Scene { clock, server: _server, site, user } = Scene::new().await;
    let device = HandmadeDevice::enrol_at(&site, &user, &clock).await;
    let id: ChallengeId = site.ask(&user).await.parse().unwrap();
    let tap = device.pull().await.pop().unwrap();
    let beside = site.ask(&user).await;
    let number = device.pull().await.remove(0);
    assert_eq!(read_claims::<Challenge>(&number).challenge_id, id);
    assert_eq!(device.decide(&id, device.decision(&tap, Answer::Deny)).await.status, 200);
    for form in [&number, &tap] {
        let reported = device.decide(&id, device.decision(form, Answer::Report)).await;
        assert_eq!((reported.status, &reported.body["state"]), (200, &json!("denied")));
    }
    assert_eq!(site.read(&id).await["reported"], true);
    assert_eq!(site.state(&beside).await, "pending");
}

#[tokio::test]
async fn the_largest_tap_still_fits_when_it_asks_for_a_number() {
    let Scene { clock, server: _server, site, .. } = Scene::new().await;
    let filler = |length: usize| "語".repeat(length);
    let user = site.user(&filler(100)).await;
    HandmadeDevice::enrol_at(&site, &user, &clock).await;
    let ask = async |length: usize| {
        let context = json!({
            "ip": "2001:db8::1",
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        });
        let asked = json!({ "user_id": user, "binding_message": filler(length), "context": context });
        site.post("/v1/challenges", &asked).await
    };
    let asked = ask(120).await;
    assert_eq!(asked.status, 201, "{asked:?}");
    assert_eq!(ask(0).await.status, 201, "no question is so large that none can come beside it");
}

#[tokio::test]
async fn the_receipt_of_a_question_that_was_raised_after_a_rotation_of_the_key_verifies() {
    let Scene { clock, server, site, user } = Scene::new().await;
    let phone = Phone::at(&clock);
    let account = phone.enrol(&site, &user).await;
    let first = site.ask(&user).await;
    clock.advance(Duration::from_secs(5));
    server.rotate_signing_key().await;
    site.ask(&user).await;
    phone.core.pull(account, 0).await.unwrap();
    let number = site.read(&first).await["number"].as_str().unwrap().to_owned();
    assert_eq!(phone.core.approve(first.parse().unwrap(), Some(&number)).await.unwrap(), Outcome::Approved);
    let claimed = site.claim(&first, "k").await;
    assert!(proven(&site, &claimed.body).await.approved(Some(&number)));
}

#[tokio::test]
async fn a_link_on_the_same_phone_opens_the_request_and_carries_no_number() {
    let Scene { clock, server, site, user } = Scene::new().await;
    let phone = Phone::at(&clock);
    phone.enrol(&site, &user).await;
    let asked = site.ask_for(&user, json!({ "policy": { "mode": "number" } })).await;
    let (link, number) = (text(&asked, "link").to_owned(), text(&asked, "number").to_owned());
    assert!(!link.contains(&number) && link.starts_with(&format!("{}/challenge#c=", server.url)), "{link}");
    let id = phone.core.open_link(&link).await.unwrap();
    assert_eq!(phone.core.approve(id, None).await.unwrap_err().code(), "malformed", "the digits are still typed");
    assert_eq!(phone.core.approve(id, Some(&number)).await.unwrap(), Outcome::Approved);
    assert_eq!(site.read(&id).await["link"], Value::Null);

    let unknown = link.replace(&id.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(phone.core.open_link(&unknown).await.unwrap_err().code(), "unknown_challenge");
    let page = countersign_tests::http::client().get(format!("{}/challenge", server.url)).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("Open this link in the app"));
}
