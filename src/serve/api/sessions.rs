//! Sessions: who is inside, on every node, and the way out.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::Shared;
use super::super::ask::{self, Asked, Nothing, Reading};
use super::super::auth::{Caller, Operator};
use super::super::cursor::Bound;
use super::super::problem::{Body, Code, Problem};
use super::List;
use crate::domain::{SessionId, Timestamp};
use crate::record::{SessionFilter, SessionRow};

/// A session that is open on one of the nodes, as it was some seconds ago at most.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "ses_01KQ5S0V9C3GZ4Y0M1J2T8XW7B", "node": "node_01KQ5RZV3J8N2D6F4H0A5C7E9G",
    "organisation": "org_01KQ5RZX8A4B6C2D0E1F3G5H7J", "login": "acme-erp", "door": "sftp",
    "address": "203.0.113.9:50122", "client": "OpenSSH_9.2", "started_at": "2026-03-03T02:14:07.000000Z", "files": 3,
    "bytes": 48211, "receiving": ["AP_OPEN_0303.csv"], "is_ending": false}))]
pub(in super::super) struct Session {
    id: String,
    node: String,
    organisation: String,
    login: String,
    /// `sftp`, `ftps`, `https`, `partner`.
    door: String,
    /// The client's address and port.
    address: String,
    /// What the client calls itself.
    client: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// Files it has brought.
    files: u64,
    /// What they hold together.
    bytes: u64,
    /// Names of files it is bringing now, five at most.
    receiving: Vec<String>,
    /// Its end has been asked for.
    is_ending: bool,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            id: row.id.to_string(),
            node: row.node,
            organisation: row.organisation.to_string(),
            login: row.login,
            door: row.door,
            address: row.address,
            client: row.client,
            started_at: row.started_at,
            files: row.files,
            bytes: row.bytes,
            receiving: row.receiving,
            is_ending: row.is_ending,
        }
    }
}

/// Which sessions. All that are given must hold.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct SessionQuery {
    /// The account.
    login: Option<String>,
    /// `sftp`, `ftps`, `https`, `partner`.
    door: Option<String>,
    /// The node it is on.
    node: Option<String>,
    /// Rows at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Who is inside, on every node, newest first.
///
/// Each node tells of its sessions every other second; one that was over before that is known by its events.
#[utoipa::path(get, path = "/v1/sessions", tag = "administration", params(SessionQuery), responses(
    (status = 200, body = List<Session>)
))]
pub(in super::super) async fn list(
    State(desk): State<Shared>,
    caller: Caller,
    asked: Asked<SessionQuery>,
) -> Result<Json<List<Session>>, Problem> {
    let query = asked.query;
    let mut reading = Reading::default();
    let filter = SessionFilter {
        login: reading.one("login", query.login.as_ref(), ask::text),
        door: reading.one("door", query.door.as_ref(), ask::text),
        node: reading.one("node", query.node.as_ref(), ask::text),
    };
    let limit = reading.limit(query.limit.as_ref());
    reading.done()?;
    let bound = Bound { list: "sessions", filter: &asked.filter, scope: &caller.scope };
    let after = desk.seal.unseal(bound, query.cursor.as_ref())?;
    let page = desk.record.sessions(&caller.scope, &filter, after.as_ref(), limit).await?;
    let next = page.next.map(|cursor| desk.seal.seal(bound, &cursor));
    Ok(Json(List::new(page.rows.into_iter().map(Session::from).collect(), next)))
}

/// End a session. Operators only.
///
/// Its node ends it within seconds; what it was bringing can be gone on with, as after any broken connection. Whoever
/// should stay away: disable the account, or ban the address.
#[utoipa::path(delete, path = "/v1/sessions/{id}", tag = "administration",
    params(("id" = String, Path, description = "`ses_…`")),
    responses(
        (status = 202, description = "It is about to end", body = Session),
        (status = 403, description = "`forbidden_scope`: not an operator's token", body = Body,
         content_type = "application/problem+json"),
        (status = 404, description = "`not_found`: there is no such session", body = Body,
         content_type = "application/problem+json")
    ))]
pub(in super::super) async fn end(
    State(desk): State<Shared>,
    _: Operator,
    caller: Caller,
    Path(id): Path<String>,
    _: Asked<Nothing>,
) -> Result<(StatusCode, Json<Session>), Problem> {
    let by = format!("token {}", caller.token_name);
    let ended = match SessionId::parse(&id) {
        Some(id) => desk.record.end_session(&caller.scope, id, &by).await?,
        None => None,
    };
    let ended = ended.ok_or_else(|| Problem::new(Code::NotFound, "there is no such session; it may have ended"))?;
    Ok((StatusCode::ACCEPTED, Json(ended.into())))
}
