//! What the demo's site shows.

use super::said::{Said, Tone};
use crate::names::NAME;
use countersign_device::sentences::Sentence;
use countersign_protocol::handle::AuthenticatorId;
use countersign_protocol::relying_party_api::{Challenge, Method, PushState};
use serde::Serialize;

/// With so few backup codes left, or fewer, new ones are suggested.
const FEW_BACKUP_CODES: usize = 3;

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
        /// What the person has to answer with.
        methods: Vec<Method>,
    },
    /// Backup codes were made. The page that asked for them has them; any other, and that one after a reload, shows how
    /// many there are.
    BackupCodes {
        set: AuthenticatorId,
        left: usize,
        /// Whose they are.
        person: &'static str,
        /// What is shown once they are kept.
        #[serde(skip)]
        next: Box<View>,
    },
    /// Signed in.
    SignedIn {
        name: &'static str,
        /// How, for people.
        how: Said,
        /// What is better done soon.
        advice: Option<Said>,
        /// How, in the words of RFC 8176.
        amr: Vec<String>,
        /// What the receipt proves; a code leaves none.
        proof: Option<Proof>,
        /// How many backup codes the person has; none where there is no set of them.
        backup_codes_left: Option<usize>,
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
        let (heading, hint) = if !challenge.methods.contains(&Method::Push) {
            (Said::of_demo("demo_no_phone"), Said::of_demo("demo_type_backup"))
        } else if was_asked {
            (Sentence::PageSigningInAsked.into(), hint.into())
        } else {
            (Said::of_demo("demo_open_your_app"), hint.into())
        };
        let (expires_at, number) = (challenge.expires_at.clone(), challenge.number.clone());
        Self::Waiting { expires_at, number, heading, hint, methods: challenge.methods.clone() }
    }

    /// Signed in, by what these words of RFC 8176 say.
    pub fn signed_in(amr: Vec<String>, proof: Option<Proof>, backup_codes_left: Option<usize>) -> Self {
        let by_backup_code = amr.iter().any(|word| word == "backup_code");
        let how = match (&proof, backup_codes_left) {
            (Some(_), _) => Said::of_demo("demo_signed_push"),
            (None, Some(0)) if by_backup_code => Said::of_demo("demo_backup_used_last"),
            (None, Some(1)) if by_backup_code => Said::of_demo("demo_backup_used_one"),
            (None, Some(left)) if by_backup_code => Said::of_demo("demo_backup_used").with("count", left.to_string()),
            (None, _) => Said::of_demo("demo_signed_code"),
        };
        let few = backup_codes_left.is_some_and(|left| left <= FEW_BACKUP_CODES);
        let advice = few.then(|| Said::of_demo("demo_backup_few"));
        Self::SignedIn { name: NAME, how, advice, amr, proof, backup_codes_left }
    }

    /// The same view, now that the person has so many new backup codes.
    #[must_use]
    pub fn with_new_backup_codes(self, left: usize) -> Self {
        match self {
            Self::SignedIn { amr, proof, .. } => Self::signed_in(amr, proof, Some(left)),
            other => other,
        }
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
