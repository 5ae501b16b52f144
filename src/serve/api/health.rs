//! For machines that watch: is the process up, can it work, what does the API look like.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::Shared;
use super::super::ask::{Asked, Nothing};
use super::super::openapi;
use super::super::problem::{Code, Problem};

/// How it is.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct Health {
    /// `ok`.
    status: &'static str,
    /// The version of this Waybill.
    version: &'static str,
}

const FINE: Health = Health { status: "ok", version: env!("CARGO_PKG_VERSION") };

/// Is the process up?
#[utoipa::path(get, path = "/v1/healthz", tag = "house", responses(
    (status = 200, body = Health, example = json!({"status": "ok", "version": "0.1.0"}))
))]
pub(in super::super) async fn healthz(_: Asked<Nothing>) -> Json<Health> {
    Json(FINE)
}

/// Can it take and show files?
///
/// Not while the database or the spool fails, nor once it is closing.
#[utoipa::path(get, path = "/v1/readyz", tag = "house", responses(
    (status = 200, body = Health, example = json!({"status": "ok", "version": "0.1.0"})),
    (status = 503, description = "`unavailable`: it is closing, or something it needs does not work",
     body = super::super::problem::Body, content_type = "application/problem+json")
))]
pub(in super::super) async fn readyz(State(desk): State<Shared>, _: Asked<Nothing>) -> Result<Json<Health>, Problem> {
    let not = |detail: &str| Problem::new(Code::Unavailable, detail);
    if desk.closing.is_cancelled() {
        return Err(not("the server is closing"));
    }
    if let Err(error) = desk.record.ping().await {
        tracing::warn!(error = crate::domain::chain(&error), "not ready: the database does not answer");
        return Err(not("the database does not answer"));
    }
    let dropbox = desk.dropbox.clone();
    match tokio::task::spawn_blocking(move || dropbox.spool_is_writable()).await {
        Ok(Ok(())) => Ok(Json(FINE)),
        Ok(Err(error)) => {
            tracing::warn!(error = %error, "not ready: the spool cannot be written");
            Err(not("the spool cannot be written"))
        }
        Err(error) => Err(Problem::internal("look at the spool", &error)),
    }
}

/// This API, described.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "house", responses(
    (status = 200, description = "The OpenAPI 3.1 document", body = Object)
))]
pub(in super::super) async fn openapi(_: Asked<Nothing>) -> Response {
    let mut response = openapi::text().into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
