//! Files: what arrived, and what became of it.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::Shared;
use super::super::ask::{self, Asked, Nothing, Reading};
use super::super::auth::Caller;
use super::super::cursor::Bound;
use super::super::problem::{Body, Problem};
use super::super::tagged::tagged;
use super::List;
use crate::domain::{ArrivalId, Digest, Scope, Timestamp};
use crate::record::{FileFilter, FileRow, FileStatus};

/// A file that arrived.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX", "organisation": "org_01KA6T5VZ3Q9Y0C2N8W4J7H1DX",
    "name": "invoices_0303.edi", "status": "applied_with_errors", "user": "acme-erp", "protocol": "sftp",
    "session": "ses_01KA6T5VZ3Q9Y0C2N8W4J7H1DX", "size_bytes": 4812,
    "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "received_at": "2026-03-03T02:14:07.123456Z", "published_at": "2026-03-03T02:14:07.541200Z",
    "duplicate_of": null, "format": "x12-810", "format_version": "004010", "encoding": "us-ascii", "profile": null,
    "documents": 12, "errors": 1, "warnings": 0, "answer": "invoices_0303.edi.ERRORS.csv", "reason": null,
    "links": {"self": "/v1/files/fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX",
              "content": "/v1/files/fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX/content",
              "errors": "/v1/files/fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX/errors",
              "invoices": "/v1/invoices?file_id=fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX",
              "events": "/v1/events?file=fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX"}
}))]
pub(in super::super) struct File {
    id: String,
    organisation: String,
    name: String,
    /// `held`, `stored`, `parsing`, `applied`, `applied_with_errors`, `rejected`, `duplicate` or `quarantined`.
    status: &'static str,
    /// The login that sent it, or the name of the token.
    user: String,
    /// The door it came through: `sftp`, `ftps`, `https`; `partner` where we fetched it.
    protocol: String,
    session: Option<String>,
    size_bytes: i64,
    sha256: String,
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    /// When its documents came into sight; null until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    published_at: Option<Timestamp>,
    /// The earlier file with the same bytes from the same sender, whose documents it shares.
    duplicate_of: Option<String>,
    format: Option<String>,
    format_version: Option<String>,
    encoding: Option<String>,
    /// The feed profile it was read with.
    profile: Option<String>,
    documents: i64,
    errors: i64,
    warnings: i64,
    /// The name of the answer beside it in `/drop`, once there is one.
    answer: Option<String>,
    /// Why it was set aside.
    reason: Option<String>,
    links: FileLinks,
}

/// Where to go on from a file.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct FileLinks {
    #[serde(rename = "self")]
    itself: String,
    content: String,
    errors: String,
    invoices: String,
    events: String,
}

impl From<FileRow> for File {
    fn from(row: FileRow) -> Self {
        let id = row.id.to_string();
        Self {
            organisation: row.organisation.to_string(),
            name: row.name,
            status: row.status.as_str(),
            user: row.login,
            protocol: row.door,
            session: row.session.map(|id| id.to_string()),
            size_bytes: row.size_bytes,
            sha256: row.sha256,
            received_at: row.received_at,
            published_at: row.published_at,
            duplicate_of: row.duplicate_of.map(|id| id.to_string()),
            format: row.format,
            format_version: row.format_version,
            encoding: row.encoding,
            profile: row.profile,
            documents: row.documents,
            errors: row.errors,
            warnings: row.warnings,
            answer: row.answer,
            reason: row.reason,
            links: FileLinks {
                itself: format!("/v1/files/{id}"),
                content: format!("/v1/files/{id}/content"),
                errors: format!("/v1/files/{id}/errors"),
                invoices: format!("/v1/invoices?file_id={id}"),
                events: format!("/v1/events?file={id}"),
            },
            id,
        }
    }
}

/// Which files.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct FileQuery {
    /// One or several statuses, separated by commas.
    #[param(example = "rejected,quarantined")]
    status: Option<String>,
    /// The whole name.
    name: Option<String>,
    /// 64 hexadecimal digits.
    sha256: Option<String>,
    /// The login, or the name of the token, that sent it.
    user: Option<String>,
    /// As recognised: `x12-810`.
    format: Option<String>,
    /// Received at or after this moment.
    #[param(example = "2026-03-03T00:00:00Z")]
    received_from: Option<String>,
    /// Received before this moment.
    received_to: Option<String>,
    /// `true`: only files with errors; `false`: only files without.
    #[param(value_type = Option<bool>)]
    has_errors: Option<String>,
    /// Rows at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The files, newest first.
#[utoipa::path(get, path = "/v1/files", tag = "files", params(FileQuery), responses(
    (status = 200, body = List<File>)
))]
pub(in super::super) async fn list(
    State(desk): State<Shared>,
    caller: Caller,
    asked: Asked<FileQuery>,
) -> Result<Json<List<File>>, Problem> {
    let query = asked.query;
    let mut reading = Reading::default();
    let filter = FileFilter {
        statuses: reading.list("status", query.status.as_ref(), status),
        name: reading.one("name", query.name.as_ref(), ask::file_name),
        sha256: reading.one("sha256", query.sha256.as_ref(), |text| {
            let digest = Digest::from_hex(text).ok_or_else(|| "it is not 64 hexadecimal digits".to_owned())?;
            Ok(digest.to_string())
        }),
        user: reading.one("user", query.user.as_ref(), ask::text),
        format: reading.one("format", query.format.as_ref(), ask::text),
        received_from: reading.one("received_from", query.received_from.as_ref(), ask::moment),
        received_to: reading.one("received_to", query.received_to.as_ref(), ask::moment),
        has_errors: reading.one("has_errors", query.has_errors.as_ref(), ask::truth),
    };
    let limit = reading.limit(query.limit.as_ref());
    reading.done()?;
    let bound = Bound { list: "files", filter: &asked.filter, scope: &caller.scope };
    let after = desk.seal.unseal(bound, query.cursor.as_ref())?;
    let page = desk.record.files(&caller.scope, &filter, after.as_ref(), limit).await?;
    let next = page.next.map(|cursor| desk.seal.seal(bound, &cursor));
    Ok(Json(List::new(page.rows.into_iter().map(File::from).collect(), next)))
}

fn status(text: &str) -> Result<FileStatus, String> {
    FileStatus::parse(text).ok_or_else(|| {
        let known = FileStatus::ALL.map(FileStatus::as_str).join(", ");
        format!("`{text}` is not a status; known: {known}")
    })
}

/// One file.
#[utoipa::path(get, path = "/v1/files/{id}", tag = "files", params(("id" = String, Path, description = "`fil_…`")),
    responses(
        (status = 200, body = File),
        (status = 304, description = "`If-None-Match` names what there is"),
        (status = 404, description = "`not_found`", body = Body, content_type = "application/problem+json")
    ))]
pub(in super::super) async fn one(
    State(desk): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    _: Asked<Nothing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    tagged(&headers, &File::from(shown(&desk, &caller.scope, &id).await?))
}

/// The file with this id, if the scope shows it. What is not an id, is nobody's, or is somebody else's is
/// the same 404.
pub(super) async fn shown(desk: &Shared, scope: &Scope, id: &str) -> Result<FileRow, Problem> {
    let found = match ArrivalId::parse(id) {
        None => None,
        Some(id) => desk.record.file(scope, id).await?,
    };
    found.ok_or_else(|| Problem::not_found("file"))
}
