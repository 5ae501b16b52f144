//! A single resource with an `ETag`: asked again unchanged, it is 304 and not sent.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::problem::Problem;
use crate::domain::Digest;

/// The answer for a resource, or 304 when the client has it.
pub(super) fn tagged(headers: &HeaderMap, resource: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(resource).map_err(|error| Problem::internal("write a resource as JSON", &error))?;
    let digest = Digest::of(&body).to_string();
    let tag = format!("\"{}\"", digest.get(..32).unwrap_or_default());
    let mut response = if matches(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = body.into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

/// Whether `If-None-Match` names this tag (RFC 9110 §13.1.2: weak comparison, `*` is any).
pub(super) fn matches(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag))
}
