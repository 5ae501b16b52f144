//! Who the token says I am.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::Shared;
use super::super::ask::{Asked, Nothing};
use super::super::auth::Caller;
use super::super::problem::Problem;
use super::super::tagged::tagged;
use super::orgs::Organisation;

/// The caller, as their token says.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct Me {
    /// `operator` sees every organisation, `organisation` its own.
    scope: &'static str,
    /// The organisation the token belongs to; null for an operator's.
    organisation: Option<Organisation>,
    token: TokenOf,
}

/// The token that was used.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct TokenOf {
    id: String,
    name: String,
}

/// Who am I?
#[utoipa::path(get, path = "/v1/me", tag = "house", responses((status = 200, body = Me, example = json!({
    "scope": "organisation",
    "organisation": {"id": "org_01KA6T5VZ3Q9Y0C2N8W4J7H1DX", "name": "Acme Industries", "kind": "payer",
                     "created_at": "2026-03-03T02:14:07.123456Z"},
    "token": {"id": "tok_01KA6T5VZ3Q9Y0C2N8W4J7H1DX", "name": "erp"}
}))))]
pub(in super::super) async fn me(
    State(desk): State<Shared>,
    caller: Caller,
    _: Asked<Nothing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let organisation = match caller.scope.organisation() {
        None => None,
        Some(id) => desk.record.organisation(&id.to_string()).await?.map(Organisation::from),
    };
    let scope = if caller.scope.is_operator() { "operator" } else { "organisation" };
    tagged(
        &headers,
        &Me { scope, organisation, token: TokenOf { id: caller.token.to_string(), name: caller.token_name } },
    )
}
