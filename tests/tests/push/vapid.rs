//! The server's key for Web Push is rotated: subscriptions keep the key that they were made with until they are made
//! anew.

use async_trait::async_trait;
use countersign_device::{Outcome, PushRegistrar};
use countersign_protocol::at_rest::Location;
use countersign_protocol::device_api::{PushRegistration, PushStatus};
use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::key::SoftwareKey;
use countersign_protocol::randomness::SystemRandomness;
use countersign_server::keys::{master_key, vapid_keys};
use countersign_server::runtime::config::Config;
use countersign_tests::clock::ManualClock;
use countersign_tests::earlier;
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::http::{RelyingParty, client, send};
use countersign_tests::phone::Phone;
use countersign_tests::push_service::PushService;
use countersign_tests::scene::Scene;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A platform whose push service binds each subscription to the key that it was made with.
struct Browser {
    service: PushService,
    subscribed: Mutex<Vec<(String, PushRegistration)>>,
}

/// The platform as the core sees it.
struct Registrar(Arc<tokio::sync::Mutex<Browser>>);

#[async_trait]
impl PushRegistrar for Registrar {
    async fn registrations(&self, _: EnrolmentId, _: bool, key: Option<String>) -> Vec<PushRegistration> {
        let browser = self.0.lock().await;
        let mut subscribed = browser.subscribed.lock().unwrap();
        let key = key.expect("the server names its key wherever there is something to repair");
        if subscribed.last().is_none_or(|(made_with, _)| *made_with != key) {
            subscribed.push((key.clone(), browser.service.subscribe(&key)));
        }
        subscribed.last().map(|(_, registration)| registration.clone()).into_iter().collect()
    }
}

/// A phone that subscribes by itself.
struct Subscriber {
    phone: Phone,
    id: EnrolmentId,
    browser: Arc<tokio::sync::Mutex<Browser>>,
}

impl Subscriber {
    async fn enrol(site: &RelyingParty, user: &str, clock: &ManualClock) -> Self {
        let browser = Browser { service: PushService::start().await, subscribed: Mutex::default() };
        let browser = Arc::new(tokio::sync::Mutex::new(browser));
        let phone = Phone::reached_by(Arc::new(Registrar(Arc::clone(&browser))), clock);
        let id = phone.enrol(site, user).await;
        Self { phone, id, browser }
    }

    async fn pulled(&self) -> Option<PushStatus> {
        self.phone.core.pull(self.id, 0).await.unwrap().push
    }

    /// A login whose push comes for this subscription, under the key that the service bound it to.
    async fn sign_in(&self, site: &RelyingParty, user: &str, path: &str) {
        let challenge = site.ask(user).await;
        let taken = self.browser.lock().await.service.next().await;
        assert_eq!(taken.path, path);
        self.phone.core.receive(&taken.message).unwrap();
        assert_eq!(self.phone.core.approve(self.phone.only_prompt(), None).await.unwrap(), Outcome::Approved);
        assert_eq!(site.state(&challenge).await, "approved");
    }
}

async fn webpush_public_key(url: &str) -> String {
    let identity = send(client().get(format!("{url}/.well-known/countersign"))).await;
    identity.body["webpush_public_key"].as_str().unwrap().to_owned()
}

/// How many VAPID keys lie in a database.
fn keys_in(data: &Path) -> i64 {
    let database = rusqlite::Connection::open(data.join("countersign.db")).unwrap();
    database.query_row("SELECT count(*) FROM vapid_key", (), |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn logins_go_on_over_a_rotation_and_the_phone_subscribes_anew() {
    let Scene { clock, server, site, user } = Scene::new().await;
    let data = server.database().parent().unwrap().to_owned();
    let phone = Subscriber::enrol(&site, &user, &clock).await;
    let first = webpush_public_key(&server.url).await;
    assert_eq!(phone.phone.core.webpush_public_key(phone.id).await.unwrap().as_ref(), Some(&first));
    assert_eq!(phone.pulled().await, Some(PushStatus::None), "the first contact registers");
    assert_eq!(phone.pulled().await, Some(PushStatus::Registered));
    phone.sign_in(&site, &user, "/subscriber/1").await;

    let second = server.rotate_vapid_key().await;
    assert_eq!(webpush_public_key(&server.url).await, second);
    assert_ne!(first, second);
    phone.sign_in(&site, &user, "/subscriber/1").await;
    let server = server.restart().await;
    assert_eq!((webpush_public_key(&server.url).await, keys_in(&data)), (second.clone(), 2));
    phone.sign_in(&site, &user, "/subscriber/1").await;

    assert_eq!(phone.pulled().await, Some(PushStatus::Outdated), "the next contact makes it anew");
    assert_eq!((phone.pulled().await, keys_in(&data)), (Some(PushStatus::Registered), 1), "nobody needs the first key");
    phone.sign_in(&site, &user, "/subscriber/2").await;
    let keys: Vec<String> = {
        let browser = phone.browser.lock().await;
        let subscribed = browser.subscribed.lock().unwrap();
        subscribed.iter().map(|(key, _)| key.clone()).collect()
    };
    assert_eq!(keys, [first.clone(), second.clone()]);

    let late = phone.browser.lock().await.service.subscribe(&first);
    let refused = phone.phone.core.register_push(phone.id, &[late]).await.unwrap_err();
    assert_eq!(refused.code(), "unknown_webpush_key");
    assert_eq!(phone.pulled().await, Some(PushStatus::Registered), "nothing was changed");
    phone.sign_in(&site, &user, "/subscriber/2").await;
}

#[tokio::test]
async fn a_subscription_names_a_key_of_this_server_or_none() {
    let Scene { clock, server, site, user } = Scene::new().await;
    let device = HandmadeDevice::enrol_at(&site, &user, &clock).await;
    let mut service = PushService::start().await;
    let current = webpush_public_key(&server.url).await;
    let put = async |registration: &Value| {
        let answer = device.send(Method::PUT, "/v1/device/push", registration.to_string().as_bytes()).await;
        (answer.status, answer.code().to_owned())
    };
    let right = serde_json::to_value(service.subscribe(&current)).unwrap();
    assert_eq!(put(&right).await, (204, String::new()));
    let (stranger, _) = SoftwareKey::generate().unwrap();
    let last = if current.ends_with('A') { "E" } else { "A" };
    let off_the_curve = format!("{}{last}", &current[..current.len() - 1]);
    for (key, status, code) in [
        (json!(vapid_keys::public_text(&stranger)), 409, "unknown_webpush_key"),
        (json!(""), 400, "malformed"),
        (json!(off_the_curve), 400, "malformed"),
        (json!(format!("{current}=")), 400, "malformed"),
        (json!(&current[..60]), 400, "malformed"),
        (json!(7), 400, "malformed"),
    ] {
        let wrong = json!([{ "gateway": "webpush", "application_server_key": key,
            "endpoint": right["endpoint"], "p256dh": right["p256dh"], "auth": right["auth"] }]);
        assert_eq!(put(&wrong).await, (status, code.to_owned()), "{key}");
    }
    let mut unnamed = right.clone();
    unnamed["application_server_key"] = Value::Null;
    assert_eq!(put(&unnamed).await, (204, String::new()), "it was made with the one that is current now");
    server.rotate_vapid_key().await;
    site.ask(&user).await;
    assert_eq!(service.next().await.path, "/subscriber/1");
}

#[tokio::test]
async fn an_earlier_key_goes_with_the_last_registration_that_was_made_with_it() {
    let Scene { clock, server, site, user } = Scene::new().await;
    let data = server.database().parent().unwrap().to_owned();
    server.rotate_vapid_key().await;
    assert_eq!(keys_in(&data), 1, "nobody has subscribed");

    let service = PushService::start().await;
    let phones = [Phone::at(&clock), Phone::at(&clock), Phone::at(&clock)];
    let mut ids = Vec::new();
    for phone in &phones {
        let id = phone.enrol(&site, &user).await;
        let key = phone.core.webpush_public_key(id).await.unwrap().unwrap();
        phone.core.register_push(id, &[service.subscribe(&key), service.registration()]).await.unwrap();
        ids.push(id);
    }
    let fresh = server.rotate_vapid_key().await;
    assert_eq!(keys_in(&data), 2);
    phones[0].core.register_push(ids[0], &[service.subscribe(&fresh)]).await.unwrap();
    assert_eq!(keys_in(&data), 2, "two phones have not been here");
    phones[1].core.remove(ids[1]).await.unwrap();
    assert_eq!(keys_in(&data), 2, "one phone has not been here");
    service.answer(axum::http::StatusCode::GONE);
    site.ask(&user).await;
    while keys_in(&data) > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(webpush_public_key(&server.url).await, fresh, "the current one is not dropped, needed or not");
    assert_eq!(phones[2].core.pull(ids[2], 0).await.unwrap().push, Some(PushStatus::Gone));
}

#[tokio::test]
async fn a_phone_that_was_never_confirmed_keeps_no_earlier_key() {
    let Scene { clock, server, site, user } = Scene::new().await;
    let phone = Phone::at(&clock);
    let account = phone.core.enrol(&site.link(&user).await, "Phone").await.unwrap();
    let service = PushService::start().await;
    phone.core.register_push(account.id, &[service.registration()]).await.unwrap();
    let data = server.database().parent().unwrap().to_owned();
    server.rotate_vapid_key().await;
    assert_eq!(keys_in(&data), 2, "it may still be confirmed");
    clock.advance(Duration::from_secs(601));
    server.rotate_vapid_key().await;
    assert_eq!(keys_in(&data), 1);
}

/// Turns a database of this version into one of the version before there were several registrations and keys: with one
/// registration in the row of its device and one VAPID key among the settings, each sealed for that place.
fn into_the_earlier_form(data: &Path, key: &[u8], registrations: &[(EnrolmentId, Option<&PushRegistration>)]) {
    let randomness = SystemRandomness::new();
    let config = Config::load(None, std::iter::empty()).unwrap();
    let at_rest = master_key::load(&config.master_key, data).unwrap();
    // Its fifth step is the last of that version.
    earlier::take_back_to(5, data);
    let database = rusqlite::Connection::open(data.join("countersign.db")).unwrap();
    let setting = Location { table: "setting", row: "vapid_key", column: "value" };
    let sealed = at_rest.seal(setting, key, &randomness);
    database.execute("INSERT INTO setting VALUES ('vapid_key', ?1)", [sealed]).unwrap();
    for (id, registration) in registrations {
        let sql = "SELECT row_id FROM enrolment WHERE handle = ?1";
        let row: i64 = database.query_row(sql, [id.to_string()], |row| row.get(0)).unwrap();
        let text = row.to_string();
        let location = Location { table: "enrolment", row: &text, column: "push_registration" };
        let sealed = registration.map(|one| at_rest.seal(location, &serde_json::to_vec(one).unwrap(), &randomness));
        let sql = "UPDATE enrolment SET push_registration = ?2, push_registered_at = 1, push_lane = 'webpush' \
                   WHERE row_id = ?1";
        database.execute(sql, (row, sealed)).unwrap();
    }
}

#[tokio::test]
async fn a_database_from_before_keeps_its_key_and_every_registration() {
    let Scene { clock, server, site, user } = Scene::new().await;
    let (phone, gone, never) = (Phone::at(&clock), Phone::at(&clock), Phone::at(&clock));
    let id = phone.enrol(&site, &user).await;
    let (gone_id, never_id) = (gone.enrol(&site, &user).await, never.enrol(&site, &user).await);
    let mut service = PushService::start().await;
    let (key, pkcs8) = SoftwareKey::generate().unwrap();
    let key = vapid_keys::public_text(&key);
    // As it was given then: without the key.
    let PushRegistration::WebPush(mut subscription) = service.subscribe(&key) else { panic!("it is a subscription") };
    subscription.application_server_key = None;
    let registration = PushRegistration::WebPush(subscription);
    let earlier = [(id, Some(&registration)), (gone_id, None)];
    let server = server.restart_after(|data| into_the_earlier_form(data, &pkcs8, &earlier)).await;

    assert_eq!(webpush_public_key(&server.url).await, key);
    for (phone, id, status) in
        [(&phone, id, PushStatus::Registered), (&gone, gone_id, PushStatus::Gone), (&never, never_id, PushStatus::None)]
    {
        assert_eq!(phone.core.pull(id, 0).await.unwrap().push, Some(status));
    }
    site.ask(&user).await;
    assert_eq!(service.next().await.path, "/subscriber/1");
    server.rotate_vapid_key().await;
    let server = server.restart().await;
    assert_eq!(phone.core.pull(id, 0).await.unwrap().push, Some(PushStatus::Outdated));
    site.ask(&user).await;
    assert_eq!(service.next().await.path, "/subscriber/1", "it is still pushed to with the key that it was made with");
    drop(server);
}
