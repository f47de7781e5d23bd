//! What nearly every test begins with: a server on a clock that the test moves, a site of its organisation, and a
//! person.

use crate::clock::ManualClock;
use crate::handmade::HandmadeDevice;
use crate::http::RelyingParty;
use crate::phone::Phone;
use crate::server::TestServer;
use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::handle::EnrolmentId;
use countersign_server::runtime::config::Config;
use std::sync::Arc;

/// Meridian's customer area, and Maya.
pub struct Scene {
    /// The time of all.
    pub clock: ManualClock,
    /// The server.
    pub server: TestServer,
    /// The relying party.
    pub site: RelyingParty,
    /// Maya's id.
    pub user: String,
}

impl Scene {
    /// A fresh one.
    pub async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// One whose server is configured otherwise.
    pub async fn with(configure: impl Fn(&mut Config) + Send + Sync + 'static) -> Self {
        Self::at(ManualClock::new(), configure).await
    }

    /// One whose people may be asked as many questions at one time as a test likes.
    pub async fn with_many_questions() -> Self {
        Self::with(|config| {
            config.limits.questions_per_person = 1_000;
            config.limits.questions_per_person_and_relying_party = 1_000;
        })
        .await
    }

    /// The same on a clock that others go by too.
    pub async fn at(clock: ManualClock, configure: impl Fn(&mut Config) + Send + Sync + 'static) -> Self {
        let server = TestServer::start_with(Arc::new(clock.clone()), configure).await;
        let site = server.relying_party("Meridian", "Customer area").await;
        let user = site.user("maya").await;
        Self { clock, server, site, user }
    }

    /// The server stops, and starts again on its data.
    pub async fn restart(self) -> Self {
        Self { server: self.server.restart().await, ..self }
    }

    /// A phone of Maya's.
    pub async fn phone(&self) -> (Phone, EnrolmentId) {
        let phone = Phone::at(&self.clock);
        let id = phone.enrol(&self.site, &self.user).await;
        (phone, id)
    }

    /// A phone of Maya's that pushes reach at these places.
    pub async fn pushed_phone(&self, registrations: &[PushRegistration]) -> (Phone, EnrolmentId) {
        let (phone, id) = self.phone().await;
        phone.core.register_push(id, registrations).await.unwrap();
        (phone, id)
    }

    /// A device of Maya's, made by hand.
    pub async fn device(&self) -> HandmadeDevice {
        self.device_of(&self.user).await
    }

    /// The same for another person.
    pub async fn device_of(&self, user: &str) -> HandmadeDevice {
        HandmadeDevice::enrol_at(&self.site, user, &self.clock).await
    }
}
