//! What is over goes at its age, and takes with it nothing that anybody still needs. Real logins over HTTP, and a clock
//! that is moved over a year.

mod interrupted;
mod size;
mod year;

use countersign_protocol::decision::Answer::Approve;
use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::handle::ChallengeId;
use countersign_server::domain::address_guard::AddressGuard;
use countersign_server::runtime::retention::pruner::Pruner;
use countersign_server::store::Ages;
use countersign_tests::handmade::HandmadeDevice;
use countersign_tests::http::{RelyingParty, send};
use countersign_tests::push_service::PushService;
use countersign_tests::scene::Scene;
use countersign_tests::webhook_receiver::WebhookReceiver;
use reqwest::Method;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A site that is told of what becomes of its challenges, and a person whose phone is pushed to.
struct House {
    scene: Scene,
    site: RelyingParty,
    user: String,
    device: HandmadeDevice,
    logins: u32,
    _receiver: WebhookReceiver,
    _push_service: PushService,
}

impl House {
    async fn new() -> Self {
        let scene = Scene::with(|config| config.webhook.allow_private = true).await;
        let operator = scene.server.service().operator();
        let made = operator.create_relying_party("Meridian", "Shop").await.unwrap().unwrap();
        let site = RelyingParty::new(&scene.server.url, &made.api_key);
        let receiver = WebhookReceiver::start().await;
        let (id, guard) = (&made.relying_party.handle, AddressGuard { allow_private: true });
        operator.set_webhook(&scene.server.service().keys.at_rest, guard, id, &receiver.url).await.unwrap();
        let user = site.user("jonas").await;
        let device = HandmadeDevice::enrol_at(&site, &user, &scene.clock).await;
        let push_service = PushService::start().await;
        let registration: PushRegistration = push_service.registration();
        let body = serde_json::to_vec(&registration).unwrap();
        let registered = device.send(Method::PUT, "/v1/device/push", &body).await;
        assert!(registered.status < 300, "{registered:?}");
        Self { scene, site, user, device, logins: 0, _receiver: receiver, _push_service: push_service }
    }

    /// Asks, as a site does that names its request and says from where the person comes.
    async fn asks(&mut self) -> ChallengeId {
        self.logins += 1;
        let context = json!({
            "ip": "198.51.100.7",
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        });
        let body = json!({ "user_id": self.user, "context": context });
        let request = self.site.request(Method::POST, "/v1/challenges").json(&body);
        let key = format!("7f3c2a52-5c7e-4f5b-9d7f-{:012}", self.logins);
        let asked = send(request.header("idempotency-key", key)).await;
        assert_eq!(asked.status, 201, "{asked:?}");
        asked.body["id"].as_str().unwrap().parse().unwrap()
    }

    /// A whole login: asked, pushed, pulled, approved, claimed, told.
    async fn logs_in(&mut self) -> ChallengeId {
        let id = self.asks().await;
        self.site.until(&id, "push", "sent").await;
        let compact = self.device.pull().await.pop().expect("it is brought");
        self.device.answers(&compact, Approve).await;
        let claimed = self.site.claim(&id, &id.to_string()).await;
        assert_eq!(claimed.body["state"], "claimed", "{claimed:?}");
        self.settles().await;
        id
    }

    /// Waits until nothing is on its way to the site.
    async fn settles(&self) {
        let store = &self.scene.server.service().store;
        while store.webhooks().await.unwrap().iter().any(|webhook| webhook.queued > 0) {
            tokio::task::yield_now().await;
        }
    }

    fn pruner(&self, ages: Ages) -> Pruner {
        Pruner::new(Arc::clone(self.scene.server.service()), ages)
    }

    /// How many rows a table has.
    fn rows(&self, table: &str) -> u32 {
        let sql = format!("SELECT count(*) FROM {table}");
        self.scene.server.sqlite().query_row(&sql, [], |row| row.get(0)).unwrap()
    }
}
