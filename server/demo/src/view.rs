//! What the demo's site shows.

use super::said::{Said, Tone};
use countersign_device::sentences::Sentence;
use countersign_protocol::relying_party_api::{Challenge, PushState};
use serde::Serialize;

/// The one view of the page.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "view", rename_all = "snake_case")]
pub(super) enum View {
    /// A link to enrol a phone.
    Enrol { link: String, qr_svg: String, expires_at: String },
    /// A phone has come: its six digits are asked for.
    Confirm { device_name: String },
    /// Name and password.
    SignIn { person: &'static str, password: &'static str },
    /// The phone is asked; a code is taken too.
    Waiting {
        expires_at: String,
        /// What the person types on the phone, where that is asked for.
        number: Option<String>,
        /// The heading: whether the phone was asked, or is to be opened.
        heading: Said,
        /// What to do when nothing appears there.
        hint: Said,
    },
    /// Signed in.
    SignedIn {
        name: &'static str,
        /// How, in the words of RFC 8176.
        amr: Vec<String>,
        /// What the receipt proves; a code leaves none.
        proof: Option<Proof>,
    },
    /// The person said no, in one of several ways.
    Stopped { said: Said, tone: Tone },
    /// Nobody answered.
    Expired,
}

impl View {
    pub fn waiting(challenge: &Challenge) -> Self {
        let hint = match challenge.push {
            PushState::Limited => Sentence::LimitNoMorePrompts,
            PushState::Stopped => Sentence::LimitPromptsStopped,
            PushState::None => Sentence::AccountPushNone,
            _ => Sentence::PageOpenAppIfNothing,
        };
        let was_asked = matches!(challenge.push, PushState::Queued | PushState::Sent);
        let heading = if was_asked { Sentence::PageSigningInAsked.into() } else { Said::of_demo("demo_open_your_app") };
        let (expires_at, number) = (challenge.expires_at.clone(), challenge.number.clone());
        Self::Waiting { expires_at, number, heading, hint: hint.into() }
    }

    pub fn stopped(said: impl Into<Said>, tone: Tone) -> Self {
        Self::Stopped { said: said.into(), tone }
    }
}

/// What the receipt of a sign-in proves, as the site verified it by itself.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Proof {
    /// When the person answered, in seconds.
    pub answered_at: i64,
    /// The thumbprint of the key that signed.
    pub approval_key: String,
    /// The receipt's size in bytes.
    pub receipt_bytes: usize,
}

/// Another sign-in of the same person, on another site's page.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Elsewhere {
    pub relying_party: &'static str,
    pub number: Option<String>,
}

/// Everything that the page shows.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Page {
    #[serde(flatten)]
    pub view: View,
    /// Whether a report has stopped the prompts to this person.
    pub prompts_stopped: bool,
    /// Whether the latest sign-in met the limit of prompts.
    pub limited: bool,
    pub elsewhere: Option<Elsewhere>,
}
