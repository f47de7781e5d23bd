//! The places where pushes reach an app, as it names them to the core.

use crate::app::{AppClock, Network, Vault};
use countersign_bindings::platform::PushRegistrar;
use countersign_bindings::{Authenticator, PushRegistration, PushStatus};
use countersign_protocol::device_api;
use countersign_tests::http;
use countersign_tests::push_service::PushService;
use countersign_tests::scene::Scene;
use std::sync::{Arc, Mutex};

/// An app with two subscriptions, which are made with the key that the core hands it.
struct Subscriptions {
    services: [PushService; 2],
    asked: Mutex<Vec<(bool, Option<String>)>>,
}

#[async_trait::async_trait]
impl PushRegistrar for Subscriptions {
    async fn registrations(&self, _: String, rejected: bool, key: Option<String>) -> Vec<PushRegistration> {
        self.asked.lock().unwrap().push((rejected, key.clone()));
        let subscribe = |service: &PushService| {
            let subscribed = service.subscribe(key.as_deref().unwrap());
            let device_api::PushRegistration::WebPush(made) = subscribed else { panic!("it is no subscription") };
            PushRegistration::WebPush {
                endpoint: made.endpoint,
                p256dh: made.p256dh,
                auth: made.auth,
                application_server_key: made.application_server_key,
            }
        };
        self.services.iter().map(subscribe).collect()
    }
}

#[tokio::test]
async fn an_app_names_all_places_and_is_given_the_key_for_them() {
    let Scene { clock, server: _server, site, user } = Scene::new().await;
    let services = [PushService::start().await, PushService::start().await];
    let subscriptions = Arc::new(Subscriptions { services, asked: Mutex::default() });
    let directory = tempfile::tempdir().unwrap();
    let (network, clock) = (Network::new(http::client()), Arc::new(AppClock(clock)));
    let folder = directory.path().to_str().unwrap().to_owned();
    let app = Authenticator::open(folder, Vault::of_software(), network, clock, Some(subscriptions.clone()));
    let app = app.await.unwrap();
    let id = app.enrol(site.link(&user).await, "Telephone".into()).await.unwrap().id;

    assert_eq!(app.pull(id.clone(), 0).await.unwrap().push, Some(PushStatus::None));
    let key = app.webpush_public_key(id.clone()).await.unwrap();
    assert!(key.is_some());
    assert_eq!(*subscriptions.asked.lock().unwrap(), [(false, key)]);
    assert_eq!(app.pull(id.clone(), 0).await.unwrap().push, Some(PushStatus::Registered), "both were taken");
}
