//! Accounts and their enrolments: the relying party opens a link, a device redeems it, the signed-in page confirms it.

use crate::app::App;
use crate::authorisation::{RelyingParty, StrictJson};
use crate::codes;
use crate::parameter::{Handle, Wait};
use crate::problem::Problem;
use crate::qr;
use crate::resource::rfc3339;
use crate::store::{Confirmed, EnrolmentRecord, Redeemed, RedeemedTicket, StoredCodes};
use crate::waiting::Look;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_protocol::code_seed::{self, CodeSeed};
use countersign_protocol::device_api::RedemptionAnswer;
use countersign_protocol::enrolment::{self, EnrolmentLink, EnrolmentStatement, Redemption};
use countersign_protocol::handle::{AccountId, EnrolmentId};
use countersign_protocol::jws;
use countersign_protocol::key::{SoftwareKey, sha256};
use countersign_protocol::sealing::{self, Envelope, SealedTo, SealingPublicKey};
use countersign_protocol::text;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// A person to be known here.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserRequest {
    /// The name under which the person signs in; the phone shows it.
    pub name: String,
}

/// A person who is known here.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Names the account.
    #[schema(value_type = String)]
    pub id: AccountId,
    /// The name under which the person signs in.
    pub name: String,
}

/// Makes an account, or finds the one of this name.
#[utoipa::path(post, path = "/v1/users", tag = "relying party", request_body = UserRequest,
    responses((status = 201, body = User), (status = 200, description = "There was one of this name", body = User),
        (status = "default", description = "A problem", body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
pub async fn create_user(
    State(app): State<Arc<App>>,
    RelyingParty(relying_party): RelyingParty,
    StrictJson(request): StrictJson<UserRequest>,
) -> Result<(StatusCode, Json<User>), Problem> {
    check_name(&request.name)?;
    let id = AccountId::random(&*app.randomness);
    let (account, new) = app.store.create_account(relying_party.organisation.row_id, id, request.name).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(User { id: account.id, name: account.name })))
}

/// The same rule as for what a phone shows.
///
/// # Errors
/// `malformed`.
pub fn check_name(name: &str) -> Result<(), Problem> {
    text::check_name(name, "name").map_err(|_| {
        Problem::Malformed(
            "A name is 1 to 100 characters, without spaces around it and without control characters.".into(),
        )
    })
}

/// A link with which one device can be enrolled.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NewEnrolment {
    /// Names the enrolment.
    #[schema(value_type = String)]
    pub id: EnrolmentId,
    /// The link, for the phone that shows this page. It is a secret: show it to nobody else.
    pub link: String,
    /// The link as a QR code, in SVG.
    pub qr_svg: String,
    /// The link as a QR code, a PNG in a `data:` address.
    pub qr_png: String,
    /// Until when it serves (RFC 3339).
    pub expires_at: String,
    /// `open`.
    pub state: String,
}

/// An enrolment on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Enrolment {
    /// Names the enrolment.
    #[schema(value_type = String)]
    pub id: EnrolmentId,
    /// `open`, `proposed`, `confirmed` or `void`.
    pub state: String,
    /// Why it is void: `redeemed_twice`, `wrong_code`, `revoked`, `expired`.
    pub void_reason: Option<String>,
    /// The name that the device gave itself.
    pub device_name: Option<String>,
    /// The server's signed word on the device's keys, once there is a device. Pin the approval key in it to verify
    /// receipts without trusting the server.
    pub statement: Option<String>,
    /// Until when its next step can be taken (RFC 3339).
    pub expires_at: String,
}

impl Enrolment {
    fn new(id: EnrolmentId, record: EnrolmentRecord) -> Self {
        let EnrolmentRecord { state, void_reason, device_name, statement, expires_at } = record;
        Self { id, state, void_reason, device_name, statement, expires_at: rfc3339(expires_at) }
    }
}

/// Opens an enrolment: a link for one device, single use, for ten minutes.
#[utoipa::path(post, path = "/v1/users/{id}/enrolments", tag = "relying party",
    params(("id" = String, Path, description = "The account")),
    responses((status = 201, body = NewEnrolment),
        (status = "default", description = "A problem", body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
pub async fn open(
    State(app): State<Arc<App>>,
    RelyingParty(relying_party): RelyingParty,
    Handle(user): Handle<AccountId>,
) -> Result<(StatusCode, Json<NewEnrolment>), Problem> {
    let account = app.store.account(relying_party.organisation.row_id, user).await?.ok_or(Problem::NotFound("user"))?;
    let id = EnrolmentId::random(&*app.randomness);
    let ticket = Zeroizing::new(BASE64URL_NOPAD.encode(&app.randomness.bytes::<32>()));
    let expires_at = app.store.open_enrolment(account.row_id, id, sha256(ticket.as_bytes())).await?;
    let link = EnrolmentLink { server_url: app.public_url.clone(), ticket, fingerprint: app.keys.server_id.clone() };
    let link = link.to_text();
    let (qr_svg, qr_png) = qr::both(&link).ok_or(Problem::Internal)?;
    let answer = NewEnrolment { id, qr_svg, qr_png, link, expires_at: rfc3339(expires_at), state: "open".into() };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Reads an enrolment; with `wait`, answers as soon as it is no longer open.
#[utoipa::path(get, path = "/v1/enrolments/{id}", tag = "relying party",
    params(("id" = String, Path, description = "The enrolment"), ("wait" = Option<u32>, Query, description = "Seconds to wait while it is open: 0 to 60")),
    responses((status = 200, body = Enrolment),
        (status = "default", description = "A problem", body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
pub async fn read(
    State(app): State<Arc<App>>,
    RelyingParty(relying_party): RelyingParty,
    Handle(id): Handle<EnrolmentId>,
    Wait(patience): Wait,
) -> Result<Json<Enrolment>, Problem> {
    let organisation = relying_party.organisation.row_id;
    let app = &*app;
    let look = || async move {
        let now = app.now();
        let record = app.store.enrolment(organisation, id, now).await?.ok_or(Problem::NotFound("enrolment"))?;
        let wait = (record.state == "open").then(|| now.until(record.expires_at));
        Ok::<_, Problem>(Look { seen: record, wait })
    };
    let record = app.enrolment_waiting.until(id, patience, &app.stopping, look).await?;
    Ok(Json(Enrolment::new(id, record)))
}

/// The digits that the phone shows.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmationRequest {
    /// Six digits, typed by the person on the signed-in page.
    pub code: String,
}

/// Confirms the proposed device with the digits that it shows.
#[utoipa::path(post, path = "/v1/enrolments/{id}/confirm", tag = "relying party", request_body = ConfirmationRequest,
    params(("id" = String, Path, description = "The enrolment")),
    responses((status = 200, body = Enrolment),
        (status = "default", description = "A problem", body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
pub async fn confirm(
    State(app): State<Arc<App>>,
    RelyingParty(relying_party): RelyingParty,
    Handle(id): Handle<EnrolmentId>,
    StrictJson(request): StrictJson<ConfirmationRequest>,
) -> Result<Json<Enrolment>, Problem> {
    // People type what they read: "123 456" is the same six digits.
    let code: String = request.code.chars().filter(|character| !character.is_whitespace()).collect();
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Problem::Malformed("The code is the six digits that the phone shows.".into()));
    }
    let organisation = relying_party.organisation.row_id;
    let confirmed = app.store.confirm_enrolment(organisation, id, code).await?;
    wake(&app, id).await?;
    match confirmed {
        Confirmed::Now => {}
        Confirmed::WrongCode(left) => return Err(Problem::WrongConfirmationCode(left)),
        Confirmed::NotProposed => return Err(Problem::NotProposed),
        Confirmed::NotFound => return Err(Problem::NotFound("enrolment")),
    }
    let record = app.store.enrolment(organisation, id, app.now()).await?.ok_or(Problem::NotFound("enrolment"))?;
    Ok(Json(Enrolment::new(id, record)))
}

/// Wakes the page that waits for an enrolment, and the device that waits to be confirmed or refused.
async fn wake(app: &App, id: EnrolmentId) -> Result<(), Problem> {
    app.enrolment_waiting.wake(id);
    if let Some(account) = app.store.account_of_enrolment(id).await? {
        app.device_waiting.wake(account);
    }
    Ok(())
}

/// Redeems a ticket: the device is proposed, and shows six digits that the signed-in page must confirm.
#[utoipa::path(post, path = "/v1/device/enrol", tag = "device",
    request_body(content = inline(RedemptionSchema), description = "See PROTOCOL.md, Enrolment"),
    responses((status = 200, description = "Proposed; also for the same redemption sent again", body = RedemptionAnswer),
        (status = "default", description = "A problem", body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
pub async fn redeem(
    State(app): State<Arc<App>>,
    StrictJson(redemption): StrictJson<Redemption>,
) -> Result<Json<RedemptionAnswer>, Problem> {
    // The ticket first: without one, nobody makes this server check signatures.
    let ticket_sha256 = sha256(redemption.ticket.as_bytes());
    let account = app.store.ticket_account(ticket_sha256).await?.ok_or(Problem::InvalidTicket)?;
    let transcript = enrolment::check_redemption(&redemption, &app.keys.server_id, app.now())?;
    let transcript_sha256 = enrolment::transcript_digest_text(&redemption.transcript);
    let statement = EnrolmentStatement {
        iss: app.keys.server_id.clone(),
        aud: transcript.request_key.thumbprint(),
        sub: account.account_id,
        enrolment_id: account.enrolment_id,
        organisation: account.organisation,
        account: account.account,
        transcript_sha256: transcript_sha256.clone(),
        request_key: transcript.request_key,
        approval_key: transcript.approval_key,
        iat: app.now().seconds(),
    };
    // A key to which nothing can be sealed would make a device that never hears of a challenge.
    let to = SealedTo { server_id: &app.keys.server_id, enrolment_id: account.enrolment_id };
    sealing::seal("", &transcript.sealing_key, to, &*app.randomness)?;
    let signer = app.keys.signer(&app.store).await?;
    let ticket = RedeemedTicket {
        ticket_sha256,
        transcript_sha256,
        statement: jws::sign_now(&statement, &signer.key)?,
        certificate: signer.sequence,
        confirmation_code: enrolment::confirmation_code(&redemption.transcript, account.account_id),
        device_name: transcript.device_name,
        request_key: transcript.request_key,
        approval_key: transcript.approval_key,
        sealing_key: transcript.sealing_key,
        codes: codes::generate(&app)?.1,
    };
    let redeemed = app.store.redeem_ticket(ticket).await?;
    wake(&app, account.enrolment_id).await?;
    match redeemed {
        Redeemed::Proposed { statement: compact, codes } => {
            let seal = |codes| seal_code_seed(&app, &statement, &codes, &transcript.sealing_key, &signer.key);
            Ok(Json(RedemptionAnswer { enrolment: compact, code_seed: codes.map(seal).transpose()? }))
        }
        Redeemed::Twice => {
            tracing::warn!(enrolment = %account.enrolment_id, "an enrolment link was redeemed by two devices; both are refused");
            Err(Problem::RedeemedTwice)
        }
        Redeemed::Invalid => Err(Problem::InvalidTicket),
    }
}

/// The seed of a device's one-time codes, signed and sealed to it: afresh each time, and each time the same seed.
fn seal_code_seed(
    app: &App,
    statement: &EnrolmentStatement,
    codes: &StoredCodes,
    sealing_key: &SealingPublicKey,
    signing_key: &SoftwareKey,
) -> Result<Envelope, Problem> {
    let totp = codes::open(app, codes)?;
    let seed = CodeSeed {
        iss: statement.iss.clone(),
        aud: statement.aud.clone(),
        sub: statement.sub,
        enrolment_id: statement.enrolment_id,
        secret: totp.secret().clone(),
        algorithm: totp.algorithm(),
        digits: totp.digits(),
        period: totp.period(),
        iat: codes.created_at.seconds(),
    };
    let to = SealedTo { server_id: &app.keys.server_id, enrolment_id: statement.enrolment_id };
    Ok(sealing::seal(&code_seed::issue(&seed, signing_key)?, sealing_key, to, &*app.randomness)?)
}

/// How a redemption looks in the description; the type itself lives in the core.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct RedemptionSchema {
    /// The ticket from the link.
    ticket: String,
    /// The transcript, signed by the request key.
    transcript: String,
    /// The possession, signed by the approval key.
    possession: String,
}
