//! Every translation between the facade and the core.

use crate::platform::{
    Clock, DeviceKey, HttpHeader, HttpRequest, HttpResponse, KeyError, KeyVault, Opens, Purpose, PushRegistrar,
    Transport, TransportError, VaultError,
};
use crate::records::{
    Account, AccountState, ApnsEnvironment, Challenge, Detail, Device, EndReason, EnrolmentState, OneTimeCode,
    OpenedPush, Outcome, Past, Policy, Prompt, Pulled, PushFailure, PushRegistration, PushStatus, Received,
    SignInContext,
};
use async_trait::async_trait;
use countersign_device::sentences as catalogue;
use countersign_device::transport::MAX_RESPONSE_LENGTH;
use countersign_device::{Platform, transport, vault};
use countersign_protocol::apns::{AppleDevice, Environment};
use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::key::PublicKey;
use countersign_protocol::one_time_code::Shown;
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::time::Timestamp;
use countersign_protocol::webpush::Subscription;
use countersign_protocol::{challenge, device_api, key, revocation, time};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

// What the core gives to an app.

/// Each element, translated.
pub fn into_list<From, Into: std::convert::From<From>>(list: Vec<From>) -> Vec<Into> {
    list.into_iter().map(Into::from).collect()
}

fn moment(timestamp: Timestamp) -> SystemTime {
    let distance = Duration::from_millis(timestamp.millis().unsigned_abs());
    let epoch = SystemTime::UNIX_EPOCH;
    let moment = if timestamp.millis() < 0 { epoch.checked_sub(distance) } else { epoch.checked_add(distance) };
    moment.unwrap_or(epoch)
}

impl From<countersign_device::Account> for Account {
    fn from(account: countersign_device::Account) -> Self {
        Self {
            id: account.id.to_string(),
            organisation: account.organisation,
            account: account.account,
            server_url: account.server_url,
            device_name: account.device_name,
            state: account.state.into(),
            enrolled_at: moment(account.enrolled_at),
            clock_offset_ms: account.clock_offset_ms,
            clock_was_set: account.clock_was_set,
        }
    }
}

impl From<countersign_device::AccountState> for AccountState {
    fn from(state: countersign_device::AccountState) -> Self {
        match state {
            countersign_device::AccountState::Proposed { confirmation_code } => Self::Proposed { confirmation_code },
            countersign_device::AccountState::Confirmed => Self::Confirmed,
            countersign_device::AccountState::Ended { reason } => Self::Ended { reason: reason.into() },
        }
    }
}

impl From<revocation::EndReason> for EndReason {
    fn from(reason: revocation::EndReason) -> Self {
        match reason {
            revocation::EndReason::Revoked => Self::Revoked,
            revocation::EndReason::Moved => Self::Moved,
            revocation::EndReason::RedeemedTwice => Self::RedeemedTwice,
            revocation::EndReason::WrongCode => Self::WrongCode,
            revocation::EndReason::Expired => Self::Expired,
        }
    }
}

impl From<Shown> for OneTimeCode {
    fn from(shown: Shown) -> Self {
        let Shown { code, seconds_left, next } = shown;
        Self { code, seconds_left, next }
    }
}

impl From<challenge::Challenge> for Challenge {
    fn from(challenge: challenge::Challenge) -> Self {
        Self {
            id: challenge.challenge_id.to_string(),
            account_id: challenge.enrolment_id.to_string(),
            asked_at: moment(challenge.asked_at()),
            ends_at: moment(challenge.ends_at()),
            relying_party: challenge.relying_party,
            account: challenge.account,
            question: catalogue::Sentence::for_question(challenge.purpose).into(),
            explanation: challenge.purpose.map(|purpose| catalogue::Sentence::for_purpose(purpose).into()),
            policy: challenge.policy.into(),
            binding_message: challenge.binding_message,
            details: into_list(challenge.details),
            context: challenge.context.into(),
        }
    }
}

impl From<challenge::Policy> for Policy {
    fn from(policy: challenge::Policy) -> Self {
        match policy {
            challenge::Policy::Tap {} => Self::Tap,
            challenge::Policy::Number { digits } => Self::Number { digits },
        }
    }
}

impl From<challenge::Detail> for Detail {
    fn from(detail: challenge::Detail) -> Self {
        let challenge::Detail { label, value } = detail;
        Self { label, value }
    }
}

impl From<challenge::Context> for SignInContext {
    fn from(context: challenge::Context) -> Self {
        let challenge::Context { ip, place, browser, system } = context;
        Self { ip, place, browser, system }
    }
}

impl From<countersign_device::Prompt> for Prompt {
    fn from(prompt: countersign_device::Prompt) -> Self {
        let countersign_device::Prompt { account, challenge, time_left, answering } = prompt;
        Self { account: account.into(), challenge: challenge.into(), time_left, answering }
    }
}

impl From<countersign_device::Past> for Past {
    fn from(past: countersign_device::Past) -> Self {
        Self { challenge: past.challenge.into(), outcome: past.outcome.into(), at: moment(past.at) }
    }
}

impl From<countersign_device::Outcome> for Outcome {
    fn from(outcome: countersign_device::Outcome) -> Self {
        match outcome {
            countersign_device::Outcome::Approved => Self::Approved,
            countersign_device::Outcome::Denied => Self::Denied,
            countersign_device::Outcome::Reported => Self::Reported,
            countersign_device::Outcome::WrongNumber => Self::WrongNumber,
            countersign_device::Outcome::AlreadyAnswered => Self::AlreadyAnswered,
            countersign_device::Outcome::AnsweredByCode => Self::AnsweredByCode,
            countersign_device::Outcome::Expired => Self::Expired,
            countersign_device::Outcome::Cancelled => Self::Cancelled,
        }
    }
}

impl From<countersign_device::Received> for Received {
    fn from(received: countersign_device::Received) -> Self {
        match received {
            countersign_device::Received::New(id) => Self::New { challenge_id: id.to_string() },
            countersign_device::Received::Known(id) => Self::Known { challenge_id: id.to_string() },
            countersign_device::Received::Changed(id) => Self::Changed { challenge_id: id.to_string() },
            countersign_device::Received::Retracted(id) => Self::Retracted { challenge_id: id.to_string() },
        }
    }
}

impl From<countersign_device::Opened> for OpenedPush {
    fn from(opened: countersign_device::Opened) -> Self {
        match opened {
            countersign_device::Opened::Challenge { challenge, .. } => Self::Ask { challenge: (*challenge).into() },
            countersign_device::Opened::Retraction(retraction) => {
                Self::Withdraw { challenge_id: retraction.challenge_id.to_string() }
            }
        }
    }
}

impl From<countersign_device::Pulled> for Pulled {
    fn from(pulled: countersign_device::Pulled) -> Self {
        let refused =
            pulled.received.iter().filter_map(|one| one.err().map(|refusal| refusal.code().to_string())).collect();
        let received = pulled.received.into_iter().flatten().map(Received::from).collect();
        let (push, ended) = (pulled.push.map(PushStatus::from), pulled.ended.map(EndReason::from));
        let push_failure = pulled.push_failure.map(PushFailure::from);
        Self { state: pulled.state.into(), received, refused, push, push_failure, ended }
    }
}

impl From<device_api::PushStatus> for PushStatus {
    fn from(status: device_api::PushStatus) -> Self {
        match status {
            device_api::PushStatus::Registered => Self::Registered,
            device_api::PushStatus::Gone => Self::Gone,
            device_api::PushStatus::Outdated => Self::Outdated,
            device_api::PushStatus::None => Self::None,
        }
    }
}

impl From<device_api::PushFailure> for PushFailure {
    fn from(failure: device_api::PushFailure) -> Self {
        match failure {
            device_api::PushFailure::Unreachable => Self::Unreachable,
            device_api::PushFailure::NotNow => Self::NotNow,
            device_api::PushFailure::Refused => Self::Refused,
            device_api::PushFailure::Gone => Self::Gone,
            device_api::PushFailure::WrongProject => Self::WrongProject,
            device_api::PushFailure::Misconfigured => Self::Misconfigured,
            device_api::PushFailure::Other => Self::Other,
        }
    }
}

impl From<PushRegistration> for device_api::PushRegistration {
    fn from(registration: PushRegistration) -> Self {
        match registration {
            PushRegistration::WebPush { endpoint, p256dh, auth, application_server_key } => {
                Self::WebPush(Subscription { endpoint, p256dh, auth, application_server_key })
            }
            PushRegistration::Fcm { token } => Self::Fcm { token },
            PushRegistration::Apns { token, environment, topic } => {
                Self::Apns(AppleDevice { token, environment: environment.into(), topic })
            }
        }
    }
}

impl From<ApnsEnvironment> for Environment {
    fn from(environment: ApnsEnvironment) -> Self {
        match environment {
            ApnsEnvironment::Production => Self::Production,
            ApnsEnvironment::Sandbox => Self::Sandbox,
        }
    }
}

impl From<device_api::EnrolmentState> for EnrolmentState {
    fn from(state: device_api::EnrolmentState) -> Self {
        match state {
            device_api::EnrolmentState::Proposed => Self::Proposed,
            device_api::EnrolmentState::Confirmed => Self::Confirmed,
            device_api::EnrolmentState::Void => Self::Void,
        }
    }
}

impl From<device_api::Device> for Device {
    fn from(device: device_api::Device) -> Self {
        Self {
            id: device.id.to_string(),
            name: device.name,
            state: device.state.into(),
            enrolled_at: moment(Timestamp::from_seconds(device.enrolled_at)),
            this_device: device.this_device,
        }
    }
}

// What an app brings to the core.

/// The core's platform from the app's parts. The randomness is the operating system's.
pub fn platform(
    vault: Arc<dyn KeyVault>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    push: Option<Arc<dyn PushRegistrar>>,
) -> Platform {
    Platform {
        push: push.map(|push| Arc::new(Brought(push)) as Arc<dyn countersign_device::PushRegistrar>),
        vault: self::vault(vault),
        transport: Arc::new(Brought(transport)),
        clock: self::clock(clock),
        randomness: Arc::new(SystemRandomness::new()),
    }
}

/// The core's vault from the app's.
pub fn vault(vault: Arc<dyn KeyVault>) -> Arc<dyn vault::KeyVault> {
    Arc::new(Brought(vault))
}

/// The core's clock from the app's.
pub fn clock(clock: Arc<dyn Clock>) -> Arc<dyn time::Clock> {
    Arc::new(Brought(clock))
}

#[async_trait]
impl countersign_device::PushRegistrar for Brought<dyn PushRegistrar> {
    async fn registrations(
        &self,
        account: EnrolmentId,
        rejected: bool,
        webpush_public_key: Option<String>,
    ) -> Vec<device_api::PushRegistration> {
        into_list(self.0.registrations(account.to_string(), rejected, webpush_public_key).await)
    }
}

/// A part of the app, as the core asks for it.
struct Brought<T: ?Sized>(Arc<T>);

impl time::Clock for Brought<dyn Clock> {
    fn now(&self) -> Timestamp {
        let now = self.0.now();
        let millis = |distance: Duration| i64::try_from(distance.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(match now.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => millis(since),
            Err(before) => -millis(before.duration()),
        })
    }

    // The counter beside the app's clock is the system's own, so that no app can forget it.
    fn since_boot(&self) -> Option<Duration> {
        time::SystemClock.since_boot()
    }
}

#[async_trait]
impl transport::Transport for Brought<dyn Transport> {
    async fn send(&self, request: transport::HttpRequest) -> Result<transport::HttpResponse, transport::Unreachable> {
        self.0.send(request.into()).await?.try_into()
    }
}

impl From<transport::HttpRequest> for HttpRequest {
    fn from(request: transport::HttpRequest) -> Self {
        let header = |(name, value): (&str, String)| HttpHeader { name: name.into(), value };
        Self {
            method: request.method.into(),
            url: request.url,
            headers: request.headers.into_iter().map(header).collect(),
            body: request.body,
            timeout: request.timeout,
            max_response_length: u32::try_from(MAX_RESPONSE_LENGTH).unwrap_or(u32::MAX),
        }
    }
}

impl TryFrom<HttpResponse> for transport::HttpResponse {
    type Error = transport::Unreachable;
    fn try_from(response: HttpResponse) -> Result<Self, transport::Unreachable> {
        let HttpResponse { status, headers, body } = response;
        if body.len() > MAX_RESPONSE_LENGTH {
            return Err(transport::Unreachable { reason: "the answer is too long".into() });
        }
        let headers = headers.into_iter().map(|header| (header.name.to_ascii_lowercase(), header.value)).collect();
        Ok(Self { status, headers, body })
    }
}

impl From<TransportError> for transport::Unreachable {
    fn from(error: TransportError) -> Self {
        let TransportError::Unreachable { reason } = error;
        Self { reason }
    }
}

#[async_trait]
impl vault::KeyVault for Brought<dyn KeyVault> {
    fn storage_key(&self, opens: vault::Opens) -> Result<Zeroizing<[u8; 32]>, vault::VaultError> {
        let key = Zeroizing::new(self.0.storage_key(opens.into())?);
        Ok(Zeroizing::new(key.as_slice().try_into().map_err(|_| vault::VaultError::Unreadable)?))
    }

    async fn create(
        &self,
        name: &str,
        purpose: vault::Purpose,
        attestation_challenge: Option<[u8; 32]>,
    ) -> Result<Option<Arc<dyn key::DeviceKey>>, key::KeyError> {
        let challenge = attestation_challenge.map(|challenge| challenge.to_vec());
        let created = self.0.create(name.into(), purpose.into(), challenge).await?;
        if created { self.load(name).map(Some) } else { Ok(None) }
    }

    fn load(&self, name: &str) -> Result<Arc<dyn key::DeviceKey>, key::KeyError> {
        hardware_key(self.0.load(name.into())?)
    }

    fn destroy(&self, name: &str) {
        let _ = self.0.destroy(name.into());
    }
}

/// A key of the app, with what the core asks of it without a way to fail.
struct HardwareKey {
    brought: Arc<dyn DeviceKey>,
    public: PublicKey,
    asks_person: bool,
}

fn hardware_key(brought: Arc<dyn DeviceKey>) -> Result<Arc<dyn key::DeviceKey>, key::KeyError> {
    let public = PublicKey::from_uncompressed(&brought.public_key()?).map_err(|_| key::KeyError::Unavailable)?;
    let asks_person = brought.asks_person()?;
    Ok(Arc::new(HardwareKey { brought, public, asks_person }))
}

#[async_trait]
impl key::DeviceKey for HardwareKey {
    fn public_key(&self) -> PublicKey {
        self.public
    }

    async fn sign(&self, message: &[u8]) -> Result<[u8; 64], key::KeyError> {
        self.brought.sign(message.to_vec()).await?.try_into().map_err(|_| key::KeyError::Unavailable)
    }

    fn asks_person(&self) -> bool {
        self.asks_person
    }

    fn attestation(&self) -> Vec<Vec<u8>> {
        self.brought.attestation().unwrap_or_default()
    }
}

impl From<vault::Opens> for Opens {
    fn from(opens: vault::Opens) -> Self {
        match opens {
            vault::Opens::AfterFirstUnlock => Self::AfterFirstUnlock,
            vault::Opens::WhileUnlocked => Self::WhileUnlocked,
        }
    }
}

impl From<vault::Purpose> for Purpose {
    fn from(purpose: vault::Purpose) -> Self {
        match purpose {
            vault::Purpose::Request => Self::Request,
            vault::Purpose::Approval => Self::Approval,
        }
    }
}

impl From<VaultError> for vault::VaultError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Locked => Self::Locked,
            VaultError::Unreadable => Self::Unreadable,
        }
    }
}

impl From<KeyError> for key::KeyError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::NotConfirmed => Self::NotConfirmed,
            KeyError::Invalidated => Self::Invalidated,
            KeyError::Unavailable => Self::Unavailable,
        }
    }
}
