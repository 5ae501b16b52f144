//! Bans: the addresses that are kept out. An operator's business alone: they are of the house, of no organisation.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::Shared;
use super::super::ask::{Asked, Nothing, Sent};
use super::super::auth::{Caller, Operator};
use super::super::problem::{Body, Code, Problem};
use super::List;
use crate::domain::{Network, Timestamp};
use crate::record::{BanRow, Banned};

/// An address or a network that is kept out of every door.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"network": "203.0.113.7", "source": "automatic", "reason": "13 failed logins, 1 probe",
    "in_a_row": 1, "since": "2026-03-03T02:14:07.000000Z", "until": "2026-03-03T02:44:07.000000Z"}))]
pub(in super::super) struct Ban {
    /// `203.0.113.7`, `203.0.113.0/24`, `2001:db8:1:2::/64`.
    network: String,
    /// `automatic` or `operator`.
    source: &'static str,
    reason: String,
    /// How many automatic bans in a row this is; 0 for an operator's.
    in_a_row: u32,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// Null: until it is lifted.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

impl From<BanRow> for Ban {
    fn from(row: BanRow) -> Self {
        Self {
            network: row.network.to_string(),
            source: if row.automatic { "automatic" } else { "operator" },
            reason: row.reason,
            in_a_row: row.in_a_row,
            since: row.since,
            until: row.until,
        }
    }
}

/// A ban to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"network": "203.0.113.0/24", "reason": "scans us every night"}))]
pub(in super::super) struct NewBan {
    /// An address, or a network of at least 8 (IPv4) or 16 (IPv6) bits.
    network: String,
    /// 1 to 200 characters.
    reason: String,
    /// Without, it holds until it is lifted.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

/// The bans that hold, newest first. Operators only.
#[utoipa::path(get, path = "/v1/bans", tag = "administration", responses(
    (status = 200, body = List<Ban>),
    (status = 403, description = "`forbidden_scope`: not an operator's token", body = Body,
     content_type = "application/problem+json")
))]
pub(in super::super) async fn list(
    State(desk): State<Shared>,
    _: Operator,
    _: Asked<Nothing>,
) -> Result<Json<List<Ban>>, Problem> {
    let rows = desk.defender.bans().await?;
    Ok(Json(List::new(rows.into_iter().map(Ban::from).collect(), None)))
}

/// Keep an address or a network out. Operators only.
///
/// Nodes keep to it within `[defend] refresh`. One that holds already is replaced.
#[utoipa::path(post, path = "/v1/bans", tag = "administration", request_body = NewBan, responses(
    (status = 201, body = Ban),
    (status = 403, description = "`forbidden_scope`: not an operator's token", body = Body,
     content_type = "application/problem+json"),
    (status = 409, description = "`state_conflict`: there are `[defend] bans_max` operators' bans", body = Body,
     content_type = "application/problem+json")
))]
pub(in super::super) async fn create(
    State(desk): State<Shared>,
    _: Operator,
    caller: Caller,
    _: Asked<Nothing>,
    Sent(new): Sent<NewBan>,
) -> Result<(StatusCode, Json<Ban>), Problem> {
    let network = named("/network", &new.network)?;
    network.is_bannable().map_err(|why| Problem::at("/network", why))?;
    let reason = new.reason.trim();
    if reason.is_empty() || reason.chars().count() > 200 || reason.chars().any(char::is_control) {
        return Err(Problem::at("/reason", "a reason has 1 to 200 characters and no control characters"));
    }
    if new.until.is_some_and(|until| until <= Timestamp::now()) {
        return Err(Problem::at("/until", "this moment is over; give one to come, or none"));
    }
    let by = format!("token {}", caller.token_name);
    match desk.defender.ban(network, new.until, reason, &by).await? {
        Banned::Added(row) | Banned::Already(row) => Ok((StatusCode::CREATED, Json(row.into()))),
        Banned::Full => Err(Problem::new(Code::StateConflict, "there are as many bans as there may be; lift some")),
    }
}

/// Let an address or a network in again. Operators only.
#[utoipa::path(delete, path = "/v1/bans/{network}", tag = "administration",
    params(("network" = String, Path, description = "As the list shows it; a `/` in it is written `%2F`")),
    responses(
        (status = 200, description = "The ban that held", body = Ban),
        (status = 403, description = "`forbidden_scope`: not an operator's token", body = Body,
         content_type = "application/problem+json"),
        (status = 404, description = "`not_found`: there is no such ban", body = Body,
         content_type = "application/problem+json")
    ))]
pub(in super::super) async fn lift(
    State(desk): State<Shared>,
    _: Operator,
    caller: Caller,
    Path(network): Path<String>,
    _: Asked<Nothing>,
) -> Result<Json<Ban>, Problem> {
    let network = named("network", &network)?;
    let lifted = desk.defender.lift(network, &format!("token {}", caller.token_name)).await?;
    let lifted = lifted.ok_or_else(|| Problem::new(Code::NotFound, format!("{network} is not banned")))?;
    Ok(Json(lifted.into()))
}

fn named(pointer: &str, text: &str) -> Result<Network, Problem> {
    text.parse::<Network>().map_err(|error| Problem::at(pointer, error.to_string()))
}
