//! The states in which things are kept. What a reader sees may be another, since time goes on: an overdue pending
//! challenge is expired to whoever reads it.

/// A challenge as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeStage {
    /// Nobody has answered.
    Pending,
    /// The person said yes, or typed a right code.
    Approved,
    /// The person said no, or typed a wrong number.
    Denied,
    /// The person said that this was not them.
    Reported,
    /// The relying party took the question back.
    Cancelled,
    /// The relying party took the approval.
    Claimed,
    /// The approval was taken back before it was claimed.
    Revoked,
}

/// By what a challenge was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettledMethod {
    /// A device's signed answer.
    Push,
    /// A one-time code.
    Code,
    /// A backup code.
    BackupCode,
}

/// What makes codes, as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeStage {
    /// No code is accepted until the first one has confirmed it.
    Proposed,
    /// In use.
    Confirmed,
    /// It is over, and its secret is gone.
    Void,
}

/// What an authenticator's codes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeKind {
    /// Codes that change with the time (RFC 6238).
    Totp,
    /// Ten codes on paper, each good once.
    BackupCodes,
}

/// What the phones were made to do when a challenge was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// Pushed to.
    Pushed,
    /// Nothing: none of them can be pushed to.
    Pulled,
    /// Nothing: too many prompts within the hour did not end in approval.
    Limited,
    /// Nothing: the person has reported a prompt.
    Stopped,
}

/// What a push tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushKind {
    /// A question.
    Challenge,
    /// That a question waits no longer.
    Retraction,
}

/// A push as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushStage {
    /// To be sent.
    Queued,
    /// Its network took it.
    Sent,
    /// Its network knows no such device.
    Gone,
    /// It cannot be sent.
    Failed,
    /// It is not worth sending any more.
    Dropped,
}

/// An event as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventStage {
    /// To be told.
    Queued,
    /// Its receiver took it.
    Delivered,
    /// It is told no more.
    Dead,
}
