//! API tokens: made by operators, shown once.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::Shared;
use super::super::ask::{Asked, Nothing, Sent};
use super::super::auth::Operator;
use super::super::problem::{Body, Problem};
use super::orgs;
use crate::domain::{Bearer, Timestamp};

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "erp", "org": "Acme Industries", "expires_days": 365}))]
pub(in super::super) struct NewToken {
    /// What it is for: shown in the log with what it does.
    name: String,
    /// The organisation it shows, by id or name; without, it is an operator's and shows all.
    #[serde(default)]
    org: Option<String>,
    /// Days until it expires; without, it does not.
    #[serde(default)]
    expires_days: Option<u32>,
}

/// A token just made. The only time its text is shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "tok_01KA6T5VZ3Q9Y0C2N8W4J7H1DX", "name": "erp",
    "organisation": "org_01KA6T5VZ3Q9Y0C2N8W4J7H1DX", "token": "waybill_01KA6T5VZ3Q9Y0C2N8W4J7H1DX_…",
    "expires_at": null}))]
pub(in super::super) struct MadeToken {
    id: String,
    name: String,
    /// Null: an operator's.
    organisation: Option<String>,
    /// Keep it: it is not stored and cannot be shown again.
    token: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

const DAY_MICROS: i64 = 86_400_000_000;

/// Make an API token. Operators only.
#[utoipa::path(post, path = "/v1/api-tokens", tag = "administration", request_body = NewToken, responses(
    (status = 201, body = MadeToken),
    (status = 403, description = "`forbidden_scope`: not an operator's token", body = Body,
     content_type = "application/problem+json")
))]
pub(in super::super) async fn create(
    State(desk): State<Shared>,
    _: Operator,
    _: Asked<Nothing>,
    Sent(new): Sent<NewToken>,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    let name = orgs::checked_name("/name", &new.name)?;
    let organisation = match &new.org {
        None => None,
        Some(text) => Some(orgs::named(&desk, "/org", text).await?.id),
    };
    let expires_at = match new.expires_days {
        None => None,
        Some(0) => {
            return Err(Problem::at("/expires_days", "0 days would make a token that is no use; give 1 or more"));
        }
        Some(days) => Some(Timestamp::now().plus_micros(i64::from(days).saturating_mul(DAY_MICROS))),
    };
    let bearer = Bearer::mint().map_err(|error| Problem::internal("make a token", &error))?;
    desk.record.add_token(organisation, name, bearer.id(), &bearer.secret_sha256(), expires_at).await?;
    let made = MadeToken {
        id: bearer.id().to_string(),
        name: name.to_owned(),
        organisation: organisation.map(|id| id.to_string()),
        token: bearer.text(),
        expires_at,
    };
    Ok((StatusCode::CREATED, Json(made)))
}
