//! The layer around every route: a request's id, its time limit, the security headers, and problems in
//! their final form.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use super::Shared;
use super::problem::{Code, Problem};
use crate::domain::RequestId;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Attends to one request from its first header to its answer's.
pub(super) async fn attend(State(desk): State<Shared>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(&request);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", method = %method, route, request.id = %id);
    let answering = async {
        if method == Method::POST && route == UPLOAD {
            // As long as bytes come: the connection's own idle limit ends a silent one.
            return next.run(request).await;
        }
        match tokio::time::timeout(desk.settings.now().request_timeout.duration(), next.run(request)).await {
            Ok(response) => response,
            Err(_) => Problem::new(
                Code::RequestTimeout,
                format!(
                    "the request took longer than {}; try again, or ask for less",
                    desk.settings.now().request_timeout
                ),
            )
            .into_response(),
        }
    };
    let mut response = answering.instrument(span.clone()).await;
    if let Some(problem) = Problem::taken_from(&mut response) {
        response = problem.render(&path, &id);
    }
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(X_REQUEST_ID, id);
    }
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(parent: &span, status = response.status().as_u16(), duration_ms, "answered");
    response
}

/// The route whose body may take as long as it takes.
const UPLOAD: &str = "/v1/files";

/// What every answer says, unless its route says otherwise. One thing is a page: the front page.
const ALWAYS: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (HeaderName::from_static("referrer-policy"), "no-referrer"),
];

/// The client's own id for the request, if it can stand in a log line, or one of ours.
fn request_id(request: &Request) -> String {
    let sent = request.headers().get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
    let fine = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    sent.filter(fine).map_or_else(|| RequestId::random().to_string(), str::to_owned)
}
