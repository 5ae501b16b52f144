//! Organisations: listed for whoever may see them, made by operators.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::Shared;
use super::super::ask::{Asked, Nothing, Sent};
use super::super::auth::{Caller, Operator};
use super::super::problem::{Body, Problem};
use super::List;
use crate::domain::Timestamp;
use crate::record::OrganisationRow;

/// A payer or a supplier.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct Organisation {
    id: String,
    name: String,
    /// `payer` or `supplier`.
    kind: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<OrganisationRow> for Organisation {
    fn from(row: OrganisationRow) -> Self {
        Self { id: row.id.to_string(), name: row.name, kind: row.kind, created_at: row.created_at }
    }
}

/// An organisation to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Acme Industries", "kind": "payer"}))]
pub(in super::super) struct NewOrganisation {
    /// 1 to 200 characters, not used by another.
    name: String,
    /// `payer` (the default) or `supplier`.
    #[serde(default = "payer")]
    kind: String,
}

fn payer() -> String {
    "payer".to_owned()
}

/// The organisations the token shows: every one for an operator, its own for others.
#[utoipa::path(get, path = "/v1/orgs", tag = "administration", responses(
    (status = 200, body = List<Organisation>)
))]
pub(in super::super) async fn list(
    State(desk): State<Shared>,
    caller: Caller,
    _: Asked<Nothing>,
) -> Result<Json<List<Organisation>>, Problem> {
    let rows = desk.record.organisations(&caller.scope).await?;
    Ok(Json(List::new(rows.into_iter().map(Organisation::from).collect(), None)))
}

/// Make an organisation. Operators only.
#[utoipa::path(post, path = "/v1/orgs", tag = "administration", request_body = NewOrganisation, responses(
    (status = 201, body = Organisation),
    (status = 403, description = "`forbidden_scope`: not an operator's token", body = Body,
     content_type = "application/problem+json"),
    (status = 409, description = "`state_conflict`: the name is taken", body = Body,
     content_type = "application/problem+json")
))]
pub(in super::super) async fn create(
    State(desk): State<Shared>,
    _: Operator,
    _: Asked<Nothing>,
    Sent(new): Sent<NewOrganisation>,
) -> Result<(StatusCode, Json<Organisation>), Problem> {
    let name = checked_name("/name", &new.name)?;
    if !matches!(new.kind.as_str(), "payer" | "supplier") {
        return Err(Problem::at("/kind", format!("`{}` is not a kind; it is payer or supplier", new.kind)));
    }
    let row = desk.record.add_organisation(name, &new.kind).await?;
    Ok((StatusCode::CREATED, Json(row.into())))
}

/// A name for people: something to see, nothing that hides.
pub(super) fn checked_name<'a>(pointer: &str, name: &'a str) -> Result<&'a str, Problem> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err(Problem::at(pointer, "the name must have 1 to 200 characters and no control characters"));
    }
    Ok(name)
}

/// The organisation an operator names, by id or name.
pub(super) async fn named(desk: &Shared, pointer: &str, text: &str) -> Result<OrganisationRow, Problem> {
    let found = desk.record.organisation(text).await?;
    found.ok_or_else(|| unknown(pointer, text))
}

/// The answer for an organisation that is not there, or that the token does not show.
pub(super) fn unknown(pointer: &str, text: &str) -> Problem {
    Problem::at(pointer, format!("there is no organisation `{text}`; GET /v1/orgs lists them"))
}
