//! The OpenAPI 3.1 document, made from the handlers and their types; `docs/openapi.json` is its copy.

use std::sync::LazyLock;

use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::{api, problem};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Waybill",
        description = "Send invoice and voucher files, and see what was read from them. Amounts are exact decimal \
                       strings, moments are RFC 3339 in UTC, errors are problems (RFC 9457) with a stable `code`. \
                       Clients ignore members and words they do not know.",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT")
    ),
    paths(
        api::health::healthz, api::health::readyz, api::health::openapi, api::me::me,
        api::files::list, api::upload::upload, api::files::one, api::content::content, api::errors::errors,
        api::release::release, api::reprocess::reprocess, api::invoices::list, api::invoices::one, api::events::list, api::stream::stream,
        api::orgs::list, api::orgs::create, api::accounts::list, api::accounts::create,
        api::account_policy::one, api::account_policy::change, api::tokens::create,
        api::proofs::authentication, api::proofs::change, api::proofs::keys, api::proofs::add_key,
        api::proofs::remove_key, api::proofs::enrol_totp, api::proofs::remove_totp,
        api::bans::list, api::bans::create, api::bans::lift,
        api::sessions::list, api::sessions::end,
        api::profiles::list, api::profiles::one, api::profiles::apply
    ),
    components(schemas(problem::Body)),
    tags(
        (name = "files", description = "What arrived, what became of it, and sending more"),
        (name = "invoices", description = "The documents that were read: invoices, credit notes, vouchers"),
        (name = "events", description = "The ingestion log, by the page and as it happens"),
        (name = "house", description = "Who am I, is it up, what does it look like"),
        (name = "administration", description = "Organisations, accounts, tokens, sessions, bans and feed profiles; changed by operators")
    )
)]
struct Described;

/// What may happen on every route, or on every one with a token.
const EVERYWHERE: [(&str, &str); 3] = [
    ("400", "`validation_failed` names each wrong parameter; `cursor_invalid` on lists"),
    ("408", "`request_timeout`"),
    ("500", "`internal_error`: the log names the cause under `request_id`"),
];
const BEHIND_A_TOKEN: (&str, &str) = ("401", "`unauthenticated`: no token, or not a valid one");
/// What may happen where JSON is sent.
const WITH_JSON: [(&str, &str); 2] = [
    ("413", "`payload_too_large`: `[http] body_max`"),
    ("415", "`unsupported_media_type`: the body does not say that it is JSON"),
];

/// The document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Described::openapi();
    let components = document.components.get_or_insert_with(Components::new);
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("waybill_<id>_<secret>")
        .description(Some("Made by `waybill token create`; shows one organisation, or all to an operator"))
        .build();
    components.add_security_scheme("token", SecurityScheme::Http(scheme));
    for (status, description) in EVERYWHERE.into_iter().chain([BEHIND_A_TOKEN]).chain(WITH_JSON) {
        components.responses.insert(format!("Problem{status}"), RefOr::T(problem_response(description)));
    }
    for (path, _, open) in api::table() {
        let Some(item) = document.paths.paths.get_mut(path) else { continue };
        for (method, operation) in [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ] {
            if let Some(operation) = operation {
                operation.operation_id = Some(operation_id(method, path));
                complete(operation, open);
            }
        }
    }
    document
}

fn complete(operation: &mut Operation, open: bool) {
    for (status, _) in EVERYWHERE.into_iter().chain((!open).then_some(BEHIND_A_TOKEN)) {
        let reference = RefOr::Ref(Ref::from_response_name(format!("Problem{status}")));
        operation.responses.responses.entry(status.to_owned()).or_insert(reference);
    }
    let takes_json =
        matches!(&operation.request_body, Some(RefOr::T(body)) if body.content.contains_key("application/json"));
    for (status, _) in WITH_JSON.into_iter().filter(|_| takes_json) {
        let reference = RefOr::Ref(Ref::from_response_name(format!("Problem{status}")));
        operation.responses.responses.entry(status.to_owned()).or_insert(reference);
    }
    for (status, response) in &mut operation.responses.responses {
        // A description is required (OpenAPI 3.1 §4.8.17), even where the schema says it all.
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            response.description = if status == "201" { "Made" } else { "What was asked for" }.to_owned();
        }
    }
    if !open {
        operation.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    }
}

/// `get_files_id_content` for GET /v1/files/{id}/content.
fn operation_id(method: &str, path: &str) -> String {
    let words =
        path.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !matches!(*word, "" | "v1"));
    words.fold(method.to_owned(), |id, word| format!("{id}_{word}"))
}

fn problem_response(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

/// The document as text, made once.
pub(super) fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| document().to_pretty_json().unwrap_or_default() + "\n");
    &TEXT
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_in_the_document_and_the_document_has_no_other() {
        let document: serde_json::Value = serde_json::from_str(text()).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        let described: BTreeSet<String> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |method| format!("{method} {path}")))
            .collect();
        let routed: BTreeSet<String> = api::table()
            .into_iter()
            .flat_map(|(path, methods, _)| methods.iter().map(move |method| format!("{method} {path}")))
            .collect();
        assert_eq!(described, routed);
    }

    #[test]
    fn every_operation_says_what_it_does_and_how_it_fails() {
        let document: serde_json::Value = serde_json::from_str(text()).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let at = format!("{method} {path}");
                assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{at} has no summary");
                let open = !operation["security"].is_array();
                assert_eq!(open, operation["responses"].get("401").is_none(), "{at}");
                assert!(operation["responses"].get("500").is_some(), "{at}");
                assert!(operation["summary"].as_str().is_some_and(|text| !text.contains('\n')), "{at}: a long summary");
                for (status, response) in operation["responses"].as_object().unwrap() {
                    let described = response["description"].is_string() || response["$ref"].is_string();
                    assert!(described, "{at}: {status} is not described");
                }
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    assert!(parameter["description"].is_string(), "{at}: {} is not described", parameter["name"]);
                }
            }
        }
        let ids: Vec<_> = text().lines().filter(|line| line.contains("\"operationId\"")).collect();
        assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "operation ids must be unique");
        for reference in text().split("\"$ref\": \"#/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(document.pointer(&format!("/{reference}")).is_some(), "{reference} leads nowhere");
        }
    }

    #[test]
    fn the_copy_in_docs_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(path, text()).unwrap();
        }
        let current = std::fs::read_to_string(path).is_ok_and(|copy| copy == text());
        assert!(current, "docs/openapi.json is not what the code says: run this test with UPDATE_EXPECT=1");
    }
}
