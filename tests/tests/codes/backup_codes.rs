//! Backup codes: the way in for somebody whose phone is gone, and for nobody else.

use crate::world::{WRONG, World, shown};
use countersign_device::Outcome;
use countersign_protocol::decision::Answer::Approve;
use countersign_protocol::jws;
use countersign_server::keys::backup_code_hash::HashCost;
use countersign_tests::folder::contents;
use countersign_tests::http::Answer;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;

const CHEAP: HashCost = HashCost { memory: 8, passes: 1 };
const QUARTER: Duration = Duration::from_secs(15 * 60);

/// A world where a guess costs a test nothing.
async fn world() -> World {
    World::with(|config| config.hash_cost = CHEAP).await
}

async fn make(world: &World) -> Answer {
    world.site.post(&format!("/v1/users/{}/backup-codes", world.user), &Value::Null).await
}

/// Ten fresh codes, and the name of their set.
async fn codes(world: &World) -> (Vec<String>, String) {
    let made = make(world).await;
    assert_eq!(made.status, 201, "{made:?}");
    let codes = made.body["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned());
    (codes.collect(), made.body["id"].as_str().unwrap().to_owned())
}

/// The sets among what the account has.
async fn sets(world: &World) -> Vec<Value> {
    let all = world.authenticators().await;
    all.into_iter().filter(|one| one["kind"] == "backup_codes").collect()
}

/// A code that has the number of this one and is another.
fn other_than(code: &str) -> String {
    let last = if code.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &code[..code.len() - 1])
}

#[tokio::test]
async fn ten_codes_are_shown_once_and_each_lets_in_once() {
    let world = World::new().await;
    world.phone().await;
    let (codes, set) = codes(&world).await;
    assert_eq!(codes.iter().collect::<HashSet<_>>().len(), 10);
    for (number, code) in codes.iter().enumerate() {
        let groups: Vec<_> = code.split(' ').collect();
        assert!(groups.len() == 3 && groups.iter().all(|group| group.len() == 4), "{code}");
        assert!(code.starts_with(&number.to_string()), "its first digit is its number: {code}");
    }
    let listed = json!({
        "id": set, "name": "Backup codes", "state": "confirmed", "kind": "backup_codes", "locked": false,
        "device": null, "left": 10,
    });
    assert_eq!(sets(&world).await, [listed], "and nothing of it tells a code");

    let challenge = world.site.ask(&world.user).await;
    assert_eq!(world.site.read(&challenge).await["methods"], json!(["push", "code", "backup_code"]));
    let answered = world.answers(&challenge, &codes[3]).await;
    let expected = json!({
        "valid": true, "method": "backup_code", "remaining_attempts": 100, "backup_codes_left": 9, "reason": null,
        "clock_ahead_seconds": null,
    });
    assert_eq!((answered.status, &answered.body), (200, &expected));
    let claimed = world.site.claim(&challenge, "page").await;
    assert_eq!((&claimed.body["state"], &claimed.body["receipt"]), (&json!("claimed"), &Value::Null));
    assert_eq!(claimed.body["amr"], json!(["otp", "backup_code"]), "the relying party can tell it from an app's code");

    let world = world.restart().await;
    let again = world.verify(&codes[3]).await.body;
    assert_eq!((&again["valid"], &again["reason"]), (&json!(false), &json!("used_before")));
    assert_eq!(again["remaining_attempts"], 100, "whoever types a used code of theirs is no thief");
    let others: Vec<_> = codes.iter().enumerate().filter(|(number, _)| *number != 3).collect();
    for (left, (_, code)) in (0..9).rev().zip(others) {
        let right = world.verify(code).await.body;
        assert_eq!((&right["valid"], &right["backup_codes_left"]), (&json!(true), &json!(left)), "{right}");
    }
    assert_eq!(sets(&world).await[0]["left"], 0);
    let asked = world.site.ask_for(&world.user, json!({ "methods": ["backup_code"] })).await;
    assert_eq!(asked.code(), "no_device", "none is left");
}

#[tokio::test]
async fn a_code_is_typed_as_people_type() {
    let world = world().await;
    world.phone().await;
    let (codes, _) = codes(&world).await;
    let arabic = |code: &str| {
        code.chars()
            .map(|digit| digit.to_digit(10).map_or(digit, |value| char::from_u32(0x660 + value).unwrap()))
            .collect::<String>()
    };
    for typed in [
        codes[0].replace(' ', ""),
        codes[1].replace(' ', "-"),
        format!("  {}\n", codes[2]),
        arabic(&codes[3]),
        codes[4].replace(' ', "\u{202f}"),
    ] {
        assert_eq!(world.verify(&typed).await.body["valid"], true, "{typed:?}");
    }
    for malformed in [&codes[5][..13], &format!("{}0", codes[5]), "four", ""] {
        let refused = world.verify(malformed).await;
        assert_eq!((refused.status, refused.code()), (400, "malformed"), "{malformed}");
    }
    assert_eq!(world.verify(&codes[5]).await.body["valid"], true);
}

#[tokio::test]
async fn paper_alone_is_no_second_factor_but_it_outlives_the_phone() {
    let world = world().await;
    assert_eq!(make(&world).await.code(), "no_device", "there is no phone and no application yet");
    world.proposed().await;
    assert_eq!(make(&world).await.code(), "no_device", "proposed is not in use");
    let (phone, id) = world.phone().await;
    let (codes, _) = codes(&world).await;
    phone.core.remove(id).await.unwrap();
    assert_eq!(make(&world).await.code(), "no_device");

    let challenge = world.site.ask(&world.user).await;
    assert_eq!(world.site.read(&challenge).await["methods"], json!(["backup_code"]), "what the person has now");
    assert_eq!(world.answers(&challenge, &codes[0]).await.body["valid"], true);
    assert_eq!(world.site.claim(&challenge, "page").await.body["state"], "claimed");
}

#[tokio::test]
async fn a_new_set_ends_the_one_before_and_what_it_has_approved() {
    let world = world().await;
    let (phone, id) = world.phone().await;
    let (old, old_set) = codes(&world).await;
    let challenge = world.site.ask(&world.user).await;
    assert_eq!(world.answers(&challenge, &old[0]).await.body["valid"], true);
    let (new, new_set) = codes(&world).await;
    assert_eq!(world.site.state(&challenge).await, "revoked", "whoever makes new codes may have lost the old ones");
    assert_eq!(sets(&world).await.iter().map(|one| one["id"].clone()).collect::<Vec<_>>(), [json!(new_set)]);
    for code in &old[..4] {
        assert_eq!(world.verify(code).await.body["valid"], false, "{code}");
    }
    assert_eq!(world.verify(&new[0]).await.body["valid"], true);
    let kept = world.server.sqlite().query_row("SELECT count(*) FROM backup_code", [], |row| row.get::<_, u32>(0));
    assert_eq!(kept.unwrap(), 10, "nothing is kept of the codes that ended");

    for (set, status) in [(&old_set, 404), (&new_set, 204), (&new_set, 404)] {
        let path = format!("/v1/authenticators/{set}");
        assert_eq!(world.site.request(Method::DELETE, &path).send().await.unwrap().status(), status);
    }
    assert_eq!(world.verify(&new[1]).await.code(), "no_device");
    assert_eq!(world.tries(&shown(&phone, id)).await, (true, 100), "the phone's codes are another matter");
}

#[tokio::test]
async fn a_challenge_takes_backup_codes_only_where_its_relying_party_does() {
    let world = world().await;
    let (phone, id) = world.phone().await;
    let (codes, _) = codes(&world).await;
    let ask = async |methods: Value| {
        let asked = world.site.ask_for(&world.user, json!({ "methods": methods })).await;
        asked.body["id"].as_str().unwrap_or_else(|| panic!("{asked:?}")).to_owned()
    };
    for methods in [json!(["push"]), json!(["code"]), json!(["push", "code"])] {
        let refused = world.answers(&ask(methods.clone()).await, &codes[0]).await;
        assert_eq!((refused.status, refused.code()), (409, "code_not_allowed"), "{methods}");
    }
    phone.core.pull(id, 0).await.unwrap();
    let asked_before = phone.core.pending().unwrap().len();
    let challenge = ask(json!(["backup_code"])).await;
    phone.core.pull(id, 0).await.unwrap();
    assert_eq!(phone.core.pending().unwrap().len(), asked_before, "no phone is asked");
    assert_eq!(world.answers(&challenge, &shown(&phone, id)).await.code(), "code_not_allowed");
    assert_eq!(world.answers(&challenge, &codes[0]).await.body["valid"], true);
}

#[tokio::test]
async fn guesses_wait_and_lock_the_paper_and_not_the_phone() {
    let world = world().await;
    let (phone, id) = world.phone().await;
    let (codes, _) = codes(&world).await;
    let guess = other_than(&codes[7]);
    for left in (95..100).rev() {
        let wrong = world.verify(&guess).await.body;
        assert_eq!((&wrong["valid"], &wrong["remaining_attempts"]), (&json!(false), &json!(left)), "{wrong}");
        assert_eq!((&wrong["reason"], wrong.get("backup_codes_left")), (&Value::Null, None), "a thief learns nothing");
    }
    let throttled = world.verify(&codes[7]).await;
    assert_eq!((throttled.status, throttled.code()), (429, "throttled"), "also the right code");
    assert_eq!(world.tries(&shown(&phone, id)).await, (true, 100), "the phone's codes were not guessed at");
    for _ in 0..95 {
        world.clock.advance(QUARTER);
        assert_eq!(world.verify(&guess).await.body["valid"], false);
    }
    world.clock.advance(QUARTER);
    assert_eq!(world.verify(&codes[7]).await.code(), "locked");
    assert_eq!(sets(&world).await[0]["locked"], true);
    let challenge = world.site.ask(&world.user).await;
    assert_eq!(world.site.read(&challenge).await["methods"], json!(["push", "code"]));
    world.site.cancel(&challenge).await;

    // An approval of the person who was verified lifts the lock, as it does that of other codes.
    let device = world.device().await;
    let (challenge, compact) = device.asked(&world.site, &world.user).await;
    let mut claims = device.decision_claims(&compact, Approve);
    claims.user_verified = true;
    let decided = device.decide(&challenge, jws::sign_now(&claims, &device.approval).unwrap()).await;
    assert_eq!(decided.status, 200, "{decided:?}");
    assert_eq!(world.verify(&codes[7]).await.body["valid"], true);
}

#[tokio::test]
async fn six_digits_are_no_guess_at_the_paper() {
    let world = world().await;
    world.phone().await;
    let (codes, _) = codes(&world).await;
    world.fails(100).await;
    assert_eq!(world.verify(WRONG).await.code(), "locked");
    assert_eq!(world.verify(&codes[0]).await.body["valid"], true, "for this day they were printed");
}

#[tokio::test]
async fn a_code_of_another_person_or_organisation_is_wrong() {
    let world = world().await;
    world.phone().await;
    let (codes, set) = codes(&world).await;
    let noor = world.site.user("noor").await;
    assert_eq!(world.site.verify(&noor, &codes[0]).await.code(), "no_device");
    world.device_of(&noor).await;
    world.site.post(&format!("/v1/users/{noor}/backup-codes"), &Value::Null).await;
    assert_eq!(world.site.verify(&noor, &codes[0]).await.body["valid"], false);
    let elsewhere = world.server.relying_party("Rival", "Shop").await;
    assert_eq!(elsewhere.verify(&world.user, &codes[0]).await.code(), "not_found");
    let made = elsewhere.post(&format!("/v1/users/{}/backup-codes", world.user), &Value::Null).await;
    assert_eq!((made.status, made.code()), (404, "not_found"));
    let removed = elsewhere.request(Method::DELETE, &format!("/v1/authenticators/{set}")).send().await.unwrap();
    assert_eq!(removed.status(), 404);
    assert_eq!(world.verify(&codes[0]).await.body["valid"], true, "and it was not spent by any of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_same_code_at_one_time_one_is_right() {
    let world = world().await;
    let (phone, id) = world.phone().await;
    let (codes, _) = codes(&world).await;
    for code in &codes {
        let answers = tokio::join!(world.verify(code), world.verify(code), world.verify(code));
        let right = [&answers.0, &answers.1, &answers.2].into_iter().filter(|one| one.body["valid"] == true).count();
        assert_eq!(right, 1, "{answers:?}");
    }
    let (codes, _) = self::codes(&world).await;
    for code in &codes[..5] {
        let challenge = world.site.ask(&world.user).await;
        phone.core.pull(id, 0).await.unwrap();
        let (answer, outcome) = tokio::join!(world.answers(&challenge, code), phone.core.deny(phone.only_prompt()));
        let settled_by_code = answer.body["valid"] == true;
        assert_eq!(settled_by_code, outcome.unwrap() == Outcome::AlreadyAnswered, "{answer:?}");
        // One that came second is not spent.
        let again = world.verify(code).await.body;
        assert_eq!(again["valid"], !settled_by_code, "{again}");
    }
}

#[tokio::test]
async fn whoever_has_the_database_has_no_code() {
    let world = world().await;
    world.phone().await;
    let (codes, _) = codes(&world).await;
    world.verify(&codes[0]).await;
    world.verify(&other_than(&codes[1])).await;
    let files = contents(world.server.data_dir());
    let written =
        |text: &str| files.values().any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()));
    assert!(written("backup_codes.made"), "the journal is there, and its words are found");
    for code in &codes {
        for form in [code.clone(), code.replace(' ', "")] {
            assert!(!written(&form), "{form} lies there in clear");
        }
    }
}

#[tokio::test]
async fn a_deleted_person_keeps_no_codes() {
    let world = world().await;
    world.phone().await;
    let (codes, _) = codes(&world).await;
    let path = format!("/v1/users/{}", world.user);
    assert_eq!(world.site.request(Method::DELETE, &path).send().await.unwrap().status(), 204);
    assert_eq!(world.verify(&codes[0]).await.code(), "not_found");
    let kept = world.server.sqlite().query_row("SELECT count(*) FROM backup_code", [], |row| row.get::<_, u32>(0));
    assert_eq!(kept.unwrap(), 0);
}
