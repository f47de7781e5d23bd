//! Every push network that is configured, each device's message to the one that reaches it.

use super::fcm::Fcm;
use super::webpush::WebPush;
use super::{Delivery, Gateway, Message};
use crate::app::App;
use crate::config::PushConfig;
use crate::startup::StartupError;
use async_trait::async_trait;
use countersign_core::device_api::PushRegistration;
use std::sync::Arc;

/// What to do for a device that is reached by a network of which the server knows nothing any more.
const NO_FCM: &str = "Firebase Cloud Messaging is not configured: set service_account in [push.fcm]";

/// The networks.
pub(super) struct Networks {
    webpush: WebPush,
    fcm: Option<Fcm>,
}

impl Networks {
    /// The configured ones.
    ///
    /// # Errors
    /// [`StartupError::Configuration`].
    pub fn new(config: &PushConfig, app: &Arc<App>) -> Result<Self, StartupError> {
        let webpush = WebPush::new(&config.webpush, Arc::clone(app))?;
        let fcm = config.fcm.as_ref().map(|config| Fcm::new(config, Arc::clone(app))).transpose()?;
        Ok(Self { webpush, fcm })
    }
}

#[async_trait]
impl Gateway for Networks {
    async fn send(&self, registration: &PushRegistration, message: Message<'_>) -> Delivery {
        match (registration, &self.fcm) {
            (PushRegistration::WebPush(_), _) => self.webpush.send(registration, message).await,
            (PushRegistration::Fcm { .. }, Some(fcm)) => fcm.send(registration, message).await,
            (PushRegistration::Fcm { .. }, None) => Delivery::Failed(NO_FCM.into()),
        }
    }
}
