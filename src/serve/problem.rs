//! Errors over HTTP: problems (RFC 9457), one catalogue of codes, one place that writes them.

use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::chain;
use crate::record::RecordError;

/// What went wrong, as a slug that stays (PORTAL C4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    ValidationFailed,
    CursorInvalid,
    Unauthenticated,
    ForbiddenScope,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    StateConflict,
    IdempotencyInProgress,
    PayloadTooLarge,
    UnsupportedMediaType,
    RangeNotSatisfiable,
    IdempotencyMismatch,
    RateLimited,
    Internal,
    Unavailable,
    NoSpace,
    PolicyRefused,
    QuotaExceeded,
}

impl Code {
    /// Its slug, status and title.
    pub(super) fn entry(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::ValidationFailed => ("validation_failed", StatusCode::BAD_REQUEST, "The request is not valid"),
            Self::CursorInvalid => ("cursor_invalid", StatusCode::BAD_REQUEST, "The cursor is not valid"),
            Self::Unauthenticated => ("unauthenticated", StatusCode::UNAUTHORIZED, "A valid token is needed"),
            Self::ForbiddenScope => ("forbidden_scope", StatusCode::FORBIDDEN, "The token may not do this"),
            Self::NotFound => ("not_found", StatusCode::NOT_FOUND, "There is no such resource"),
            Self::MethodNotAllowed => {
                ("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED, "The resource does not take this method")
            }
            Self::RequestTimeout => {
                ("request_timeout", StatusCode::REQUEST_TIMEOUT, "The request took longer than it may")
            }
            Self::StateConflict => {
                ("state_conflict", StatusCode::CONFLICT, "The resource is not in a state that allows this")
            }
            Self::IdempotencyInProgress => {
                ("idempotency_in_progress", StatusCode::CONFLICT, "The first request with this key is under way")
            }
            Self::PayloadTooLarge => ("payload_too_large", StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
            Self::UnsupportedMediaType => {
                ("unsupported_media_type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is of another type")
            }
            Self::RangeNotSatisfiable => {
                ("range_not_satisfiable", StatusCode::RANGE_NOT_SATISFIABLE, "The range is outside the file")
            }
            Self::IdempotencyMismatch => {
                ("idempotency_mismatch", StatusCode::UNPROCESSABLE_ENTITY, "The key was used for another request")
            }
            Self::RateLimited => ("rate_limited", StatusCode::TOO_MANY_REQUESTS, "Too much at once"),
            Self::Internal => ("internal_error", StatusCode::INTERNAL_SERVER_ERROR, "Something failed on the server"),
            Self::Unavailable => ("unavailable", StatusCode::SERVICE_UNAVAILABLE, "The server cannot do this now"),
            Self::PolicyRefused => {
                ("policy_refused", StatusCode::FORBIDDEN, "The account's policy does not allow this")
            }
            Self::QuotaExceeded => {
                ("quota_exceeded", StatusCode::INSUFFICIENT_STORAGE, "The account's quota does not allow this")
            }
            Self::NoSpace => ("no_space", StatusCode::INSUFFICIENT_STORAGE, "The server has no room left"),
        }
    }

    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthenticated,
            StatusCode::FORBIDDEN => Self::ForbiddenScope,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => Self::RequestTimeout,
            StatusCode::CONFLICT => Self::StateConflict,
            StatusCode::PAYLOAD_TOO_LARGE => Self::PayloadTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            status if status.is_client_error() => Self::ValidationFailed,
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            _ => Self::Internal,
        }
    }
}

/// One thing that is wrong with a request, with its place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Fault {
    /// Where in the request: a query parameter's name, a header's, or a JSON pointer into the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pointer: Option<String>,
    /// The line of a text body, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<u64>,
    /// The column in that line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) column: Option<u64>,
    pub(super) code: &'static str,
    pub(super) message: String,
}

/// An error as a client is told it. Causes stay in the log; `request_id` leads to them.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub(super) code: Code,
    pub(super) detail: String,
    pub(super) errors: Vec<Fault>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub(super) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: vec![], headers: vec![] }
    }

    /// A request that is wrong in one place.
    pub(super) fn at(pointer: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self::new(Code::ValidationFailed, message.clone()).with_errors(vec![Fault {
            pointer: Some(pointer.to_owned()),
            code: "invalid",
            message,
            ..Fault::default()
        }])
    }

    /// The one answer for what is not there and for what is somebody else's.
    pub(super) fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("there is no {what} with this id, or your token does not show it"))
    }

    /// Something of ours failed: the cause goes to the log, under the request's id, and not to the client.
    pub(super) fn internal(doing: &str, cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = chain(cause), "could not {doing}");
        Self::new(
            Code::Internal,
            "the server's log names the cause under this request_id; nothing is wrong with the request",
        )
    }

    pub(super) fn with_errors(mut self, errors: Vec<Fault>) -> Self {
        self.errors = errors;
        self
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The finished answer. Called once, by the layer around every route.
    pub(super) fn render(self, path: &str, request_id: &str) -> axum::response::Response {
        let (slug, status, title) = self.code.entry();
        let body = Body {
            r#type: format!("urn:waybill:problem:{slug}"),
            title,
            status: status.as_u16(),
            detail: self.detail,
            instance: path.to_owned(),
            code: slug,
            request_id: request_id.to_owned(),
            errors: self.errors,
        };
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (status, body).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }

    /// The problem an answer stands for: its own, or one made of a bare error status (axum's own refusals).
    pub(super) fn taken_from(response: &mut axum::response::Response) -> Option<Self> {
        if let Some(problem) = response.extensions_mut().remove::<Self>() {
            return Some(problem);
        }
        let status = response.status();
        if !status.is_client_error() && !status.is_server_error() {
            return None;
        }
        let code = Code::of_status(status);
        let mut problem = Self::new(code, code.entry().2);
        if code == Code::MethodNotAllowed {
            // axum adds the header behind us.
            problem.detail = "the `Allow` header says which methods this resource takes".to_owned();
        }
        Some(problem)
    }
}

impl IntoResponse for Problem {
    /// A bare answer that carries the problem to the layer that knows the request's path and id.
    fn into_response(self) -> axum::response::Response {
        let mut response = Response::new(axum::body::Body::empty());
        *response.status_mut() = self.code.entry().1;
        response.extensions_mut().insert(self);
        response
    }
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        match &error {
            RecordError::Exists { .. } => Self::new(Code::StateConflict, format!("{error}; choose another")),
            _ => Self::internal("answer from the record", &error),
        }
    }
}

/// What a problem looks like on the wire.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "urn:waybill:problem:validation_failed", "title": "The request is not valid", "status": 400,
    "detail": "`limit` is 500; it may be 1 to 200", "instance": "/v1/files", "code": "validation_failed",
    "request_id": "req_01KA6T5VZ3Q9Y0C2N8W4J7H1DX",
    "errors": [{"pointer": "limit", "code": "invalid", "message": "`limit` is 500; it may be 1 to 200"}]
}))]
pub(super) struct Body {
    /// `urn:waybill:problem:` and the code: stays the same for the same kind of problem.
    r#type: String,
    title: &'static str,
    status: u16,
    /// What happened here, for a human.
    detail: String,
    /// The path that was asked.
    instance: String,
    code: &'static str,
    /// Quote it when asking the operator: the log names the cause under it.
    request_id: String,
    /// What is wrong, place by place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
}
