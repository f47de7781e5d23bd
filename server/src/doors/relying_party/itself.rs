//! Who a relying party is here.

use crate::service::authenticate;
use axum::Json;
use countersign_protocol::relying_party_api::RelyingParty;

/// Who the owner of this API key is here: its id is the `aud` of the events that it is told.
#[utoipa::path(get, path = "/v1/relying-party", tag = "relying party",
    responses((status = 200, body = RelyingParty)))]
pub async fn read(by: authenticate::RelyingParty) -> Json<RelyingParty> {
    Json(RelyingParty {
        id: by.handle().to_owned(),
        name: by.name().to_owned(),
        organisation: by.organisation_name().to_owned(),
    })
}
