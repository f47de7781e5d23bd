//! A relying party hears what became of its challenges: at least once, in order, genuine, and nothing of anybody else.

use countersign_protocol::decision::Answer::{self, Approve, Deny, Report};
use countersign_protocol::jws;
use countersign_protocol::server_identity::WellKnown;
use countersign_server::delivery::webhook::{SecurityEvent, Sender};
use countersign_server::domain::actor::Actor;
use countersign_server::domain::address_guard::AddressGuard;
use countersign_server::domain::rows::RelyingPartyRow;
use countersign_server::service::Service;
use countersign_server::service::webhooks::WebhookRefused;
use countersign_server::store::{Replayed, WebhookRecord};
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::http::RelyingParty;
use countersign_tests::phone::Phone;
use countersign_tests::scene::Scene;
use countersign_tests::webhook_receiver::{Reply, Told, WebhookReceiver};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The scene, whose events are told only when the test says so.
struct Telling {
    scene: Scene,
    sender: Sender,
}

impl Deref for Telling {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.scene
    }
}

/// A site with a webhook.
struct Site {
    api: RelyingParty,
    id: String,
    receiver: WebhookReceiver,
    secret: String,
}

impl Telling {
    async fn with(allow_private: bool) -> Self {
        let scene = Scene::with(move |config| config.webhook.allow_private = allow_private).await;
        scene.server.send_nothing();
        let sender = Sender::new(&scene.server.config.webhook, Arc::clone(scene.server.service())).unwrap();
        Self { scene, sender }
    }

    fn app(&self) -> &Service {
        self.server.service()
    }

    /// What the operator does, where receivers in this machine are allowed or not.
    async fn set(&self, allow_private: bool, id: &str, url: &str) -> Result<Option<String>, WebhookRefused> {
        let (app, guard) = (self.app(), AddressGuard { allow_private });
        let secret = app.operator().set_webhook(&app.keys.at_rest, guard, id, url).await?;
        Ok(secret.map(|secret| secret.to_string()))
    }

    /// Gives a relying party of this name its webhook.
    async fn hook(&self, api: RelyingParty, name: &str) -> Site {
        let receiver = WebhookReceiver::start().await;
        let id = self.id(name).await;
        let secret = self.set(true, &id, &receiver.url).await.unwrap().unwrap();
        Site { api, id, receiver, secret }
    }

    async fn id(&self, name: &str) -> String {
        let all = self.app().store.relying_parties().await.unwrap();
        all.into_iter().find(|one| one.name == name).unwrap().handle
    }

    async fn flush(&self) {
        self.sender.flush().await.unwrap();
    }

    async fn record(&self, site: &Site) -> WebhookRecord {
        let all = self.app().store.webhooks().await.unwrap();
        all.into_iter().find(|one| one.relying_party == site.id).unwrap()
    }

    async fn row(&self, id: &str) -> RelyingPartyRow {
        let all = self.app().store.relying_parties().await.unwrap();
        all.into_iter().find(|one| one.handle == id).unwrap().row_id
    }
}

/// The customer area has a webhook, and Maya a device.
async fn begin() -> (Telling, Site, String, HandmadeDevice) {
    let scene = Telling::with(true).await;
    let site = scene.hook(scene.site.clone(), "Customer area").await;
    let (user, device) = (scene.user.clone(), scene.device().await);
    (scene, site, user, device)
}

/// Asks, and answers with the device.
async fn answered(api: &RelyingParty, user: &str, device: &HandmadeDevice, answer: Answer) -> String {
    let (id, compact) = device.asked(api, user).await;
    device.answers(&compact, answer).await;
    id.to_string()
}

async fn post(api: &RelyingParty, id: &str, what: &str) {
    let answer = api.post(&format!("/v1/challenges/{id}/{what}"), &Value::Null).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn an_event_is_signed_twice_and_says_only_what_its_relying_party_could_read() {
    let (scene, mut site, user, device) = begin().await;
    let context = json!({ "ip": "198.51.100.7", "user_agent": "Firefox/140.0" });
    let asked = site.api.post("/v1/challenges", &json!({ "user_id": user, "context": context })).await;
    let id = asked.body["id"].as_str().unwrap().to_owned();
    let compact = device.pull().await.pop().unwrap();
    assert_eq!(device.decide(&id.parse().unwrap(), device.decision(&compact, Approve)).await.status, 200);
    scene.flush().await;

    let told = site.receiver.taken().pop().unwrap();
    assert_eq!((told.path.as_str(), told.header("content-type")), ("/hooks", "application/json"));
    assert!(
        told.is_signed_with(&site.secret) && !told.is_signed_with("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    );
    assert_eq!(told.header("webhook-timestamp"), "1800000000");
    let body = told.json();
    let event = body["data"]["event"].as_str().unwrap();
    let data = json!({ "id": id, "state": "approved", "user_id": user, "reported": false,
        "amr": ["swk", "mca", "user"], "at": "2027-01-15T08:00:00Z", "event": event });
    assert_eq!(body, json!({ "type": "challenge.approved", "timestamp": "2027-01-15T08:00:00Z", "data": data }));

    let identity: WellKnown = serde_json::from_value(site.api.get("/.well-known/countersign").await.body).unwrap();
    let signed: SecurityEvent = jws::verify(event, &identity.webhook_key.unwrap()).unwrap();
    assert_eq!((&signed.iss, signed.jti.as_str(), &signed.aud), (&identity.server_id, told.id(), &site.id));
    assert_eq!((signed.iat, signed.toe), (1_800_000_000, 1_800_000_000));
    let mut expected = data;
    expected.as_object_mut().unwrap().remove("event");
    assert_eq!(json!(signed.events.challenge), expected);
}

/// What was told since the last look, with the state in it, after `challenge.`.
async fn told(scene: &Telling, site: &mut Site) -> Vec<String> {
    scene.flush().await;
    let line = |body: Value| {
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        let reported = if body["data"]["reported"] == json!(true) { " reported" } else { "" };
        format!("{} {}{reported}", word(&body["type"]).replace("challenge.", ""), word(&body["data"]["state"]))
    };
    site.receiver.taken().iter().map(|told| line(told.json())).collect()
}

#[tokio::test]
async fn every_transition_is_told_once_and_in_order() {
    let (scene, mut site, user, device) = begin().await;
    let site = &mut site;

    let id = answered(&site.api, &user, &device, Approve).await;
    post(&site.api, &id, "claim").await;
    assert_eq!(site.api.post(&format!("/v1/challenges/{id}/claim"), &Value::Null).await.status, 409);
    assert_eq!(told(&scene, site).await, ["approved approved", "claimed claimed"]);
    answered(&site.api, &user, &device, Deny).await;
    assert_eq!(told(&scene, site).await, ["denied denied"]);
    let id = answered(&site.api, &user, &device, Approve).await;
    post(&site.api, &id, "cancel").await;
    post(&site.api, &id, "cancel").await;
    assert_eq!(told(&scene, site).await, ["approved approved", "revoked revoked"]);

    let (first, second) = (site.api.ask(&user).await, site.api.ask(&user).await);
    assert_eq!(told(&scene, site).await, ["numbered pending"], "the second one asks for its number from the start");
    post(&site.api, &first, "cancel").await;
    post(&site.api, &second, "cancel").await;
    assert_eq!(told(&scene, site).await, ["cancelled cancelled", "cancelled cancelled"]);

    answered(&site.api, &user, &device, Report).await;
    assert_eq!(told(&scene, site).await, ["reported reported reported"]);
    let id = site.api.ask(&user).await;
    let compact = device.pull().await.pop().unwrap();
    let challenge = id.parse().unwrap();
    for answer in [Approve, Report, Report] {
        assert_eq!(device.decide(&challenge, device.decision(&compact, answer)).await.status, 200);
    }
    let expected = ["approved approved", "revoked revoked reported", "reported revoked reported"];
    assert_eq!(told(&scene, site).await, expected);
    let id = answered(&site.api, &user, &device, Approve).await;
    let gone = format!("/v1/device/devices/{}", device.id());
    assert_eq!(device.send(Method::DELETE, &gone, b"").await.status, 204);
    assert_eq!(told(&scene, site).await, ["approved approved", "revoked revoked"], "the phone {id} was removed");

    let phone = Phone::at(&scene.clock);
    let enrolment = phone.enrol(&site.api, &user).await;
    let id = site.api.ask(&user).await;
    let body = json!({ "code": phone.core.code(enrolment).unwrap().code, "challenge_id": id });
    assert_eq!(site.api.post(&format!("/v1/users/{user}/codes/verify"), &body).await.body["valid"], true);
    scene.flush().await;
    let by_code = site.receiver.taken().pop().unwrap().json();
    assert_eq!((&by_code["type"], &by_code["data"]["amr"]), (&json!("challenge.approved"), &json!(["otp"])));
    phone.core.remove(enrolment).await.unwrap();
    assert_eq!(told(&scene, site).await, ["revoked revoked"], "and with it what its code approved");

    let noor = site.api.user("noor").await;
    let phone = scene.device_of(&noor).await;
    let challenge = site.api.ask(&noor).await.parse().unwrap();
    let compact = phone.pull().await.pop().unwrap();
    assert!(scene.app().store.revoke_relying_party(Actor::OPERATOR, site.id.clone()).await.unwrap());
    assert_eq!(told(&scene, site).await, ["cancelled cancelled"]);
    assert_eq!(phone.decide(&challenge, phone.decision(&compact, Report)).await.status, 200);
    assert!(told(&scene, site).await.is_empty(), "a relying party that is revoked hears nothing later");
}

#[tokio::test]
async fn an_event_that_was_not_taken_comes_again_with_its_id_and_holds_back_only_its_challenge() {
    let (scene, mut site, user, device) = begin().await;
    site.receiver.statuses(&[500]);
    let first = answered(&site.api, &user, &device, Approve).await;
    post(&site.api, &first, "claim").await;
    scene.clock.advance(Duration::from_secs(1));
    let second = answered(&site.api, &user, &device, Deny).await;
    scene.flush().await;
    let taken = site.receiver.taken();
    let of = |told: &Told| (told.json()["data"]["id"].clone(), told.kind());
    let expected = [(json!(first), "challenge.approved".into()), (json!(second), "challenge.denied".into())];
    assert_eq!(taken.iter().map(of).collect::<Vec<_>>(), expected, "the claim waits for the approval");

    scene.clock.advance(Duration::from_secs(4));
    scene.flush().await;
    assert!(site.receiver.taken().is_empty(), "not before its time");
    scene.clock.advance(Duration::from_secs(2));
    scene.flush().await;
    let again = site.receiver.taken();
    let kinds: Vec<String> = again.iter().map(Told::kind).collect();
    assert_eq!(kinds, ["challenge.approved", "challenge.claimed"]);
    assert_eq!(again[0].id(), taken[0].id());
    assert_ne!(again[0].header("webhook-timestamp"), taken[0].header("webhook-timestamp"), "signed afresh");
    assert!(again.iter().chain(&taken).all(|told| told.is_signed_with(&site.secret)));
    assert_eq!(again[0].json()["timestamp"], taken[0].json()["timestamp"], "when it happened stays");
    let ids: HashSet<&str> = again.iter().chain(&taken).map(Told::id).collect();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn after_a_day_an_event_is_dead_and_can_be_replayed() {
    let (scene, mut site, user, device) = begin().await;
    site.receiver.statuses(&[503; 40]);
    let id = answered(&site.api, &user, &device, Approve).await;
    let began = scene.app().now();
    let mut at = Vec::new();
    // In steps of a second while they are short, then in steps of a minute.
    for step in std::iter::repeat_n(1, 3600).chain(std::iter::repeat_n(60, 24 * 60)) {
        scene.flush().await;
        at.extend(site.receiver.taken().iter().map(|_| began.until(scene.app().now()).as_secs()));
        scene.clock.advance(Duration::from_secs(step));
    }
    let pauses: Vec<u64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (index, least) in [5, 30, 120, 600, 1800].into_iter().enumerate() {
        assert!((least..=least * 6 / 5 + 60).contains(&pauses[index]), "{pauses:?}");
    }
    assert!(pauses[5..].iter().all(|pause| (3600..=4320 + 60).contains(pause)) && pauses.len() > 20, "{pauses:?}");
    // The clock of this test goes by the minute then, and what is due within the last one is tried at its end.
    assert!(*at.last().unwrap() < DAY.as_secs() + 60);

    let record = scene.record(&site).await;
    assert_eq!((record.queued, record.dead, record.disabled), (0, 1, false));
    let dead = scene.app().store.dead_events(scene.row(&site.id).await).await.unwrap().pop().unwrap();
    assert_eq!((dead.fact.as_str(), &dead.challenge.id), ("challenge.approved", &id));
    assert_eq!(usize::try_from(dead.attempts).unwrap(), at.len());
    assert!(dead.reason.contains("503"), "{dead:?}");

    scene.clock.advance(DAY);
    let replay = |id: &str| scene.app().store.replay_events(Actor::OPERATOR, Replayed::One(id.to_owned()));
    assert_eq!(replay("evt_nothing").await.unwrap(), 0);
    assert_eq!(replay(&dead.id).await.unwrap(), 1);
    scene.flush().await;
    assert_eq!(scene.record(&site).await.queued, 1, "it has another day: {:?}", site.receiver.taken().len());
    while scene.record(&site).await.queued > 0 {
        scene.clock.advance(Duration::from_secs(3600));
        scene.flush().await;
    }
    let last = site.receiver.taken().pop().unwrap();
    assert_eq!(last.id(), dead.id);
    assert_eq!(scene.record(&site).await.dead, 0);
    assert_eq!(replay(&dead.id).await.unwrap(), 0, "what was delivered is not told again");
}

#[tokio::test]
async fn a_receiver_that_is_gone_hears_nothing_more_until_the_operator_says_so() {
    let (scene, mut site, user, device) = begin().await;
    site.receiver.statuses(&[410]);
    let id = answered(&site.api, &user, &device, Approve).await;
    post(&site.api, &id, "claim").await;
    scene.flush().await;
    assert_eq!(site.receiver.kinds(), ["challenge.approved"]);
    let record = scene.record(&site).await;
    assert_eq!((record.disabled, record.queued, record.dead), (true, 0, 2));
    answered(&site.api, &user, &device, Deny).await;
    scene.flush().await;
    assert!(site.receiver.taken().is_empty());
    let row = scene.row(&site.id).await;
    assert_eq!(
        scene.app().store.replay_events(Actor::OPERATOR, Replayed::AllOf(row)).await.unwrap(),
        0,
        "it is disabled"
    );

    assert!(scene.set(true, &site.id, &site.receiver.url).await.unwrap().is_none(), "the secret stays");
    assert_eq!(scene.app().store.replay_events(Actor::OPERATOR, Replayed::AllOf(row)).await.unwrap(), 2);
    scene.flush().await;
    let again = site.receiver.taken();
    assert!(again.len() == 2 && again.iter().all(|told| told.is_signed_with(&site.secret)));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (scene, mut site, user, device) = begin().await;
    let mut elsewhere = WebhookReceiver::start().await;
    site.receiver.reply(Reply::Redirect(elsewhere.url.clone()));
    answered(&site.api, &user, &device, Approve).await;
    scene.flush().await;
    assert_eq!(site.receiver.kinds(), ["challenge.approved"]);
    assert!(elsewhere.taken().is_empty());
    assert_eq!(scene.record(&site).await.queued, 1, "it is tried again");
    scene.clock.advance(Duration::from_secs(6));
    scene.flush().await;
    assert_eq!((site.receiver.kinds().len(), scene.record(&site).await.queued), (1, 0));
}

#[tokio::test]
async fn a_private_address_is_not_sent_to() {
    let scene = Telling::with(false).await;
    let (api, id) = (&scene.site, scene.id("Customer area").await);
    let mut receiver = WebhookReceiver::start().await;
    for url in [receiver.url.clone(), receiver.url.replace("http:", "https:"), "https://10.0.0.1/hooks".into()] {
        let refused = scene.set(false, &id, &url).await.unwrap_err();
        assert!(matches!(refused, WebhookRefused::Address(_)), "{url}: {refused}");
    }
    assert!(scene.app().store.webhooks().await.unwrap().is_empty());

    // Whatever was allowed when it was set, or a name is made to lead to by now: it is judged again at each attempt.
    let device = scene.device().await;
    let named = receiver.url.replace("127.0.0.1", "localhost").replace("http:", "https:");
    for url in [receiver.url.clone(), named] {
        scene.set(true, &id, &url).await.unwrap();
        answered(api, &scene.user, &device, Deny).await;
        scene.flush().await;
        scene.app().store.remove_webhook(Actor::OPERATOR, scene.row(&id).await).await.unwrap();
    }
    assert!(receiver.taken().is_empty());
    let row = scene.row(&id).await;
    let dead = scene.app().store.dead_events(row).await.unwrap();
    assert_eq!(dead.iter().map(|event| event.attempts).collect::<Vec<_>>(), [1, 1], "{dead:?}");
    assert!(dead[0].reason.contains("not https") && dead[1].reason.contains("private addresses only"), "{dead:?}");
}

#[tokio::test]
async fn each_relying_party_hears_only_of_its_own_and_is_held_up_by_no_other() {
    let (scene, mut site, user, device) = begin().await;
    let mut shop = scene.hook(scene.server.relying_party("Meridian", "Shop").await, "Shop").await;
    let api = scene.server.relying_party("Meridian", "Webmail").await;
    site.receiver.statuses(&[500]);
    let of_site = answered(&site.api, &user, &device, Deny).await;
    let of_shop = answered(&shop.api, &user, &device, Deny).await;
    answered(&api, &user, &device, Deny).await;
    scene.flush().await;
    for (site, id) in [(&mut site, of_site), (&mut shop, of_shop)] {
        let taken = site.receiver.taken();
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].json()["data"]["id"], json!(id));
        assert!(taken[0].is_signed_with(&site.secret));
    }
    assert_ne!(site.secret, shop.secret);
    assert_eq!((scene.record(&site).await.queued, scene.record(&shop).await.queued), (1, 0));
}

#[tokio::test]
async fn while_a_secret_changes_both_sign_and_after_a_day_only_the_later_one() {
    let (scene, mut site, user, device) = begin().await;
    let later = scene.app().operator().rotate_webhook(&scene.app().keys.at_rest, &site.id).await.unwrap();
    for (after, earlier_signs) in [(Duration::ZERO, true), (DAY, false)] {
        scene.clock.advance(after);
        answered(&site.api, &user, &device, Deny).await;
        scene.flush().await;
        let told = site.receiver.taken().pop().unwrap();
        assert_eq!((told.is_signed_with(&later), told.is_signed_with(&site.secret)), (true, earlier_signs));
    }
}

#[tokio::test]
async fn what_happened_before_a_stop_is_told_after_the_start() {
    let (scene, mut site, user, device) = begin().await;
    let id = answered(&site.api, &user, &device, Approve).await;
    assert!(site.receiver.taken().is_empty());
    let _server = scene.scene.restart().await;
    let told = site.receiver.next().await;
    assert_eq!((told.json()["data"]["id"].clone(), told.is_signed_with(&site.secret)), (json!(id), true));
}

#[tokio::test]
async fn what_one_process_has_taken_no_other_takes_until_its_lease_ends() {
    let (scene, mut site, user, device) = begin().await;
    answered(&site.api, &user, &device, Deny).await;
    let (store, row) = (&scene.app().store, scene.row(&site.id).await);
    let taken = store.take_due_event(row).await.unwrap().expect("it is due");
    assert!(store.take_due_event(row).await.unwrap().is_none(), "it is on its way");
    scene.clock.advance(Duration::from_secs(31));
    let again = store.take_due_event(row).await.unwrap().expect("whoever had it took too long");
    assert_eq!(again.id, taken.id);
    store.release_leases().await.unwrap();
    scene.flush().await;
    assert_eq!(site.receiver.taken().len(), 1, "the process that had it is gone, and it is told");
}
