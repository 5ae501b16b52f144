//! Reading a file again: after a profile was put right, or a reader was.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::super::Shared;
use super::super::ask::{Asked, Nothing};
use super::super::auth::Caller;
use super::super::problem::{Body, Code, Problem};
use super::files::{self, File};

/// Read a file again.
///
/// What it showed stays in sight until the new reading is complete.
#[utoipa::path(post, path = "/v1/files/{id}/reprocess", tag = "files",
    params(("id" = String, Path, description = "`fil_…`")),
    responses(
        (status = 202, description = "It waits to be read", body = File),
        (status = 404, description = "`not_found`", body = Body, content_type = "application/problem+json"),
        (status = 409, description = "`state_conflict`: it is held, waiting, or being read", body = Body,
         content_type = "application/problem+json")
    ))]
pub(in super::super) async fn reprocess(
    State(desk): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    _: Asked<Nothing>,
) -> Result<(StatusCode, Json<File>), Problem> {
    let file = files::shown(&desk, &caller.scope, &id).await?;
    if !desk.record.reprocess(&caller.scope, file.id).await? {
        return Err(Problem::new(
            Code::StateConflict,
            format!("the file is {}; it can be read again once it has been read", file.status.as_str()),
        ));
    }
    Ok((StatusCode::ACCEPTED, Json(files::shown(&desk, &caller.scope, &id).await?.into())))
}
