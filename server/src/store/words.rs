//! The words under which states are kept. Together they are what the CHECKs of the migrations allow.

use super::engine::row::stored_words;
use crate::domain::attestation::{BootState, Doubt, SecurityLevel};
use crate::domain::states::{
    ChallengeStage, CodeKind, CodeStage, EventStage, Prompt, PushKind, PushStage, SettledMethod,
};
use countersign_protocol::challenge::Purpose;
use countersign_protocol::device_api::{PushFailure, PushStatus};
use countersign_protocol::relying_party_api::{EnrolmentStage, MoveProof, MoveState};
use countersign_protocol::revocation::EndReason;

stored_words!(ChallengeStage {
    Pending = "pending",
    Approved = "approved",
    Denied = "denied",
    Reported = "reported",
    Cancelled = "cancelled",
    Claimed = "claimed",
    Revoked = "revoked",
});

stored_words!(SettledMethod { Push = "push", Code = "code", BackupCode = "backup_code" });

stored_words!(CodeKind { Totp = "totp", BackupCodes = "backup_codes" });

stored_words!(CodeStage { Proposed = "proposed", Confirmed = "confirmed", Void = "void" });

stored_words!(EnrolmentStage { Open = "open", Proposed = "proposed", Confirmed = "confirmed", Void = "void" });

stored_words!(EndReason {
    Revoked = "revoked",
    Moved = "moved",
    RedeemedTwice = "redeemed_twice",
    WrongCode = "wrong_code",
    Expired = "expired",
});

stored_words!(Prompt { Pushed = "pushed", Pulled = "pulled", Limited = "limited", Stopped = "stopped" });

stored_words!(PushKind { Challenge = "challenge", Retraction = "retraction" });

stored_words!(PushStage {
    Queued = "queued",
    Sent = "sent",
    Gone = "gone",
    Failed = "failed",
    Dropped = "dropped",
});

stored_words!(PushFailure {
    Unreachable = "unreachable",
    NotNow = "not_now",
    Refused = "refused",
    Gone = "gone",
    WrongProject = "wrong_project",
    Misconfigured = "misconfigured",
    Other = "other",
});

stored_words!(EventStage { Queued = "queued", Delivered = "delivered", Dead = "dead" });

stored_words!(SecurityLevel { TrustedEnvironment = "trusted_environment", StrongBox = "strong_box" });

stored_words!(BootState { Verified = "verified", SelfSigned = "self_signed" });

stored_words!(Doubt {
    Absent = "absent",
    Unreadable = "unreadable",
    UnknownRoot = "unknown_root",
    BrokenChain = "broken_chain",
    Expired = "expired",
    Revoked = "revoked",
    ExtendedChain = "extended_chain",
    OtherKey = "other_key",
    OtherChallenge = "other_challenge",
    Software = "software",
    OtherUse = "other_use",
    Imported = "imported",
    UnverifiedBoot = "unverified_boot",
    OtherApplication = "other_application",
});

stored_words!(MoveState {
    Armed = "armed",
    Offered = "offered",
    Rehearsing = "rehearsing",
    Switched = "switched",
    Refused = "refused",
    Expired = "expired",
    Cancelled = "cancelled",
    Reported = "reported",
});

stored_words!(MoveProof {
    OldPhone = "old_phone",
    Code = "code",
    BackupCode = "backup_code",
    OpeningCode = "opening_code",
});

stored_words!(Purpose { Move = "move", Rehearsal = "rehearsal" });

// Never kept: a statement that counts a device's registrations says one of these words.
stored_words!(PushStatus { None = "none", Gone = "gone", Outdated = "outdated", Registered = "registered" });
