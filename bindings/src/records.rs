//! What an app shows: plain values in the words of the core. Moments are of the server's time where the server set
//! them.

use crate::sentences::Sentence;
use std::time::{Duration, SystemTime};

/// An account on this device.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Account {
    /// Names the account on this device, and this device on the server.
    pub id: String,
    /// The organisation's name.
    pub organisation: String,
    /// The account's name.
    pub account: String,
    /// The server's address.
    pub server_url: String,
    /// The name of this device in the account's list.
    pub device_name: String,
    /// Whether the account is in use yet.
    pub state: AccountState,
    /// When it was enrolled, by this device's clock.
    pub enrolled_at: SystemTime,
    /// How far the server's clock is ahead of this device's, in milliseconds; negative when it is behind. Codes and
    /// countdowns allow for it; more than half a minute is worth telling the person.
    pub clock_offset_ms: i64,
    /// True when this device's clock was set since the server was last heard: say so beside a code (`code_clock_set`),
    /// which may be wrong until then. On Apple's systems only a clock that was set back is noticed.
    pub clock_was_set: bool,
}

/// A one-time code, as the person sees it.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug)]
pub struct OneTimeCode {
    /// The digits of this moment.
    pub code: String,
    /// Whole seconds until the next code, rounded up.
    pub seconds_left: u64,
    /// The digits after them.
    pub next: String,
}

impl std::fmt::Debug for OneTimeCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "OneTimeCode({} s left)", self.seconds_left)
    }
}

/// Whether an account is in use yet, as far as this device has heard.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum AccountState {
    /// Waits until these six digits are typed on the signed-in page.
    Proposed {
        /// The six digits to show.
        confirmation_code: String,
    },
    /// In use.
    Confirmed,
    /// Over: the server said so in a signed message. Its keys are gone. Show why, and `forget` it once the person has
    /// read it.
    Ended {
        /// Why.
        reason: EndReason,
    },
}

/// Why an account is over on this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum EndReason {
    /// The person, on another device, or an administrator removed this device.
    Revoked,
    /// Another phone of the person took over from this one.
    Moved,
    /// Two devices came with one link.
    RedeemedTwice,
    /// The digits were typed wrong too often.
    WrongCode,
    /// Nobody confirmed the device in time.
    Expired,
}

/// What a server asks.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Challenge {
    /// Names the challenge.
    pub id: String,
    /// The account that is asked.
    pub account_id: String,
    /// The registered name of the relying party that asks.
    pub relying_party: String,
    /// The account's name, as the relying party's organisation has it now.
    pub account: String,
    /// The one question of the screen: is this you, or what else a YES does. Never show another one in its place: a
    /// person who reads of a sign-in must not give their phone away.
    pub question: Sentence,
    /// What a YES does, to be shown below the question; none where it only signs in.
    pub explanation: Option<Sentence>,
    /// What the person must do to answer.
    pub policy: Policy,
    /// A sentence of the relying party, for example what is being paid.
    pub binding_message: Option<String>,
    /// What exactly is decided, for example amount and recipient, in the order in which to show it.
    pub details: Vec<Detail>,
    /// Where the sign-in came from.
    pub context: SignInContext,
    /// When it was asked.
    pub asked_at: SystemTime,
    /// When it ends. `Prompt.time_left` is what a countdown starts from.
    pub ends_at: SystemTime,
}

/// What the person must do to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Policy {
    /// Look at the context and tap YES or NO.
    Tap,
    /// Type the number that the page shows to say YES.
    Number {
        /// How many digits it has: 2 or 6.
        digits: u8,
    },
}

/// One thing that is decided: `Amount`, `12.00 EUR`. Both are the relying party's words, within 100 characters.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Detail {
    /// What it is.
    pub label: String,
    /// How much, whom, which.
    pub value: String,
}

/// Where a sign-in came from, as the relying party claims it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SignInContext {
    /// The address, in text form.
    pub ip: Option<String>,
    /// The place of the address, if the server knows one.
    pub place: Option<String>,
    /// The browser, for example `Firefox`.
    pub browser: Option<String>,
    /// The operating system, for example `Linux`.
    pub system: Option<String>,
}

/// A request as the person sees it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Prompt {
    /// The account that is asked.
    pub account: Account,
    /// What is asked.
    pub challenge: Challenge,
    /// How long the answer may still take, by the server's time.
    pub time_left: Duration,
    /// True when the person has answered and the server has not been heard yet.
    pub answering: bool,
}

/// A request that is over.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Past {
    /// What was asked.
    pub challenge: Challenge,
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended here, by this device's clock.
    pub at: SystemTime,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Outcome {
    /// This device approved it.
    Approved,
    /// This device denied it.
    Denied,
    /// This device reported it: "this was not me".
    Reported,
    /// This device typed a number that the page did not show, and the sign-in was stopped.
    WrongNumber,
    /// Another device was faster.
    AlreadyAnswered,
    /// A one-time code was typed for it.
    AnsweredByCode,
    /// Nobody answered in time.
    Expired,
    /// The relying party, or the server, took it back.
    Cancelled,
}

/// What became of a received message.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Received {
    /// A request that was not known: show it.
    New {
        /// Names the request.
        challenge_id: String,
    },
    /// A request that this device knows already, from an earlier push or pull. Its prompt is there, so there is nothing
    /// to do.
    Known {
        /// Names the request.
        challenge_id: String,
    },
    /// A known request that now asks for a number, since a second sign-in of the same person began to wait beside it:
    /// show it again, in its new form.
    Changed {
        /// Names the request.
        challenge_id: String,
    },
    /// A request that waits no longer: take its prompt and its notification away.
    Retracted {
        /// Names the request.
        challenge_id: String,
    },
}

/// What a push says.
#[expect(clippy::large_enum_variant, reason = "it crosses to the app once, field by field")]
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum OpenedPush {
    /// A request waits: show it.
    Ask {
        /// What is asked.
        challenge: Challenge,
    },
    /// A request waits no longer: take its notification away.
    Withdraw {
        /// Names the request.
        challenge_id: String,
    },
}

/// What a pull brought.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Pulled {
    /// What the server says of this account on this device.
    pub state: EnrolmentState,
    /// The requests that came.
    pub received: Vec<Received>,
    /// The stable code of each message that was refused.
    pub refused: Vec<String>,
    /// Whether pushes reach this device, as the server knew before this call repaired it; none from an older server.
    pub push: Option<PushStatus>,
    /// Why the latest push to this device did not go through. None when it did.
    pub push_failure: Option<PushFailure>,
    /// Why the account is over on this device. It is there when this pull brought the server's signed message that says
    /// so.
    pub ended: Option<EndReason>,
}

/// Whether pushes reach a device, as its server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum PushStatus {
    /// There is a registration, and nothing to repair.
    Registered,
    /// A push network no longer knows one of the registrations, so that one was dropped.
    Gone,
    /// A Web Push subscription was made with an earlier key of the server. It still serves, and is to be made anew.
    Outdated,
    /// There never was one.
    None,
}

/// Why a push did not get through to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum PushFailure {
    /// There was no answer: the push service was not found, not connected to, or did not answer in time.
    Unreachable,
    /// The push service answered that it does not take this now. The server tries again while the question lives.
    NotNow,
    /// The push service will never take this message.
    Refused,
    /// The push service does not know this device any more. The registration is to be made anew.
    Gone,
    /// The registration belongs to another project or app than the one for which the server may push.
    WrongProject,
    /// The push service does not let this server push; only its operator can mend that.
    Misconfigured,
    /// A reason that this library does not know, from a server that is newer or older.
    Other,
}

/// Where a server sends pushes for an account. The address is a capability: it must not be logged.
#[derive(Clone, PartialEq, Eq, uniffi::Enum)]
#[uniffi::export(Debug)]
pub enum PushRegistration {
    /// A subscription of a Web Push or UnifiedPush service.
    WebPush {
        /// The address that the service gave.
        endpoint: String,
        /// The subscription's public key, in base64url.
        p256dh: String,
        /// The subscription's secret, in base64url.
        auth: String,
        /// The server's key that the subscription was made with, in base64url; none for its present one.
        application_server_key: Option<String>,
    },
    /// An app instance of Firebase Cloud Messaging.
    Fcm {
        /// The instance's registration token.
        token: String,
    },
    /// The app on this device, as Apple Push Notification service knows it.
    Apns {
        /// The device token that iOS gave the app, in hex.
        token: String,
        /// Which of Apple's two networks knows the token.
        environment: ApnsEnvironment,
        /// The app's bundle identifier; none for the app that the server is configured for.
        topic: Option<String>,
    },
}

impl std::fmt::Debug for PushRegistration {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::WebPush { .. } => "PushRegistration(webpush)",
            Self::Fcm { .. } => "PushRegistration(fcm)",
            Self::Apns { .. } => "PushRegistration(apns)",
        })
    }
}

/// One of Apple's two push networks: the app's `aps-environment` entitlement says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum ApnsEnvironment {
    /// Apps from the App Store and from `TestFlight`.
    Production,
    /// Apps that Xcode installed (`aps-environment` is `development`).
    Sandbox,
}

/// Whether the signed-in page has confirmed a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum EnrolmentState {
    /// Waits for the six digits to be typed on the signed-in page. Receives no challenge.
    Proposed,
    /// In use.
    Confirmed,
    /// Ended: never confirmed, taken by another device, or revoked.
    Void,
}

/// One of an account's devices.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Device {
    /// Names the device on the server; of this device, the account's id.
    pub id: String,
    /// The name its owner gave it.
    pub name: String,
    /// Its state.
    pub state: EnrolmentState,
    /// When it was enrolled.
    pub enrolled_at: SystemTime,
    /// True for the device that asks.
    pub this_device: bool,
}
