//! The routes: one table, from which the router is built and against which the OpenAPI document is tested.

pub(super) mod account_policy;
pub(super) mod accounts;
pub(super) mod bans;
pub(super) mod content;
pub(super) mod errors;
pub(super) mod events;
pub(super) mod files;
pub(super) mod health;
pub(super) mod invoices;
pub(super) mod me;
pub(super) mod orgs;
pub(super) mod profiles;
pub(super) mod proofs;
pub(super) mod release;
pub(super) mod reprocess;
pub(super) mod sessions;
pub(super) mod stream;
pub(super) mod tokens;
pub(super) mod upload;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, delete, get, post};
use serde::Serialize;
use utoipa::ToSchema;

use super::Shared;
use super::auth;
use super::page;
use super::problem::{Code, Problem};
use super::request;

/// One path, its methods, and whether it needs a token.
struct Route {
    path: &'static str,
    /// For the test that compares this table with the document.
    methods: &'static [&'static str],
    open: bool,
    handlers: MethodRouter<Shared>,
}

fn route(path: &'static str, methods: &'static [&'static str], handlers: MethodRouter<Shared>) -> Route {
    Route { path, methods, open: false, handlers }
}

fn open(path: &'static str, methods: &'static [&'static str], handlers: MethodRouter<Shared>) -> Route {
    Route { path, methods, open: true, handlers }
}

/// Every route there is.
fn routes() -> Vec<Route> {
    vec![
        open("/v1/healthz", &["get"], get(health::healthz)),
        open("/v1/readyz", &["get"], get(health::readyz)),
        open("/v1/openapi.json", &["get"], get(health::openapi)),
        route("/v1/me", &["get"], get(me::me)),
        route("/v1/files", &["get", "post"], get(files::list).post(upload::upload)),
        route("/v1/files/{id}", &["get"], get(files::one)),
        route("/v1/files/{id}/content", &["get"], get(content::content)),
        route("/v1/files/{id}/errors", &["get"], get(errors::errors)),
        route("/v1/files/{id}/release", &["post"], post(release::release)),
        route("/v1/files/{id}/reprocess", &["post"], post(reprocess::reprocess)),
        route("/v1/invoices", &["get"], get(invoices::list)),
        route("/v1/invoices/{id}", &["get"], get(invoices::one)),
        route("/v1/events", &["get"], get(events::list)),
        route("/v1/events/stream", &["get"], get(stream::stream)),
        route("/v1/orgs", &["get", "post"], get(orgs::list).post(orgs::create)),
        route("/v1/accounts", &["get", "post"], get(accounts::list).post(accounts::create)),
        route("/v1/accounts/{id}", &["get", "patch"], get(account_policy::one).patch(account_policy::change)),
        route("/v1/accounts/{id}/authentication", &["get", "patch"], get(proofs::authentication).patch(proofs::change)),
        route("/v1/accounts/{id}/keys", &["get", "post"], get(proofs::keys).post(proofs::add_key)),
        route("/v1/accounts/{id}/keys/{fingerprint}", &["delete"], delete(proofs::remove_key)),
        route("/v1/accounts/{id}/totp", &["post", "delete"], post(proofs::enrol_totp).delete(proofs::remove_totp)),
        route("/v1/api-tokens", &["post"], post(tokens::create)),
        route("/v1/bans", &["get", "post"], get(bans::list).post(bans::create)),
        route("/v1/bans/{network}", &["delete"], delete(bans::lift)),
        route("/v1/sessions", &["get"], get(sessions::list)),
        route("/v1/sessions/{id}", &["delete"], delete(sessions::end)),
        route("/v1/feed-profiles", &["get"], get(profiles::list)),
        route("/v1/feed-profiles/{name}", &["get", "put"], get(profiles::one).put(profiles::apply)),
    ]
}

/// The paths, their methods, and whether they are open: for the document's test and its security notes.
pub(super) fn table() -> Vec<(&'static str, &'static [&'static str], bool)> {
    routes().into_iter().map(|route| (route.path, route.methods, route.open)).collect()
}

/// The whole API.
pub(super) fn router(desk: Shared) -> Router {
    // The front page is for people, and no part of the API.
    let mut router = Router::new().route("/", get(page::index)).route("/style.css", get(page::style));
    for route in routes() {
        let handlers = if route.open {
            route.handlers
        } else {
            route.handlers.route_layer(from_fn_with_state(desk.clone(), auth::require))
        };
        router = router.route(route.path, handlers);
    }
    router
        .fallback(|| async {
            Problem::new(Code::NotFound, "there is no such path; /v1/openapi.json lists those there are")
        })
        // Bodies are limited by whoever reads them: JSON by `[http] body_max`, uploads by `[land] file_max`.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(desk.clone(), request::attend))
        .with_state(desk)
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
    /// Give it back as `cursor` for the next page; null on the last.
    pub(super) next_cursor: Option<String>,
    pub(super) has_more: bool,
}

impl<T> List<T> {
    fn new(data: Vec<T>, next_cursor: Option<String>) -> Self {
        let has_more = next_cursor.is_some();
        Self { data, next_cursor, has_more }
    }
}
