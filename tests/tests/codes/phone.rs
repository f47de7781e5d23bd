//! The codes of a phone.

use crate::world::{STEP, World, shown};
use countersign_device::Error;
use countersign_device::transport::HttpResponse;
use countersign_protocol::at_rest::Location;
use countersign_protocol::one_time_code::{Algorithm, Secret, Totp};
use countersign_protocol::time::Clock;
use countersign_tests::handmade::Prepared;
use countersign_tests::phone::{Phone, Tampering};
use countersign_tests::scene::Scene;
use serde_json::{Value, json};
use std::sync::Arc;

#[tokio::test]
async fn a_code_is_right_once_and_only_once() {
    let world = World::new().await;
    let (phone, id) = world.phone().await;
    let first = phone.core.code(id).unwrap();
    assert_eq!((first.code.len(), first.seconds_left), (6, 30));
    let (start, end) = first.code.split_at(3);
    assert_eq!(world.tries(&format!(" {start}\u{a0}{end}\n")).await, (true, 100), "as a person types it");
    assert_eq!(world.tries(&first.code).await, (false, 100), "it is spent");

    world.clock.advance(STEP);
    let next = shown(&phone, id);
    assert_eq!(next, first.next);
    assert_eq!(world.tries(&next).await, (true, 100), "and the next one is right");
    assert_eq!(world.tries(&first.code).await, (false, 100), "so is the one before");
    let world = world.restart().await;
    assert_eq!(world.tries(&next).await, (false, 100), "spent after a restart too");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_one_time_one_is_right() {
    let world = Arc::new(World::new().await);
    let (phone, id) = world.phone().await;
    for _ in 0..20 {
        let code = shown(&phone, id);
        let one = async || world.tries(&code).await.0;
        let (a, b, c, d) = tokio::join!(one(), one(), one(), one());
        assert_eq!([a, b, c, d].into_iter().filter(|valid| *valid).count(), 1);
        world.clock.advance(STEP);
        assert_eq!(world.tries(&shown(&phone, id)).await, (true, 100), "so that no failure of this round is left");
        world.clock.advance(STEP);
    }
}

#[tokio::test]
async fn a_phone_counts_while_it_is_in_use() {
    let world = World::new().await;
    let nobody = world.verify("123456").await;
    assert_eq!((nobody.status, nobody.code()), (409, "no_device"));
    let phone = Phone::at(&world.clock);
    let account = phone.core.enrol(&world.site.link(&world.user).await, "Maya's phone").await.unwrap();
    let code = shown(&phone, account.id);
    assert_eq!(world.verify(&code).await.code(), "no_device", "not before the digits are typed");
    let listed = world.authenticators().await;
    assert_eq!((&listed[0]["state"], &listed[0]["kind"]), (&json!("proposed"), &json!("phone")));

    world.site.confirm_account(&account).await;
    let handle = world.authenticators().await[0]["id"].clone();
    let expected = json!({
        "id": handle, "name": "Maya's phone", "state": "confirmed", "kind": "phone", "locked": false,
        "device": account.id,
    });
    assert_eq!(world.authenticators().await, [expected]);
    let remove =
        world.site.request(reqwest::Method::DELETE, &format!("/v1/authenticators/{}", handle.as_str().unwrap()));
    assert_eq!(countersign_tests::http::send(remove).await.code(), "not_found", "a phone is removed as a device");
    assert_eq!(world.tries(&code).await, (true, 100));

    world.clock.advance(STEP);
    let code = shown(&phone, account.id);
    phone.core.remove(account.id).await.unwrap();
    assert_eq!(world.verify(&code).await.code(), "no_device");
    assert_eq!(world.authenticators().await, Vec::<Value>::new());
    let kept: Vec<u8> =
        world.server.sqlite().query_row("SELECT secret FROM code_authenticator", [], |row| row.get(0)).unwrap();
    assert!(kept.is_empty(), "its secret is gone");
}

#[tokio::test]
async fn what_is_no_code_or_nobody_here_is_refused_uncounted() {
    let world = World::new().await;
    let (phone, id) = world.phone().await;
    for malformed in ["", "12345", "123456789", "12345a", "-123456"] {
        let answer = world.verify(malformed).await;
        assert_eq!((answer.status, answer.code()), (400, "malformed"), "{malformed}");
    }
    let other = world.server.relying_party("Another", "Shop").await;
    let path = format!("/v1/users/{}/codes/verify", world.user);
    let foreign = other.post(&path, &json!({ "code": shown(&phone, id) })).await;
    assert_eq!((foreign.status, foreign.code()), (404, "not_found"));
    assert_eq!(world.tries(&shown(&phone, id)).await, (true, 100), "nothing was counted or spent");
}

/// An answer to a redemption with another code seed, or with none.
fn with_seed(seed: Option<&Value>, response: HttpResponse) -> HttpResponse {
    let mut body: Value = serde_json::from_slice(&response.body).unwrap();
    assert!(body.as_object_mut().unwrap().remove("code_seed").is_some());
    if let Some(seed) = seed {
        body["code_seed"] = seed.clone();
    }
    HttpResponse { body: serde_json::to_vec(&body).unwrap(), ..response }
}

#[tokio::test]
async fn an_older_server_gives_no_seed_and_the_account_has_no_codes() {
    let Scene { clock, server: _server, site, user } = Scene::new().await;
    let network = Tampering::new();
    network.change(|request, response| match request.url.ends_with("/v1/device/enrol") {
        true => with_seed(None, response),
        false => response,
    });
    let phone = Phone::with(Arc::new(clock), network);
    let id = phone.enrol(&site, &user).await;
    let refused = phone.core.code(id).unwrap_err();
    assert!(matches!(refused, Error::NoCodes), "{refused:?}");
    assert_eq!(refused.code(), "no_codes");
    site.ask(&user).await;
    assert_eq!(phone.core.pull(id, 0).await.unwrap().received.len(), 1, "all else works");
}

#[tokio::test]
async fn a_seed_of_another_enrolment_is_refused_and_the_right_one_taken() {
    let Scene { clock, server: _server, site, user } = Scene::new().await;
    let other = Prepared::new(&site.link(&user).await, Arc::new(clock.clone())).await;
    let foreign = other.send(&other.redemption).await.body["code_seed"].clone();
    let network = Tampering::new();
    network.change(move |request, response| match request.url.ends_with("/v1/device/enrol") {
        true => with_seed(Some(&foreign), response),
        false => response,
    });
    let phone = Phone::with(Arc::new(clock), network.clone());
    let link = site.link(&user).await;
    assert_eq!(phone.core.enrol(&link, "Phone").await.unwrap_err().code(), "cannot_open");
    assert!(phone.core.accounts().unwrap().is_empty());
    network.leave();
    let account = phone.core.enrol(&link, "Phone").await.unwrap();
    assert_eq!(shown(&phone, account.id).len(), 6, "the same redemption again");
}

#[tokio::test]
async fn no_secret_lies_open_in_the_servers_database() {
    let scene = Scene::new().await;
    let device = scene.device().await;
    let secret = device.code_seed.secret.clone();
    assert_eq!(secret.as_bytes().len(), 20);
    let database = scene.server.database();
    let wal = database.with_extension("db-wal");
    let bytes = [std::fs::read(&database).unwrap(), std::fs::read(wal).unwrap_or_default()].concat();
    assert!(holds(&bytes, b"Handmade"), "the database was looked at");
    assert!(!holds_secret(&bytes, &secret));
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// Whether a secret lies there in any of the forms in which it is written.
fn holds_secret(bytes: &[u8], secret: &Secret) -> bool {
    let base64url = data_encoding::BASE64URL_NOPAD.encode(secret.as_bytes());
    [secret.as_bytes(), secret.to_base32().as_bytes(), base64url.as_bytes()].iter().any(|form| holds(bytes, form))
}

#[tokio::test]
async fn no_secret_lies_open_on_the_phone() {
    let world = World::new().await;
    let (phone, id) = world.phone().await;
    let database = world.server.sqlite();
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?));
    let (row, sealed) = database.query_row("SELECT handle, secret FROM code_authenticator", [], read).unwrap();
    let location = Location { table: "code_authenticator", row: &row, column: "secret" };
    let secret = Secret::new(&world.server.service().keys.at_rest.open(location, &sealed).unwrap()).unwrap();
    let totp = Totp::new(secret.clone(), Algorithm::Sha1, 6, 30).unwrap();
    assert_eq!(totp.now(world.clock.now()).code, shown(&phone, id), "it is the secret of this phone");

    let files = std::fs::read_dir(phone.directory()).unwrap();
    let bytes = files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect::<Vec<u8>>();
    assert!(holds(&bytes, b"maya"), "the store was looked at");
    assert!(!holds_secret(&bytes, &secret));
}
