//! The demo's sign-in site: a relying party that knows the server only through its API, as anybody's would.

mod codes;

use super::api::{Api, Call, Failed};
use super::said::{Refusal, Said, Tone};
use super::tour::{Tour, TourStep};
use super::trace::{Party, Step, Trace, read_jws};
use super::view::{Elsewhere, Page, Proof, View};
use crate::changes::Changes;
use crate::error::DemoError;
use crate::names::{PERSON, WEBMAIL};
use crate::remembered::{Remembered, write_remembered};
use countersign_device::sentences::Sentence;
use countersign_protocol::handle::{AccountId, ChallengeId, EnrolmentId};
use countersign_protocol::relying_party_api::{
    BackupCodes, Challenge, ChallengeRequest, ChallengeState, ContextRequest, Enrolment, EnrolmentStage, NewEnrolment,
    PolicyMode, PolicyRequest, PushState, User,
};
use countersign_protocol::server_identity::WellKnown;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// The demo person's password. Every site has a first factor of its own; this one is for show.
const PASSWORD: &str = "lighthouse";
/// How often the site looks whether a sign-in that is over was reported.
const SESSION_CHECK: Duration = Duration::from_secs(2);

/// How the site asks.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) enum Ask {
    /// YES or NO.
    #[default]
    #[serde(rename = "tap")]
    Tap,
    /// A number of two digits.
    #[serde(rename = "2")]
    TwoDigits,
    /// A number of six digits.
    #[serde(rename = "6")]
    SixDigits,
}

impl Ask {
    fn policy(self) -> Option<PolicyRequest> {
        let number = |digits| Some(PolicyRequest { mode: PolicyMode::Number, digits: Some(digits) });
        match self {
            Self::Tap => None,
            Self::TwoDigits => number(2),
            Self::SixDigits => number(6),
        }
    }
}

/// What is known once the server runs.
struct Opened {
    api: Api,
    data: PathBuf,
    remembered: Remembered,
    user: AccountId,
}

struct Shown {
    view: View,
    enrolment: Option<EnrolmentId>,
    challenge: Option<ChallengeId>,
    /// The link of that challenge for the same phone, while it waits.
    link: Option<String>,
    /// Whether the latest sign-in met the limit of prompts.
    limited: bool,
    elsewhere: Option<Elsewhere>,
}

pub(super) struct Site {
    opened: OnceLock<Opened>,
    shown: Mutex<Shown>,
    changes: Changes,
    trace: Trace,
    tour: Tour,
}

/// The two ways between the site and the server.
const TO_SERVER: (Party, Party) = (Party::Site, Party::Server);
const TO_SITE: (Party, Party) = (Party::Server, Party::Site);

/// What travels, in words and as the line of the request or answer.
fn said(key: &'static str, title: impl Into<String>) -> (Said, String) {
    (Said::of_demo(key), title.into())
}

const SIGN_IN: View = View::SignIn { person: PERSON, password: PASSWORD };

impl Site {
    pub fn new(changes: Changes, trace: Trace, tour: Tour) -> Arc<Self> {
        let shown = Mutex::new(Shown {
            view: SIGN_IN,
            enrolment: None,
            challenge: None,
            link: None,
            limited: false,
            elsewhere: None,
        });
        Arc::new(Self { opened: OnceLock::new(), shown, changes, trace, tour })
    }

    /// Begins once the server answers: knows its person, and shows the sign-in or, at the first visit, the enrolment.
    pub async fn open(self: &Arc<Self>, url: &str, data: &Path, remembered: Remembered) -> Result<(), DemoError> {
        let failed = |detail: String| DemoError::System(format!("the demo's site: {detail}"));
        let api = Api::new(url)?;
        let call = Call::post("/v1/users").body(json!({ "name": PERSON }));
        let user: User = api.call(&remembered.api_key, call).await.map_err(|error| failed(error.detail))?;
        let enrolled = remembered.enrolled;
        // Opened once; a second call would be a bug of the demo and changes nothing.
        let _ = self.opened.set(Opened { api, data: data.to_owned(), remembered, user: user.id });
        if !enrolled {
            self.new_enrolment().await.map_err(|refusal| failed(refusal.detail))?;
        }
        Ok(())
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, view: View) {
        self.shown().view = view;
        self.changes.notify();
    }

    /// What the page shows; whether a report has stopped the prompts, the help desk knows.
    pub fn page(&self, prompts_stopped: bool) -> Page {
        let Shown { view, limited, elsewhere, .. } = &*self.shown();
        Page { view: view.clone(), prompts_stopped, limited: *limited, elsewhere: elsewhere.clone() }
    }

    /// The link that the page shows now, if it does.
    pub fn enrolment_link(&self) -> Option<String> {
        match &self.shown().view {
            View::Enrol { link, .. } => Some(link.clone()),
            _ => None,
        }
    }

    /// Whether a phone is being added.
    pub fn is_enrolling(&self) -> bool {
        matches!(self.shown().view, View::Enrol { .. } | View::Confirm { .. })
    }

    /// The link that opens the request on this same phone, while one waits.
    pub fn challenge_link(&self) -> Option<String> {
        self.shown().link.clone()
    }

    fn opened(&self) -> Result<&Opened, Refusal> {
        self.opened.get().ok_or_else(|| Sentence::ErrorServerBusy.into())
    }

    /// The demo's person.
    pub fn user(&self) -> Result<AccountId, Refusal> {
        Ok(self.opened()?.user)
    }

    async fn call<T: serde::de::DeserializeOwned>(&self, call: Call) -> Result<T, Failed> {
        let unopened = || Failed::unavailable("the demo is still starting");
        let Opened { api, remembered, .. } = self.opened.get().ok_or_else(unopened)?;
        api.call(&remembered.api_key, call).await
    }

    /// Opens an enrolment and waits beside for a phone to come.
    pub async fn new_enrolment(self: &Arc<Self>) -> Result<(), Refusal> {
        let user = self.user()?;
        let new: NewEnrolment = self.call(Call::post(format!("/v1/users/{user}/enrolments"))).await?;
        let id = new.id;
        {
            let mut shown = self.shown();
            shown.view = View::Enrol { link: new.link, qr_svg: new.qr_svg, expires_at: new.expires_at };
            shown.enrolment = Some(id);
        }
        self.changes.notify();
        tokio::spawn(Arc::clone(self).await_phone(id));
        Ok(())
    }

    async fn await_phone(self: Arc<Self>, id: EnrolmentId) {
        loop {
            let read = self.call::<Enrolment>(Call::get(format!("/v1/enrolments/{id}?wait=60"))).await;
            if self.shown().enrolment != Some(id) {
                return;
            }
            match read {
                Ok(enrolment) if enrolment.state == EnrolmentStage::Proposed => {
                    return self.show(View::Confirm { device_name: enrolment.device_name.unwrap_or_default() });
                }
                Ok(enrolment) if enrolment.state == EnrolmentStage::Open => {}
                // Over: the page keeps the link, whose end is written beside it, and offers a new one.
                _ => return,
            }
        }
    }

    /// The person typed the digits that the phone shows. With their first phone, they get backup codes.
    pub async fn confirm(self: &Arc<Self>, code: &str) -> Result<Option<BackupCodes>, Refusal> {
        let id = self.shown().enrolment.ok_or(Sentence::EnrolLinkEnded)?;
        let call = Call::post(format!("/v1/enrolments/{id}/confirm")).body(json!({ "code": code }));
        if let Err(failed) = self.call::<Enrolment>(call).await {
            return Err(match failed.code.as_str() {
                "wrong_number" | "not_proposed" if self.is_void(id).await => Sentence::AccountEndedWrongCode.into(),
                "wrong_number" | "malformed" => Sentence::EnrolWrongDigits.into(),
                _ => failed.into(),
            });
        }
        let Opened { data, remembered, .. } = self.opened()?;
        if write_remembered(data, &Remembered { enrolled: true, ..remembered.clone() }).is_err() {
            tracing::warn!("the demo will ask for an enrolment again at its next start: its folder cannot be written");
        }
        self.tour.tick(TourStep::Scan);
        Ok(self.first_backup_codes().await)
    }

    async fn is_void(&self, id: EnrolmentId) -> bool {
        let read = self.call::<Enrolment>(Call::get(format!("/v1/enrolments/{id}"))).await;
        read.is_ok_and(|enrolment| enrolment.state == EnrolmentStage::Void)
    }

    /// Back to the sign-in, from wherever the page is.
    pub fn back_to_sign_in(&self) {
        let mut shown = self.shown();
        (shown.enrolment, shown.challenge, shown.link) = (None, None, None);
        drop(shown);
        self.show(SIGN_IN);
    }

    /// Step 1: the password is right, so the phone is asked.
    pub async fn sign_in(self: &Arc<Self>, password: &str, ask: Ask, context: ContextRequest) -> Result<(), Refusal> {
        if password != PASSWORD {
            return Err(Sentence::PageWrongPassword.into());
        }
        let body = request(self.user()?, ask, context);
        self.trace.clear();
        self.trace.add(Step::Create, TO_SERVER, said("demo_sent_ask", "POST /v1/challenges"), body.clone());
        let challenge: Challenge = self.call(Call::post("/v1/challenges").body(body)).await?;
        self.trace.add(Step::Create, TO_SITE, said("demo_sent_asked", "201 Created"), to_value(&challenge));
        {
            let mut shown = self.shown();
            shown.challenge = Some(challenge.id);
            shown.link = challenge.link.clone();
            shown.view = View::waiting(&challenge);
            shown.limited = challenge.push == PushState::Limited;
        }
        self.changes.notify();
        tokio::spawn(Arc::clone(self).await_answer(challenge));
        Ok(())
    }

    /// The person went back: the question is taken back too.
    pub async fn cancel(&self) -> Result<(), Refusal> {
        let challenge = self.shown().challenge.take();
        if let Some(id) = challenge {
            drop(self.call::<Challenge>(Call::post(format!("/v1/challenges/{id}/cancel"))).await);
        }
        self.back_to_sign_in();
        Ok(())
    }

    /// One wait, repeated while the challenge is pending: the page goes on by itself.
    async fn await_answer(self: Arc<Self>, mut challenge: Challenge) {
        let id = challenge.id;
        let mut patience = "2";
        let mut number = challenge.number.clone();
        while challenge.state == ChallengeState::Pending {
            let shows = if number.is_some() { "number" } else { "tap" };
            let read = self.call(Call::get(format!("/v1/challenges/{id}?wait={patience}&shown={shows}"))).await;
            patience = "60";
            if self.shown().challenge != Some(id) {
                return;
            }
            challenge = match read {
                Ok(challenge) => challenge,
                Err(failed) => {
                    tracing::warn!(failed.detail, "the demo's site heard no answer");
                    return self.show(View::Expired);
                }
            };
            if challenge.state == ChallengeState::Pending {
                number = challenge.number.clone();
                self.show(View::waiting(&challenge));
            }
        }
        let view = self.ended(&challenge, number.as_deref()).await;
        {
            let mut shown = self.shown();
            if shown.challenge != Some(id) {
                return;
            }
            shown.link = None;
            shown.view = view;
        }
        self.changes.notify();
        self.watch_session(id).await;
    }

    async fn ended(&self, challenge: &Challenge, number: Option<&str>) -> View {
        if matches!(challenge.state, ChallengeState::Approved | ChallengeState::Denied | ChallengeState::Reported) {
            let title = format!("GET /v1/challenges/{}?wait=60", challenge.id);
            self.trace.add(Step::Settle, TO_SITE, said("demo_sent_told", title), to_value(challenge));
        }
        match challenge.state {
            ChallengeState::Approved => self.claim(challenge.id, number).await,
            ChallengeState::Denied | ChallengeState::Reported => self.stopped(challenge),
            _ => View::Expired,
        }
    }

    /// A NO leaves a receipt. A wrong number leaves none: it is an approval that did not count.
    fn stopped(&self, challenge: &Challenge) -> View {
        match (challenge.state, &challenge.receipt) {
            (ChallengeState::Reported, _) => View::stopped(Said::of_demo("demo_answered_not_me"), Tone::Reported),
            (_, None) => View::stopped(Said::of_demo("demo_wrong_number"), Tone::Denied),
            (_, Some(_)) => {
                self.tour.tick(TourStep::No);
                View::stopped(Sentence::PageAnsweredNo, Tone::Denied)
            }
        }
    }

    /// A sign-in can be reported after its end: the site looks, and signs out.
    async fn watch_session(&self, id: ChallengeId) {
        loop {
            tokio::time::sleep(SESSION_CHECK).await;
            if self.shown().challenge != Some(id) {
                return;
            }
            let read = self.call::<Challenge>(Call::get(format!("/v1/challenges/{id}"))).await;
            let mut shown = self.shown();
            if shown.challenge != Some(id) || !read.is_ok_and(|challenge| challenge.reported) {
                continue;
            }
            if matches!(shown.view, View::SignedIn { .. } | View::BackupCodes { .. }) {
                shown.view = View::stopped(Said::of_demo("demo_reported_later"), Tone::Reported);
            }
            drop(shown);
            return self.changes.notify();
        }
    }

    /// Step 6: takes the approval, at most once, and verifies the receipt by itself. A code leaves no receipt.
    async fn claim(&self, id: ChallengeId, number: Option<&str>) -> View {
        let path = format!("/v1/challenges/{id}/claim");
        // The challenge's own id names this claim: a repetition after a lost answer is the same claim.
        let claim = said("demo_sent_claim", format!("POST {path}"));
        self.trace.add(Step::Claim, TO_SERVER, claim, json!({ "Idempotency-Key": id }));
        let claimed = self.call::<Challenge>(Call::post(path).idempotency_key(id.to_string())).await;
        let Ok(challenge) = claimed else { return View::Expired };
        let by_code = challenge.receipt.is_none() && challenge.amr.iter().any(|word| word == "otp");
        let proof = if by_code { None } else { self.verify(&challenge, number).await };
        self.trace.add(Step::Claim, TO_SITE, said("demo_sent_receipt", "200 OK"), to_value(&challenge));
        if proof.is_none() && !by_code {
            tracing::error!("a receipt did not verify; nobody is signed in");
            return View::Expired;
        }
        let by_backup_code = challenge.amr.iter().any(|word| word == "backup_code");
        self.tour.tick(match (by_code, number) {
            (true, _) if by_backup_code => TourStep::BackupCode,
            (true, _) => TourStep::Code,
            (false, None) => TourStep::Yes,
            (false, Some(_)) => TourStep::Number,
        });
        View::signed_in(challenge.amr, proof, self.backup_codes_left().await.unwrap_or_default())
    }

    async fn verify(&self, challenge: &Challenge, number: Option<&str>) -> Option<Proof> {
        let receipt = challenge.receipt.as_ref()?;
        let identity: WellKnown = self.call(Call::get("/.well-known/countersign")).await.ok()?;
        let proven = receipt.verify(&identity.root).ok()?;
        let about_this = proven.challenge.challenge_id == challenge.id && proven.approved(number);
        about_this.then(|| Proof {
            answered_at: proven.decision.iat,
            approval_key: proven.enrolment.approval_key.thumbprint().to_string(),
            receipt_bytes: [&receipt.certificate, &receipt.enrolment, &receipt.challenge, &receipt.decision]
                .iter()
                .map(|part| part.len())
                .sum(),
        })
    }

    /// The operator has lifted the limit; false when no sign-in had met it.
    pub fn limit_lifted(&self) -> bool {
        let met = std::mem::take(&mut self.shown().limited);
        self.changes.notify();
        met
    }

    /// Somebody signs in as the same person at another site, at the same time.
    pub async fn second_sign_in(self: &Arc<Self>) -> Result<(), Refusal> {
        let Opened { api, remembered, user, .. } = self.opened()?;
        let context = ContextRequest {
            ip: Some("203.0.113.7".into()),
            user_agent: Some("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0".into()),
        };
        let call = Call::post("/v1/challenges").body(request(*user, Ask::Tap, context));
        let challenge: Challenge = api.call(&remembered.webmail_api_key, call).await?;
        self.shown().elsewhere = Some(Elsewhere { relying_party: WEBMAIL, number: challenge.number.clone() });
        self.changes.notify();
        tokio::spawn(Arc::clone(self).await_second(challenge.id));
        Ok(())
    }

    async fn await_second(self: Arc<Self>, id: ChallengeId) {
        let Ok(Opened { api, remembered, .. }) = self.opened() else { return };
        loop {
            let call = Call::get(format!("/v1/challenges/{id}?wait=25&shown=number"));
            match api.call::<Challenge>(&remembered.webmail_api_key, call).await {
                Ok(challenge) if challenge.state == ChallengeState::Pending && challenge.number.is_some() => {}
                Ok(challenge) if challenge.state == ChallengeState::Denied => {
                    self.tour.tick(TourStep::TwoAtOnce);
                    break;
                }
                _ => break,
            }
        }
        self.shown().elsewhere = None;
        self.changes.notify();
    }
}

fn request(user_id: AccountId, ask: Ask, context: ContextRequest) -> Value {
    to_value(ChallengeRequest {
        user_id,
        policy: ask.policy(),
        binding_message: None,
        details: None,
        context: Some(context),
        methods: None,
        attempt: None,
        expires_in: None,
    })
}

/// A value for reading; of a challenge, the receipt is taken apart.
fn to_value<T: Serialize>(value: T) -> Value {
    let mut value = serde_json::to_value(value).unwrap_or(Value::Null);
    if let Some(Value::Object(receipt)) = value.get_mut("receipt") {
        for compact in receipt.values_mut() {
            *compact = compact.as_str().map_or(Value::Null, read_jws);
        }
    }
    value
}
