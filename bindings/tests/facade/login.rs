//! A whole login through the facade, against a server on loopback.

use crate::app::{AppClock, Network, Vault, moment};
use countersign_bindings::{
    AccountState, Authenticator, AuthenticatorError, Detail, EnrolmentState, Outcome, Policy, PushRegistration,
    Received, SignInContext,
};
use countersign_protocol::device_api;
use countersign_protocol::time::Clock;
use countersign_tests::clock::ManualClock;
use countersign_tests::http::{self, RelyingParty};
use countersign_tests::push_service::PushService;
use countersign_tests::scene::Scene;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tempfile::TempDir;

struct Phone {
    app: Authenticator,
    vault: Arc<Vault>,
    account_id: String,
    /// Holds the store.
    _directory: TempDir,
}

/// A phone that is enrolled and confirmed.
async fn phone(site: &RelyingParty, user: &str, vault: Arc<Vault>, clock: &ManualClock) -> Phone {
    let directory = tempfile::tempdir().unwrap();
    let (network, app_clock) = (Network::new(http::client()), Arc::new(AppClock(clock.clone())));
    let app = Authenticator::open(directory.path().to_str().unwrap().into(), vault.clone(), network, app_clock, None);
    let app = app.await.unwrap();
    let account = app.enrol(site.link(user).await, "Telephone".into()).await.unwrap();
    assert_eq!(app.accounts().await.unwrap()[..], *std::slice::from_ref(&account));
    assert_eq!((account.organisation.as_str(), account.account.as_str()), ("Meridian", "maya"));
    assert_eq!((account.device_name.as_str(), &account.server_url), ("Telephone", &site.url));
    assert_eq!((account.enrolled_at, account.clock_offset_ms), (moment(clock.now()), 0));
    let AccountState::Proposed { confirmation_code } = account.state else { panic!("{account:?}") };

    assert_eq!(app.pull(account.id.clone(), 0).await.unwrap().state, EnrolmentState::Proposed);
    site.confirm(&account.id, &confirmation_code).await;
    let pulled = app.pull(account.id.clone(), 0).await.unwrap();
    assert_eq!((pulled.state, pulled.received, pulled.refused), (EnrolmentState::Confirmed, vec![], vec![]));
    assert_eq!(app.accounts().await.unwrap()[0].state, AccountState::Confirmed);
    Phone { app, vault, account_id: account.id, _directory: directory }
}

#[tokio::test]
async fn a_push_is_shown_and_yes_signed_in_hardware() {
    let Scene { clock, server: _server, site, user } = Scene::new().await;
    let Phone { app, vault, account_id, _directory } = phone(&site, &user, Vault::of_hardware(), &clock).await;
    assert_eq!(vault.key_names().len(), 2, "a request key and an approval key");
    let mut push = PushService::start().await;
    let device_api::PushRegistration::WebPush(subscription) = push.registration() else { panic!("no subscription") };
    app.register_push(
        account_id.clone(),
        vec![PushRegistration::WebPush {
            endpoint: subscription.endpoint,
            p256dh: subscription.p256dh,
            auth: subscription.auth,
            application_server_key: app.webpush_public_key(account_id.clone()).await.unwrap(),
        }],
    )
    .await
    .unwrap();

    let asked = json!({
        "user_id": user, "binding_message": "Order 4711", "details": [{ "label": "Amount", "value": "12 €" }],
        "context": { "ip": "198.51.100.7" },
    });
    let id = site.post("/v1/challenges", &asked).await.body["id"].as_str().unwrap().to_owned();
    let message = push.next().await.message;
    assert_eq!(app.receive(message.clone()).await.unwrap(), Received::New { challenge_id: id.clone() });
    assert_eq!(app.receive(message).await.unwrap(), Received::Known { challenge_id: id.clone() });

    let prompt = app.pending().await.unwrap().remove(0);
    let challenge = prompt.challenge;
    assert_eq!((&prompt.account.id, &challenge.account_id, &challenge.id), (&account_id, &account_id, &id));
    assert_eq!((challenge.relying_party.as_str(), challenge.account.as_str()), ("Customer area", "maya"));
    assert_eq!((challenge.binding_message.as_deref(), challenge.policy), (Some("Order 4711"), Policy::Tap));
    assert_eq!(challenge.details, [Detail { label: "Amount".into(), value: "12 €".into() }]);
    let SignInContext { ip, place, browser, system } = challenge.context;
    assert_eq!((ip.as_deref(), place, browser, system), (Some("198.51.100.7"), None, None, None));
    assert_eq!(challenge.asked_at, moment(clock.now()));
    assert_eq!(challenge.ends_at, moment(clock.now()) + Duration::from_secs(60));
    assert_eq!((prompt.time_left, prompt.answering), (Duration::from_secs(60), false));

    vault.confirms.store(false, Ordering::SeqCst);
    let refused = app.approve(id.clone(), None).await.unwrap_err();
    assert!(matches!(refused, AuthenticatorError::NotConfirmed { .. }), "{refused:?}");
    assert_eq!((app.pending().await.unwrap().len(), site.state(&id).await.as_str()), (1, "pending"), "it still waits");

    vault.confirms.store(true, Ordering::SeqCst);
    assert_eq!(app.approve(id.clone(), None).await, Ok(Outcome::Approved));
    assert_eq!((app.pending().await, site.state(&id).await.as_str()), (Ok(vec![]), "approved"));
    let past = app.history(10).await.unwrap().remove(0);
    assert_eq!((past.challenge.id, past.outcome, past.at), (id, Outcome::Approved, moment(clock.now())));

    let device = app.devices(account_id.clone()).await.unwrap().remove(0);
    assert_eq!((device.id, device.this_device, device.state), (account_id.clone(), true, EnrolmentState::Confirmed));
    assert_eq!((device.name.as_str(), device.enrolled_at), ("Telephone", moment(clock.now())));
    app.remove(account_id).await.unwrap();
    assert_eq!((app.accounts().await, vault.key_names()), (Ok(vec![]), vec![]), "nothing is left, in hardware neither");
}
