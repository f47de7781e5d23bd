//! The doors to every network that is configured.

use super::config::PushConfig;
use super::gateway::{Delivery, Gateway, Message};
use super::{apns, fcm, webpush};
use crate::delivery::SetupError;
use crate::service::Service;
use apns::Apns;
use async_trait::async_trait;
use countersign_protocol::device_api::PushRegistration;
use fcm::Fcm;
use std::sync::Arc;

/// A network that is not configured, for devices that registered while it was; the text says what to set.
struct NotConfigured(&'static str);

#[async_trait]
impl Gateway for NotConfigured {
    async fn send(&self, _: &PushRegistration, _: Message<'_>) -> Delivery {
        Delivery::Misconfigured(self.0.into())
    }
}

/// The doors to every network that is configured.
pub(crate) struct Gateways {
    webpush: Arc<dyn Gateway>,
    apns: Arc<dyn Gateway>,
    fcm: Arc<dyn Gateway>,
}

impl Gateways {
    /// The configured gateways.
    ///
    /// # Errors
    /// [`SetupError::Configuration`].
    pub fn new(config: &PushConfig, service: &Arc<Service>) -> Result<Self, SetupError> {
        Ok(Self {
            webpush: Arc::new(webpush::WebPush::new(&config.webpush, Arc::clone(service))?),
            apns: match Apns::new(&config.apns, Arc::clone(service))? {
                Some(apns) => Arc::new(apns),
                None => Arc::new(NotConfigured(apns::NOT_CONFIGURED)),
            },
            fcm: match &config.fcm {
                Some(config) => Arc::new(Fcm::new(config, Arc::clone(service))?),
                None => Arc::new(NotConfigured(fcm::NOT_CONFIGURED)),
            },
        })
    }

    /// One gateway for every registration.
    pub fn only(gateway: Arc<dyn Gateway>) -> Self {
        Self { webpush: Arc::clone(&gateway), apns: Arc::clone(&gateway), fcm: gateway }
    }

    pub fn for_registration(&self, registration: &PushRegistration) -> &dyn Gateway {
        match registration {
            PushRegistration::WebPush(_) => &*self.webpush,
            PushRegistration::Apns(_) => &*self.apns,
            PushRegistration::Fcm { .. } => &*self.fcm,
        }
    }
}
