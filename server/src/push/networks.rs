//! Every push network that is configured, each device's message to the one that reaches it.

use super::apns::Apns;
use super::webpush::WebPush;
use super::{Delivery, Gateway, Message};
use crate::app::App;
use crate::config::PushConfig;
use crate::startup::StartupError;
use async_trait::async_trait;
use countersign_core::device_api::PushRegistration;
use std::sync::Arc;

/// What to do for a device that registered while the server had a key.
const NO_APNS: &str = "APNs is not configured: set key_file, key_id, team_id and topic in [push.apns]";

/// The networks.
pub(super) struct Networks {
    webpush: WebPush,
    apns: Option<Apns>,
}

impl Networks {
    /// The configured ones.
    ///
    /// # Errors
    /// [`StartupError::Configuration`].
    pub fn new(config: &PushConfig, app: &Arc<App>) -> Result<Self, StartupError> {
        let webpush = WebPush::new(&config.webpush, Arc::clone(app))?;
        let apns = Apns::new(&config.apns, Arc::clone(app))?;
        Ok(Self { webpush, apns })
    }
}

#[async_trait]
impl Gateway for Networks {
    async fn send(&self, registration: &PushRegistration, message: Message<'_>) -> Delivery {
        match (registration, &self.apns) {
            (PushRegistration::WebPush(_), _) => self.webpush.send(registration, message).await,
            (PushRegistration::Apns(_), Some(apns)) => apns.send(registration, message).await,
            (PushRegistration::Apns(_), None) => Delivery::Failed(NO_APNS.into()),
        }
    }
}
