//! The codes of a phone.

use crate::world::{STEP, World, shown};
use async_trait::async_trait;
use countersign_device::Error;
use countersign_device::transport::{HttpRequest, HttpResponse, Transport, Unreachable};
use countersign_protocol::at_rest::Location;
use countersign_protocol::one_time_code::{Algorithm, Secret, Totp};
use countersign_protocol::time::{Clock, SystemClock};
use countersign_tests::clock::ManualClock;
use countersign_tests::handmade::{HandmadeDevice, Prepared};
use countersign_tests::phone::Phone;
use countersign_tests::server::TestServer;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const ELEVEN_MINUTES: Duration = Duration::from_secs(660);

#[tokio::test]
async fn a_code_is_right_once_and_only_once() {
    let world = World::new().await;
    let (phone, id) = world.phone().await;
    let first = phone.core.code(id).unwrap();
    assert_eq!((first.code.len(), first.seconds_left), (6, 30));
    let (start, end) = first.code.split_at(3);
    assert_eq!(world.tries(&format!(" {start}\u{a0}{end}\n")).await, (true, 100), "as a person types it");
    assert_eq!(world.tries(&first.code).await, (false, 99), "it is spent");

    world.clock.advance(STEP);
    let next = shown(&phone, id);
    assert_eq!(next, first.next);
    assert_eq!(world.tries(&next).await, (true, 100), "and a right one forgets the failures before it");
    assert_eq!(world.tries(&first.code).await, (false, 99), "a step before the last accepted one");
    let world = World { server: world.server.restart().await, ..world };
    assert_eq!(world.tries(&next).await, (false, 98), "spent after a restart too");
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
async fn a_phone_eleven_minutes_wrong_shows_right_codes_also_when_the_server_is_gone() {
    for (back, offset) in [(true, 660_000), (false, -660_000)] {
        let world = World::new().await;
        let wrong_time = ManualClock::new();
        if back {
            wrong_time.set_back(ELEVEN_MINUTES);
        } else {
            wrong_time.advance(ELEVEN_MINUTES);
        }
        let (phone, id) = world.phone_at(&wrong_time).await;
        assert_eq!(phone.core.accounts().unwrap()[0].clock_offset_ms, offset);
        assert_eq!(world.tries(&shown(&phone, id)).await, (true, 100));
        let next = phone.core.code(id).unwrap().next;
        let url = world.server.url.clone();
        world.server.stop().await;
        assert!(countersign_tests::http::client().get(&url).send().await.is_err(), "the server is gone");
        let phone = phone.restart();
        wrong_time.advance(STEP);
        assert_eq!(shown(&phone, id), next);
        assert_eq!(phone.core.accounts().unwrap()[0].clock_offset_ms, offset);
    }
}

#[tokio::test]
async fn a_code_shown_without_the_server_is_right_when_it_is_back() {
    let world = World::new().await;
    let (phone, id) = world.phone().await;
    let nowhere = rusqlite::Connection::open(phone.directory().join("authenticator.db")).unwrap();
    nowhere.execute("UPDATE enrolment SET server_url = 'http://127.0.0.1:1'", []).unwrap();
    drop(nowhere);
    assert_eq!(phone.core.refresh_server(id).await.unwrap_err().code(), "unreachable");
    assert_eq!(world.tries(&shown(&phone, id)).await, (true, 100));
}

#[tokio::test]
async fn one_step_of_drift_and_none_in_strict_mode() {
    for strict in [false, true] {
        let world = World::with(if strict { |config| config.codes.strict = true } else { |_| () }).await;
        let (phone, id) = world.phone().await;
        let ahead = phone.core.code(id).unwrap().next;
        assert_eq!(world.tries(&ahead).await.0, !strict, "the next code");
        world.clock.advance(STEP * 3);
        let two_steps_old = shown(&phone, id);
        world.clock.advance(STEP);
        let one_step_old = shown(&phone, id);
        world.clock.advance(STEP);
        assert!(!world.tries(&two_steps_old).await.0, "strict: {strict}");
        assert_eq!(world.tries(&one_step_old).await.0, !strict);
        assert!(world.tries(&shown(&phone, id)).await.0);
    }
}

#[tokio::test]
async fn a_phone_counts_while_it_is_in_use() {
    let world = World::new().await;
    let nobody = world.verify("123456").await;
    assert_eq!((nobody.status, nobody.code()), (409, "no_device"));
    let phone = Phone::with(Arc::new(world.clock.clone()), Phone::new().platform().transport.clone());
    let account = phone.core.enrol(&world.site.link(&world.user).await, "Maya's phone").await.unwrap();
    let code = shown(&phone, account.id);
    assert_eq!(world.verify(&code).await.code(), "no_device", "not before the digits are typed");
    let listed = world.authenticators().await;
    assert_eq!((&listed[0]["state"], &listed[0]["kind"]), (&json!("proposed"), &json!("phone")));

    let countersign_device::AccountState::Proposed { confirmation_code } = &account.state else {
        panic!("{account:?}")
    };
    let confirm = format!("/v1/enrolments/{}/confirm", account.id);
    world.site.post(&confirm, &json!({ "code": confirmation_code })).await;
    let handle = world.authenticators().await[0]["id"].clone();
    let expected = json!({ "id": handle, "name": "Maya's phone", "state": "confirmed", "kind": "phone", "locked": false, "device": account.id });
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
        world.database().query_row("SELECT secret FROM code_authenticator", [], |row| row.get(0)).unwrap();
    assert!(kept.is_empty(), "its secret is gone");
}

#[tokio::test]
async fn what_is_no_code_or_nobody_here_is_refused_uncounted() {
    let world = World::new().await;
    let (phone, id) = world.phone().await;
    for malformed in ["", "12345", "123456789", "12345a", "１２３４５６", "-123456"] {
        let answer = world.verify(malformed).await;
        assert_eq!((answer.status, answer.code()), (400, "malformed"), "{malformed}");
    }
    let other = world.server.relying_party("Another", "Shop").await;
    let path = format!("/v1/users/{}/codes/verify", world.user);
    let foreign = other.post(&path, &json!({ "code": shown(&phone, id) })).await;
    assert_eq!((foreign.status, foreign.code()), (404, "not_found"));
    assert_eq!(world.tries(&shown(&phone, id)).await, (true, 100), "nothing was counted or spent");
}

type Change = Box<dyn FnOnce(&mut Value) + Send>;

/// A network on which somebody changes the first answer to a redemption.
struct Changed {
    network: Arc<dyn Transport>,
    change: Mutex<Option<Change>>,
}

#[async_trait]
impl Transport for Changed {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
        let redeems = request.url.ends_with("/v1/device/enrol");
        let mut response = self.network.send(request).await?;
        if let Some(change) = redeems.then(|| self.change.lock().unwrap().take()).flatten() {
            let mut body = serde_json::from_slice(&response.body).unwrap();
            change(&mut body);
            response.body = serde_json::to_vec(&body).unwrap();
        }
        Ok(response)
    }
}

fn phone_on(change: impl FnOnce(&mut Value) + Send + 'static) -> Phone {
    let network = Phone::new().platform().transport.clone();
    let network = Changed { network, change: Mutex::new(Some(Box::new(change))) };
    Phone::with(Arc::new(SystemClock), Arc::new(network))
}

#[tokio::test]
async fn an_older_server_gives_no_seed_and_the_account_has_no_codes() {
    let server = TestServer::start().await;
    let site = server.relying_party("Meridian", "Customer area").await;
    let user = site.user("maya").await;
    let phone = phone_on(|answer| assert!(answer.as_object_mut().unwrap().remove("code_seed").is_some()));
    let id = phone.enrol(&site, &user).await;
    let refused = phone.core.code(id).unwrap_err();
    assert!(matches!(refused, Error::NoCodes), "{refused:?}");
    assert_eq!(refused.code(), "no_codes");
    site.ask(&user).await;
    assert_eq!(phone.core.pull(id, 0).await.unwrap().received.len(), 1, "all else works");
}

#[tokio::test]
async fn a_seed_of_another_enrolment_is_refused_and_the_right_one_taken() {
    let server = TestServer::start().await;
    let site = server.relying_party("Meridian", "Customer area").await;
    let user = site.user("maya").await;
    let other = Prepared::new(&site.link(&user).await).await;
    let foreign = other.send(&other.redemption).await.body["code_seed"].clone();
    let phone = phone_on(move |answer| answer["code_seed"] = foreign);
    let link = site.link(&user).await;
    assert_eq!(phone.core.enrol(&link, "Phone").await.unwrap_err().code(), "cannot_open");
    assert!(phone.core.accounts().unwrap().is_empty());
    let account = phone.core.enrol(&link, "Phone").await.unwrap();
    assert_eq!(shown(&phone, account.id).len(), 6, "the same redemption again");
}

#[tokio::test]
async fn no_secret_lies_open_in_the_servers_database() {
    let server = TestServer::start().await;
    let site = server.relying_party("Meridian", "Customer area").await;
    let user = site.user("maya").await;
    let device = HandmadeDevice::enrol(&site, &user).await;
    let secret = device.code_seed.secret.clone();
    assert_eq!(secret.as_bytes().len(), 20);
    let database = server.database();
    let wal = database.with_extension("db-wal");
    let bytes = [std::fs::read(&database).unwrap(), std::fs::read(wal).unwrap_or_default()].concat();
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(holds(b"Handmade"), "the database was looked at");
    let base64url = data_encoding::BASE64URL_NOPAD.encode(secret.as_bytes());
    for needle in [secret.as_bytes(), secret.to_base32().as_bytes(), base64url.as_bytes()] {
        assert!(!holds(needle));
    }
}

#[tokio::test]
async fn no_secret_lies_open_on_the_phone() {
    let world = World::new().await;
    let (phone, id) = world.phone().await;
    let database = rusqlite::Connection::open(world.server.database()).unwrap();
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?));
    let (row, sealed) = database.query_row("SELECT handle, secret FROM code_authenticator", [], read).unwrap();
    let location = Location { table: "code_authenticator", row: &row, column: "secret" };
    let secret = Secret::new(&world.server.service().keys.at_rest.open(location, &sealed).unwrap()).unwrap();
    let totp = Totp::new(secret.clone(), Algorithm::Sha1, 6, 30).unwrap();
    assert_eq!(totp.now(world.clock.now()).code, shown(&phone, id), "it is the secret of this phone");

    let files = std::fs::read_dir(phone.directory()).unwrap();
    let bytes = files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect::<Vec<u8>>();
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(holds(b"maya"), "the store was looked at");
    let base64url = data_encoding::BASE64URL_NOPAD.encode(secret.as_bytes());
    for needle in [secret.as_bytes(), secret.to_base32().as_bytes(), base64url.as_bytes()] {
        assert!(!holds(needle));
    }
}
