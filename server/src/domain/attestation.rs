//! Where a device's approval key lives, as far as its platform's attestation was believed.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What the operator asks of phones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttestationPolicy {
    /// Nothing: no phone is asked, and nothing is kept.
    Off,
    /// What it can say: what was found is kept, and every phone is let in.
    #[default]
    Warn,
    /// That it is believed; another one is not enrolled.
    Require,
}

/// What keeps the key. A key in software is none of these: see [`Doubt::Software`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecurityLevel {
    /// The processor's separate environment (TEE).
    TrustedEnvironment,
    /// A chip of its own.
    StrongBox,
}

impl SecurityLevel {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TrustedEnvironment => "trusted_environment",
            Self::StrongBox => "strong_box",
        }
    }
}

/// What the phone had started, with its bootloader locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootState {
    /// The maker's system.
    Verified,
    /// Another system, signed with a key that the operator has named.
    SelfSigned,
}

impl BootState {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::SelfSigned => "self_signed",
        }
    }
}

/// What an attestation proved of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attested {
    /// What keeps it.
    pub level: SecurityLevel,
    /// True when that itself asks the person (biometric or PIN) for each signature.
    pub gated: bool,
    /// What the phone had started.
    pub boot: BootState,
}

/// Why a key is not attested: a closed list, each with a word that never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Doubt {
    /// The phone sent no attestation.
    Absent,
    /// It is no chain of certificates, or what is in it does not have its form.
    Unreadable,
    /// No root that is trusted here signed it.
    UnknownRoot,
    /// A signature, a name or a constraint does not fit.
    BrokenChain,
    /// A certificate is over, or not begun.
    Expired,
    /// The maker has withdrawn a certificate.
    Revoked,
    /// A key that was attested itself has signed further certificates.
    ExtendedChain,
    /// It is about another key.
    OtherKey,
    /// It was made for another server or another link.
    OtherChallenge,
    /// The key lives in software.
    Software,
    /// The key is of another kind, or may do something else than sign.
    OtherUse,
    /// The key was not made where it lives, so a copy may be elsewhere.
    Imported,
    /// The bootloader is unlocked, or the system is not one that is known.
    UnverifiedBoot,
    /// Another app holds the key.
    OtherApplication,
}

impl Doubt {
    /// Every reason.
    pub const ALL: [Self; 14] = [
        Self::Absent,
        Self::Unreadable,
        Self::UnknownRoot,
        Self::BrokenChain,
        Self::Expired,
        Self::Revoked,
        Self::ExtendedChain,
        Self::OtherKey,
        Self::OtherChallenge,
        Self::Software,
        Self::OtherUse,
        Self::Imported,
        Self::UnverifiedBoot,
        Self::OtherApplication,
    ];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Unreadable => "unreadable",
            Self::UnknownRoot => "unknown_root",
            Self::BrokenChain => "broken_chain",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::ExtendedChain => "extended_chain",
            Self::OtherKey => "other_key",
            Self::OtherChallenge => "other_challenge",
            Self::Software => "software",
            Self::OtherUse => "other_use",
            Self::Imported => "imported",
            Self::UnverifiedBoot => "unverified_boot",
            Self::OtherApplication => "other_application",
        }
    }

    /// What the person whose phone was not taken can do.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Absent => {
                "This phone, or this version of the app, did not say where its key is kept. Update the app, or use \
                 another phone; a terminal and an iPhone cannot say so."
            }
            Self::Software | Self::Imported | Self::OtherUse => {
                "The key of this phone is not kept in its hardware. Use another phone."
            }
            Self::UnverifiedBoot => {
                "The bootloader of this phone is unlocked, or its system is not its maker's. Lock it, use another \
                 phone, or ask the administrator to allow this system."
            }
            Self::OtherApplication => "This app is not one that is allowed here. Install the one you were told to use.",
            Self::Expired => {
                "The phone's proof is out of date. Connect it to the internet, update it, set its clock to be right, \
                 and try the same link again."
            }
            Self::Revoked => "The maker of this phone has withdrawn its proof. Update the phone, or use another one.",
            Self::UnknownRoot
            | Self::Unreadable
            | Self::BrokenChain
            | Self::ExtendedChain
            | Self::OtherKey
            | Self::OtherChallenge => {
                "What this phone says of its key could not be believed. Update the phone and the app and try the same \
                 link again; if it goes on, show the administrator this message."
            }
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What was found when a device came.
pub type Found = Result<Attested, Doubt>;
