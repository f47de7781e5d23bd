//! Other OTP applications as a person's second factor: a link to scan or a key to type, then the first code.

use crate::app::App;
use crate::authorisation::{RelyingParty, StrictJson};
use crate::codes;
use crate::enrolments::check_name;
use crate::parameter::Handle;
use crate::problem::Problem;
use crate::qr;
use crate::store::{AuthenticatorRecord, Confirming, MAX_FAILURES};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_protocol::handle::{AccountId, AuthenticatorId, EnrolmentId};
use countersign_protocol::otpauth::{Generator, OtpauthLink};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The name of an application that nobody named.
const DEFAULT_NAME: &str = "OTP application";

/// An application to be added.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthenticatorRequest {
    /// Its name in the person's list.
    #[serde(default)]
    pub name: Option<String>,
}

/// What an application needs to make codes. It is shown this once.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NewAuthenticator {
    /// Names it.
    #[schema(value_type = String)]
    pub id: AuthenticatorId,
    /// `proposed`: no code is accepted until the first one has confirmed it.
    pub state: String,
    /// The link that applications read. It is a secret: show it to nobody else.
    pub otpauth: String,
    /// The same secret to be typed: base32 in groups of four.
    pub key: String,
    /// The link as a QR code, in SVG; null when the names are too long for one.
    pub qr_svg: Option<String>,
    /// The link as a QR code, a PNG in a `data:` address; null when the names are too long for one.
    pub qr_png: Option<String>,
}

/// What makes codes for a person.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Authenticator {
    /// Names it.
    #[schema(value_type = String)]
    pub id: AuthenticatorId,
    /// Its name in the person's list.
    pub name: String,
    /// `proposed` or `confirmed`.
    pub state: String,
    /// What it is.
    pub kind: Kind,
    /// True when too many wrong codes have locked it.
    pub locked: bool,
    /// The phone's enrolment; null for any other application.
    #[schema(value_type = Option<String>)]
    pub device: Option<EnrolmentId>,
}

/// What makes codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A phone that is asked YES or NO too.
    Phone,
    /// Any other OTP application.
    Application,
}

/// What makes codes for a person, oldest first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Authenticators {
    /// All that are proposed or confirmed.
    pub authenticators: Vec<Authenticator>,
}

impl From<AuthenticatorRecord> for Authenticator {
    fn from(record: AuthenticatorRecord) -> Self {
        let AuthenticatorRecord { id, name, state, device, locked } = record;
        let kind = if device.is_some() { Kind::Phone } else { Kind::Application };
        Self { id, name, state, kind, locked, device }
    }
}

/// Proposes an application: it has ten minutes to show its first code.
#[utoipa::path(post, path = "/v1/users/{id}/authenticators", tag = "relying party", request_body = AuthenticatorRequest,
    params(("id" = String, Path, description = "The account")),
    responses((status = 201, body = NewAuthenticator),
        (status = "default", description = "A problem", body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
pub async fn propose(
    State(app): State<Arc<App>>,
    RelyingParty(relying_party): RelyingParty,
    Handle(user): Handle<AccountId>,
    StrictJson(request): StrictJson<AuthenticatorRequest>,
) -> Result<(StatusCode, Json<NewAuthenticator>), Problem> {
    let name = request.name.unwrap_or_else(|| DEFAULT_NAME.into());
    check_name(&name)?;
    let organisation = relying_party.organisation;
    let account = app.store.account(organisation.row_id, user).await?.ok_or(Problem::NotFound("user"))?;
    let (totp, stored) = codes::generate(&app)?;
    let id = stored.id;
    let key = totp.secret().to_base32_groups().to_string();
    let link = OtpauthLink::new(Some(&organisation.name), &account.name, Generator::Totp(totp))?;
    let otpauth = link.to_text().to_string();
    app.store.propose_application(account.row_id, name, stored).await?;
    let (qr_svg, qr_png) = qr::both(&otpauth).unzip();
    let answer = NewAuthenticator { id, state: "proposed".into(), otpauth, key, qr_svg, qr_png };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// The first code of an application.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstCodeRequest {
    /// The digits; white space in them is ignored.
    pub code: String,
}

/// Confirms an application with the code that it shows, which is spent by it.
#[utoipa::path(post, path = "/v1/authenticators/{id}/confirm", tag = "relying party", request_body = FirstCodeRequest,
    params(("id" = String, Path, description = "The authenticator")),
    responses((status = 200, body = Authenticator),
        (status = "default", description = "A problem", body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
pub async fn confirm(
    State(app): State<Arc<App>>,
    RelyingParty(relying_party): RelyingParty,
    Handle(id): Handle<AuthenticatorId>,
    StrictJson(request): StrictJson<FirstCodeRequest>,
) -> Result<Json<Authenticator>, Problem> {
    let code = codes::typed(&request.code)?;
    let counted = match app.store.begin_confirmation(relying_party.organisation.row_id, id).await? {
        Confirming::Counted(counted) => counted,
        Confirming::Refused(refused) => return Err(refused.into()),
        Confirming::NotProposed => return Err(Problem::ApplicationNotProposed),
        Confirming::NotFound => return Err(Problem::NotFound("authenticator")),
    };
    let step = codes::open(&app, &counted.codes)?.check(&code, app.now(), app.code_drift, counted.last_step);
    let confirmed = match step {
        Some(step) => app.store.confirm_application(counted.row_id, step).await?,
        None => {
            let left = MAX_FAILURES.saturating_sub(counted.failures);
            app.store.refuse_code(&[counted]).await?;
            return Err(Problem::WrongFirstCode(left));
        }
    };
    let record = app.store.authenticator(relying_party.organisation.row_id, id).await?;
    match record {
        Some(record) if confirmed => Ok(Json(record.into())),
        _ => Err(Problem::ApplicationNotProposed),
    }
}

/// What makes codes for a person. Nothing of it tells a secret.
#[utoipa::path(get, path = "/v1/users/{id}/authenticators", tag = "relying party",
    params(("id" = String, Path, description = "The account")),
    responses((status = 200, body = Authenticators),
        (status = "default", description = "A problem", body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
pub async fn list(
    State(app): State<Arc<App>>,
    RelyingParty(relying_party): RelyingParty,
    Handle(user): Handle<AccountId>,
) -> Result<Json<Authenticators>, Problem> {
    let account = app.store.account(relying_party.organisation.row_id, user).await?.ok_or(Problem::NotFound("user"))?;
    let records = app.store.authenticators(account.row_id, app.now()).await?;
    Ok(Json(Authenticators { authenticators: records.into_iter().map(Authenticator::from).collect() }))
}

/// Removes an application. A phone is removed as a device.
#[utoipa::path(delete, path = "/v1/authenticators/{id}", tag = "relying party",
    params(("id" = String, Path, description = "The authenticator")),
    responses((status = 204, description = "Removed"),
        (status = "default", description = "A problem", body = countersign_protocol::device_api::Problem, content_type = "application/problem+json")))]
pub async fn remove(
    State(app): State<Arc<App>>,
    RelyingParty(relying_party): RelyingParty,
    Handle(id): Handle<AuthenticatorId>,
) -> Result<StatusCode, Problem> {
    let removed = app.store.remove_application(relying_party.organisation.row_id, id).await?;
    app.webhook_outbox.notify_one();
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::NotFound("authenticator")) }
}
