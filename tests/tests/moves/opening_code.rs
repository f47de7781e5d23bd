//! The person has neither the old phone nor a code: the operator gives them one by hand.

use crate::world::World;
use countersign_server::domain::opening_code::{ATTEMPTS, LIFETIME};
use countersign_tests::http::Answer;
use reqwest::Method;
use serde_json::{Value, json};
use std::slice;

impl World {
    /// The operator gives a code for a move.
    async fn gives_code(&self, moving: &str) -> String {
        let service = self.server.service();
        let (operator, id) = (service.operator(), moving.parse().unwrap());
        let (code, good_until) = operator.give_opening_code("Meridian", id, &service.keys.at_rest).await.unwrap();
        assert_eq!(good_until, self.server.service().now() + LIFETIME);
        code.digits().to_owned()
    }

    async fn opens(&self, moving: &str, code: &str) -> Answer {
        self.site.post(&format!("/v1/moves/{moving}/opening-code"), &json!({ "code": code })).await
    }
}

/// Another code of as many digits.
fn wrong(code: &str) -> String {
    let first = code.as_bytes()[0];
    format!("{}{}", if first == b'9' { '0' } else { char::from(first + 1) }, &code[1..])
}

#[tokio::test]
async fn a_lost_phone_and_nothing_else_is_moved_by_a_code_from_the_operator() {
    let world = World::new().await;
    let moving = world.moving().await;
    assert_eq!(world.step(&moving, "offer").await.code(), "move_not_proven");
    let code = world.gives_code(&moving).await;
    assert_eq!(world.step(&moving, "offer").await.code(), "move_not_proven", "it was not typed yet");
    let (first, last) = code.split_at(3);
    let opened = world.opens(&moving, &format!("{first} {last}")).await;
    assert_eq!((opened.status, &opened.body), (200, &json!({ "valid": true, "remaining_attempts": 0 })));
    assert_eq!(world.read(&moving).await["proof"], "opening_code");
    let new = world.takes(&world.link(&moving).await).await;
    world.types_digits(&new).await;
    assert!(world.signs_in(&world.old, world.old_id).await, "it was only mislaid: until the switch it goes on");
    let asked = world.asks_new(&moving, &new).await;
    new.phone.core.approve(asked, None).await.unwrap();
    assert_eq!(world.in_use(), [new.id().to_string()]);
    let words: Vec<String> = world.journal().into_iter().map(|(fact, _)| fact).collect();
    assert_eq!(words[..3], ["move.created", "move.code_given", "move.proven"]);
    let database = world.server.sqlite();
    let kept = "SELECT count(*) FROM move WHERE opening_code IS NOT NULL";
    assert_eq!(database.query_row(kept, [], |row| row.get::<_, u32>(0)).unwrap(), 0, "nothing is left of it");
}

#[tokio::test]
async fn a_code_is_guessed_five_times_and_then_good_no_more() {
    let world = World::new().await;
    let moving = world.moving().await;
    let code = world.gives_code(&moving).await;
    for left in (0..ATTEMPTS).rev() {
        let tried = world.opens(&moving, &wrong(&code)).await;
        assert_eq!(tried.body, json!({ "valid": false, "remaining_attempts": left }));
    }
    assert_eq!(world.opens(&moving, &code).await.body, json!({ "valid": false, "remaining_attempts": 0 }));
    assert_eq!(world.read(&moving).await["proof"], Value::Null);
    assert!(world.signs_in(&world.old, world.old_id).await, "whoever guesses locks nobody out");
    let again = world.gives_code(&moving).await;
    assert_eq!(world.opens(&moving, &again).await.body["valid"], true);
}

#[tokio::test]
async fn of_many_guesses_at_once_no_more_are_taken() {
    let world = World::new().await;
    let moving = world.moving().await;
    let code = world.gives_code(&moving).await;
    let guesses: Vec<String> = (0..10).map(|_| wrong(&code)).chain([code.clone()]).collect();
    let mut racing = tokio::task::JoinSet::new();
    for guess in guesses {
        let (site, path) = (world.site.clone(), format!("/v1/moves/{moving}/opening-code"));
        racing.spawn(async move { site.post(&path, &json!({ "code": guess })).await });
    }
    let all = racing.join_all().await;
    let counted = world.journal().into_iter().filter(|(fact, _)| fact == "move.code_refused").count();
    let right = all.iter().any(|answer| answer.body["valid"] == true);
    assert!(counted <= 5, "{counted}");
    assert!(right || counted == 5, "the right one came in time, or it found no place");
}

#[tokio::test]
async fn a_code_is_good_for_an_hour_for_its_move_until_the_next_one() {
    let world = World::new().await;
    let moving = world.moving().await;
    assert_eq!(world.opens(&moving, "123456").await.body["valid"], false, "none was given");
    let first = world.gives_code(&moving).await;
    let second = loop {
        let next = world.gives_code(&moving).await;
        if next != first {
            break next;
        }
    };
    assert_eq!(world.opens(&moving, &first).await.body["valid"], false, "the next one ended it");
    world.clock.advance(LIFETIME);
    assert_eq!(world.opens(&moving, &second).await.body, json!({ "valid": false, "remaining_attempts": 0 }));

    let code = world.gives_code(&moving).await;
    world.step(&moving, "cancel").await;
    assert_eq!(world.opens(&moving, &code).await.code(), "move_not_now");
    let other = world.moving().await;
    assert_eq!(world.opens(&other, &code).await.body["valid"], false, "it was of the move before");
    let service = world.server.service();
    let late = service.operator();
    let late = late.give_opening_code("Meridian", moving.parse().unwrap(), &service.keys.at_rest).await;
    assert!(late.is_err(), "nobody is given a code for a move that is over");
}

#[tokio::test]
async fn a_code_opens_nothing_elsewhere() {
    let world = World::new().await;
    let moving = world.moving().await;
    let code = world.gives_code(&moving).await;
    let elsewhere = world.server.relying_party("Rival", "Shop").await;
    let path = format!("/v1/moves/{moving}/opening-code");
    assert_eq!(elsewhere.post(&path, &json!({ "code": code })).await.code(), "not_found");
    assert_eq!(world.prove(&moving, &code).await.body["valid"], false, "it is no one-time code");
    let signed_in = world.site.post(&format!("/v1/users/{}/codes/verify", world.user), &json!({ "code": code })).await;
    assert_eq!(signed_in.body["valid"], false, "nor does it sign anybody in");
    for malformed in ["", "12345", "1234567", "abcdef"] {
        assert_eq!(world.opens(&moving, malformed).await.code(), "malformed", "{malformed}");
    }
    // Whoever copies the code of one move into another in the database gains nothing: it opens only where it lies.
    let noor = world.site.user("noor").await;
    let phone = world.device_of(&noor).await;
    let other = world.wants(json!({ "user_id": noor, "device_id": phone.id() })).await;
    let other = other.body["id"].as_str().unwrap();
    let copy = "UPDATE move SET (opening_code, opening_code_given_at) =
                  (SELECT opening_code, opening_code_given_at FROM move WHERE handle = ?1) WHERE handle = ?2";
    world.server.sqlite().execute(copy, [&moving, other]).unwrap();
    assert_eq!(world.opens(other, &code).await.status, 500);
    assert_eq!(world.opens(&moving, &code).await.body["valid"], true);
}

#[tokio::test]
async fn moves_are_listed_by_person_state_and_day() {
    let world = World::new().await;
    let first = world.moving().await;
    world.step(&first, "cancel").await;
    let second = world.moving().await;
    let noor = world.site.user("noor").await;
    let phone = world.device_of(&noor).await;
    let monday = json!({
        "user_id": noor, "device_id": phone.id(),
        "valid_from": "2030-01-07T08:00:00Z", "valid_until": "2030-01-08T08:00:00Z",
    });
    let third = world.wants(monday).await;
    assert_eq!(third.status, 201, "{third:?}");
    let third = third.body["id"].as_str().unwrap().to_owned();
    let listed = async |query: &str| {
        let answer = world.site.get(&format!("/v1/moves?{query}")).await;
        assert_eq!((answer.status, &answer.body["next"]), (200, &Value::Null), "{answer:?}");
        let ids = answer.body["moves"].as_array().unwrap().iter();
        ids.map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed("").await, [third.clone(), second.clone(), first.clone()], "the newest first");
    assert_eq!(listed(&format!("user_id={noor}")).await, slice::from_ref(&third));
    assert_eq!(listed("state=armed").await, [third.clone(), second.clone()]);
    assert_eq!(listed("state=cancelled").await, slice::from_ref(&first));
    assert_eq!(listed("due=2030-01-07T07:59:59Z").await, slice::from_ref(&second), "what can be made by then");
    assert_eq!(listed("due=2030-01-07T08:00:00Z").await, [third.clone(), second.clone()]);
    assert_eq!(listed(&format!("before={second}")).await, [first]);
    world.clock.advance(std::time::Duration::from_secs(7 * 24 * 3600));
    assert_eq!(listed("state=expired").await, [second], "also where nobody has looked at it since");

    let elsewhere = world.server.relying_party("Rival", "Shop").await;
    assert_eq!(elsewhere.get("/v1/moves").await.body, json!({ "moves": [], "next": null }));
    for wrong in ["user_id=x", "state=moving", "due=monday", "before=x", "state=armed&state=armed"] {
        assert_eq!(world.site.get(&format!("/v1/moves?{wrong}")).await.code(), "malformed", "{wrong}");
    }
}

#[tokio::test]
async fn a_long_list_comes_in_pages() {
    let world = World::new().await;
    for _ in 0..103 {
        let moving = world.moving().await;
        world.step(&moving, "cancel").await;
    }
    let first = world.site.get("/v1/moves").await.body;
    assert_eq!(first["moves"].as_array().unwrap().len(), 100);
    let last = first["next"].as_str().unwrap();
    assert_eq!(first["moves"][99]["id"], last);
    let rest = world.site.get(&format!("/v1/moves?before={last}")).await.body;
    assert_eq!((rest["moves"].as_array().unwrap().len(), &rest["next"]), (3, &Value::Null));
}

#[tokio::test]
async fn a_deleted_person_leaves_no_key_of_a_file() {
    let world = World::new().await;
    let moving = world.moving().await;
    let key = "UPDATE move SET idempotency_key = 'maya, floor 3' WHERE handle = ?1";
    world.server.sqlite().execute(key, [&moving]).unwrap();
    world.gives_code(&moving).await;
    let path = format!("/v1/users/{}", world.user);
    assert_eq!(world.site.request(Method::DELETE, &path).send().await.unwrap().status(), 204);
    let left = "SELECT count(*) FROM move WHERE idempotency_key IS NOT NULL OR opening_code IS NOT NULL";
    assert_eq!(world.server.sqlite().query_row(left, [], |row| row.get::<_, u32>(0)).unwrap(), 0);
}
