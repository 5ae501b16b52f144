//! Who is asking. The only place that makes a [`Scope`] out of a token, and every route but the open ones
//! stands behind [`require`].

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

use super::Shared;
use super::problem::{Code, Problem};
use crate::domain::{Bearer, Scope, TokenId};

/// A caller whose token was checked.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) scope: Scope,
    pub(super) token: TokenId,
    pub(super) token_name: String,
    pub(super) address: SocketAddr,
}

/// A caller whose token is an operator's.
#[derive(Debug, Clone)]
pub(super) struct Operator;

/// Lets a request with a valid token pass, and no other.
pub(super) async fn require(State(desk): State<Shared>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let sent = request.headers().get(AUTHORIZATION).cloned();
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let caller = check(&desk, sent.as_ref(), address.unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)))).await?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

async fn check(desk: &Shared, sent: Option<&HeaderValue>, address: SocketAddr) -> Result<Caller, Problem> {
    let Some(sent) = sent else {
        return Err(unauthenticated("send `Authorization: Bearer waybill_…`; `waybill token create` makes one"));
    };
    // A scheme is case-insensitive (RFC 9110 §11.1).
    let bearer = sent
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .and_then(|(_, token)| Bearer::parse(token.trim()));
    // One sentence for every way a token can be wrong.
    let refused = || unauthenticated("this token is not valid: it is mistyped, expired or revoked");
    let bearer = bearer.ok_or_else(refused)?;
    let known = desk.record.token(bearer.id()).await?;
    let Some(known) = known.filter(|known| bearer.fits(&known.secret_sha256)) else { return Err(refused()) };
    let principal = format!("token {}", known.name);
    let scope = match known.organisation {
        Some(organisation) => Scope::of_organisation(organisation, principal),
        None => Scope::operator(principal),
    };
    Ok(Caller { scope, token: known.id, token_name: known.name, address })
}

fn unauthenticated(detail: &str) -> Problem {
    Problem::new(Code::Unauthenticated, detail)
        .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"waybill\""))
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| unauthenticated("this route was asked without a token"))
    }
}

impl<S: Sync> FromRequestParts<S> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if caller.scope.is_operator() {
            return Ok(Self);
        }
        Err(Problem::new(Code::ForbiddenScope, "this needs an operator's token; yours shows one organisation"))
    }
}
