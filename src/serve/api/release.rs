//! Releasing a file that is held: it is read as it is.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::super::Shared;
use super::super::ask::{Asked, Nothing};
use super::super::auth::Caller;
use super::super::problem::{Body, Code, Problem};
use super::files::{self, File};

/// Release a held file.
///
/// It came under a temporary name and was not renamed, or nothing has proved that it is whole. Look at it first: what
/// is released is read as it is.
#[utoipa::path(post, path = "/v1/files/{id}/release", tag = "files",
    params(("id" = String, Path, description = "`fil_…`")),
    responses(
        (status = 202, description = "It waits to be read, or shares an earlier file's documents", body = File),
        (status = 404, description = "`not_found`", body = Body, content_type = "application/problem+json"),
        (status = 409, description = "`state_conflict`: it is not held", body = Body,
         content_type = "application/problem+json")
    ))]
pub(in super::super) async fn release(
    State(desk): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    _: Asked<Nothing>,
) -> Result<(StatusCode, Json<File>), Problem> {
    let file = files::shown(&desk, &caller.scope, &id).await?;
    if !desk.record.release_held(&caller.scope, file.id).await? {
        return Err(Problem::new(Code::StateConflict, format!("the file is {}, and not held", file.status.as_str())));
    }
    Ok((StatusCode::ACCEPTED, Json(files::shown(&desk, &caller.scope, &id).await?.into())))
}
