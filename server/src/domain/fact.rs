//! What can happen here that matters for security: a closed list, each with a word that never changes its meaning.

macro_rules! facts {
    ($($(#[$meta:meta])* $name:ident = $word:literal),+ $(,)?) => {
        /// Something that has become true.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Fact {
            $($(#[$meta])* $name),+
        }

        impl Fact {
            /// Every fact.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable word, also of the event that a relying party is told.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word),+
                }
            }
        }
    };
}

facts! {
    /// An organisation was made.
    OrganisationCreated = "organisation.created",
    /// An organisation has another name.
    OrganisationRenamed = "organisation.renamed",
    /// A relying party was made, with its first API key.
    RelyingPartyCreated = "relying_party.created",
    /// A relying party has a new API key, and the ones before are ended.
    ApiKeyRotated = "relying_party.key_rotated",
    /// A relying party has another name.
    RelyingPartyRenamed = "relying_party.renamed",
    /// A relying party was ended.
    RelyingPartyRevoked = "relying_party.revoked",
    /// An account was made.
    AccountCreated = "account.created",
    /// An account has another name.
    AccountRenamed = "account.renamed",
    /// Everything that is kept of a person was given out.
    AccountExported = "account.exported",
    /// An account was deleted: its name is gone, its devices are ended, its questions taken back.
    AccountDeleted = "account.deleted",
    /// A link was given out with which one device can be enrolled.
    EnrolmentOpened = "enrolment.opened",
    /// A device has redeemed the link.
    DeviceProposed = "device.proposed",
    /// A device's maker vouches for its approval key; the reason says what keeps it.
    DeviceAttested = "device.attested",
    /// What was said of a device's approval key was not believed; the reason says why. Where it must be, the device was
    /// not enrolled.
    DeviceNotAttested = "device.not_attested",
    /// The digits that were typed are not those of the proposed device.
    ConfirmationRefused = "device.confirmation_refused",
    /// The signed-in page has confirmed the device: it is in use.
    DeviceConfirmed = "device.confirmed",
    /// A device is in use no more; the reason says why.
    DeviceEnded = "device.ended",
    /// The places where a device is reached were replaced.
    PushRegistered = "device.push_registered",
    /// A push network knows a place no more where a device was reached.
    PushGone = "device.push_gone",
    /// A place where a device was reached belongs to a newer enrolment of the same account from now on.
    PushMoved = "device.push_moved",
    /// A relying party asked.
    ChallengeCreated = "challenge.created",
    /// A question that was a tap asks for its number from now on.
    ChallengeNumbered = "challenge.numbered",
    /// The person said yes, or typed a right code.
    ChallengeApproved = "challenge.approved",
    /// The person said no, or typed a wrong number.
    ChallengeDenied = "challenge.denied",
    /// The person said that this was not them.
    ChallengeReported = "challenge.reported",
    /// The question was taken back.
    ChallengeCancelled = "challenge.cancelled",
    /// The relying party took the approval.
    ChallengeClaimed = "challenge.claimed",
    /// The approval was taken back before it was claimed.
    ChallengeRevoked = "challenge.revoked",
    /// Nothing is pushed to an account, since its person has reported a prompt.
    PromptsStopped = "account.prompts_stopped",
    /// Prompts are pushed to an account again.
    PromptsResumed = "account.prompts_resumed",
    /// The unwanted prompts of an account so far do not count against its limits any more.
    PromptLimitLifted = "account.prompt_limit_lifted",
    /// A one-time code was right, and is spent.
    CodeAccepted = "code.accepted",
    /// A one-time code or a backup code was wrong.
    CodeRefused = "code.refused",
    /// Too many wrong codes have locked what makes codes.
    CodesLocked = "code.locked",
    /// A code was accepted for a time far ahead of the present, so a clock of the server was wrong; the reason says
    /// whether earlier codes are taken again or still refused.
    CodesAhead = "code.ahead",
    /// Codes are taken again.
    CodesUnlocked = "code.unlocked",
    /// A set of backup codes was made. The one before, if any, was ended.
    BackupCodesMade = "backup_codes.made",
    /// A backup code was right, and is spent; the reason names its number.
    BackupCodeAccepted = "backup_codes.accepted",
    /// A set of backup codes was ended.
    BackupCodesEnded = "backup_codes.ended",
    /// An application that makes codes was proposed.
    ApplicationProposed = "application.proposed",
    /// An application has shown its first code.
    ApplicationConfirmed = "application.confirmed",
    /// An application was removed.
    ApplicationRemoved = "application.removed",
    /// A new phone is to take over from this one.
    MoveCreated = "move.created",
    /// The operator gave out an opening code for a move.
    MoveCodeGiven = "move.code_given",
    /// An opening code that was typed was not the one.
    MoveCodeRefused = "move.code_refused",
    /// The second half of a move came; the reason says what it was.
    MoveProven = "move.proven",
    /// A link for the new phone was given out.
    MoveOffered = "move.offered",
    /// The new phone's digits were typed: it shows that it can answer.
    MoveRehearsing = "move.rehearsing",
    /// The new phone has taken over, and the old one is ended.
    MoveSwitched = "move.switched",
    /// A move is over, and the old phone goes on; the reason says why.
    MoveEnded = "move.ended",
    /// A relying party hears of its challenges at an address.
    WebhookSet = "webhook.set",
    /// A webhook has a new secret.
    WebhookRotated = "webhook.rotated",
    /// Dead events of a relying party are told again.
    WebhookReplayed = "webhook.replayed",
    /// A webhook was removed.
    WebhookRemoved = "webhook.removed",
    /// A webhook's receiver said that it is gone.
    WebhookDisabled = "webhook.disabled",
    /// The server has a new signing key.
    SigningKeyMade = "server.signing_key_made",
    /// The database was restored from a backup: what was under way at that moment is over.
    ServerRestored = "server.restored",
    /// The server has a new key for Web Push.
    VapidKeyMade = "server.vapid_key_made",
}

impl Fact {
    /// The fact of this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fact| fact.as_str() == word)
    }

    /// Whether a relying party with a webhook is told of it: what became of a challenge that it asked. That it asked,
    /// it knows.
    pub const fn is_told(self) -> bool {
        matches!(
            self,
            Self::ChallengeNumbered
                | Self::ChallengeApproved
                | Self::ChallengeDenied
                | Self::ChallengeReported
                | Self::ChallengeCancelled
                | Self::ChallengeClaimed
                | Self::ChallengeRevoked
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fact_has_a_word_of_its_own() {
        for fact in Fact::ALL {
            assert_eq!(Fact::of_word(fact.as_str()), Some(*fact));
        }
    }
}
