//! Codes in place of the phone's answer: those of the app, and the ten on paper.

use super::{SIGN_IN, Site, TO_SERVER, said, to_value};
use crate::api::{Call, Failed};
use crate::names::PERSON;
use crate::said::{Refusal, Said};
use crate::trace::Step;
use crate::view::View;
use countersign_device::sentences::Sentence;
use countersign_protocol::relying_party_api::{
    AuthenticatorKind, Authenticators, BackupCodes, CodeAnswer, CodeMethod, CodeReason, CodeRequest,
};

/// An app's code has no more digits than this; a backup code has.
const MOST_DIGITS_OF_APP: usize = 8;

impl Site {
    /// The person typed a code in place of the phone's answer. The page goes on as after any answer.
    pub async fn verify_code(&self, code: &str) -> Result<(), Refusal> {
        let challenge_id = self.shown().challenge;
        let is_backup_code = code.chars().filter(|sign| sign.is_numeric()).count() > MOST_DIGITS_OF_APP;
        let sent = if is_backup_code { "demo_sent_backup" } else { "demo_sent_code" };
        let body = to_value(CodeRequest { code: code.to_owned(), challenge_id });
        let path = format!("/v1/users/{}/codes/verify", self.user()?);
        self.trace.add(Step::Decide, TO_SERVER, said(sent, format!("POST {path}")), body.clone());
        match self.call::<CodeAnswer>(Call::post(path).body(body)).await {
            Ok(CodeAnswer { valid: true, .. }) => Ok(()),
            Ok(answer) => Err(why_not(&answer).into()),
            Err(failed) if failed.code == "malformed" => Err(Said::of_demo("demo_code_digits").into()),
            Err(failed) if is_backup_code => Err(backup_code_refused(failed)),
            Err(failed) => Err(failed.into()),
        }
    }

    /// How many backup codes the person has; none where there is no set of them.
    pub(super) async fn backup_codes_left(&self) -> Result<Option<usize>, Refusal> {
        let path = format!("/v1/users/{}/authenticators", self.user()?);
        let Authenticators { authenticators } = self.call(Call::get(path)).await?;
        let set = authenticators.into_iter().find(|one| one.kind == AuthenticatorKind::BackupCodes);
        Ok(set.and_then(|set| set.left).map(usize::from))
    }

    /// Ten codes for a person who has none, once their first phone is there. Where they cannot be made, the person goes
    /// on without, and can make some when signed in.
    pub(super) async fn first_backup_codes(&self) -> Option<BackupCodes> {
        let made = match self.backup_codes_left().await {
            Ok(Some(_)) => None,
            Ok(None) => Some(self.new_backup_codes().await),
            Err(refusal) => Some(Err(refusal)),
        };
        match made {
            Some(Ok(codes)) => return Some(codes),
            Some(Err(refusal)) => tracing::warn!(refusal.detail, "the demo's site could make no backup codes"),
            None => {}
        }
        self.show(SIGN_IN);
        None
    }

    /// Makes ten codes, which end those before. Only the answer has them: what is shown to every page tells how many.
    pub async fn new_backup_codes(&self) -> Result<BackupCodes, Refusal> {
        let call = Call::post(format!("/v1/users/{}/backup-codes", self.user()?));
        let made: BackupCodes = self.call(call).await?;
        let left = made.codes.len();
        let mut shown = self.shown();
        let next = match shown.view.clone() {
            View::BackupCodes { next, .. } => next,
            View::Enrol { .. } | View::Confirm { .. } => Box::new(SIGN_IN),
            before => Box::new(before.with_new_backup_codes(left)),
        };
        shown.view = View::BackupCodes { set: made.id, left, person: PERSON, next };
        drop(shown);
        self.changes.notify();
        Ok(made)
    }

    /// The person has kept the codes.
    pub fn backup_codes_kept(&self) {
        let mut shown = self.shown();
        if let View::BackupCodes { next, .. } = shown.view.clone() {
            shown.view = *next;
        }
        drop(shown);
        self.changes.notify();
    }
}

/// Why a code is not right, as far as the server says.
fn why_not(answer: &CodeAnswer) -> Said {
    let seconds = answer.clock_ahead_seconds.unwrap_or_default();
    let clock = if seconds < 0 { Sentence::CodeAppClockBehind } else { Sentence::CodeAppClockAhead };
    match (answer.method, answer.reason) {
        (CodeMethod::BackupCode, Some(CodeReason::UsedBefore)) => Said::of_demo("demo_backup_used_before"),
        (CodeMethod::BackupCode, _) => Said::of_demo("demo_backup_wrong"),
        (_, Some(CodeReason::UsedBefore)) => Sentence::CodeUsedBefore.into(),
        (_, Some(CodeReason::Clock)) => Said::from(clock).with("seconds", seconds.unsigned_abs().to_string()),
        (_, None) => Sentence::CodeWrong.into(),
    }
}

/// What is said of an app's codes does not fit those on paper: no next one comes, and no app shows them.
fn backup_code_refused(failed: Failed) -> Refusal {
    let said = match (failed.code.as_str(), &failed.retry_after) {
        ("throttled", Some(seconds)) => Said::of_demo("demo_backup_throttled").with("seconds", seconds.clone()),
        ("no_device" | "code_not_allowed", _) => Said::of_demo("demo_backup_none"),
        _ => return failed.into(),
    };
    Refusal { said, detail: failed.detail }
}
