//! The OpenAPI document tells the truth: its examples and the real answers are as its schemas say.

use serde_json::{Value, json};
use waybill::domain::{SessionId, Timestamp};
use waybill::record::{SessionChanges, SessionRow};

use crate::api::Client;
use crate::curl;
use crate::house::House;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEulHVVP+VycD4kL4C7RA+dvjmO5nGn6vyFOKIhpNgeS erp";
const FINGERPRINT: &str = "SHA256:wYZ2u7WcNI1DyEft6fsaCdNwvEQSh9zVrGuxPkF2708";
const FILE: &[u8] = include_bytes!("../fixtures/x12/err/fault-beside-good-ones/input.edi");

/// What is wrong with a value, by the parts of JSON Schema that the document uses. Members that no schema
/// names are wrong as well: the document must not be behind.
fn faults(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        return faults(document, document.pointer(&reference[1..]).unwrap(), value, at, found);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = choices.iter().any(|choice| {
            let mut wrong = vec![];
            faults(document, choice, value, at, &mut wrong);
            wrong.is_empty()
        });
        if !fits {
            found.push(format!("{at}: {value} is none of {choices:?}"));
        }
        return;
    }
    let mut whole = schema.clone();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        let part = part["$ref"].as_str().map_or(part, |reference| document.pointer(&reference[1..]).unwrap());
        for (name, property) in part["properties"].as_object().unwrap() {
            whole["properties"][name] = property.clone();
        }
        whole["type"] = json!("object");
    }
    let types: Vec<&str> = match &whole["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !types.contains(&kind) {
        found.push(format!("{at}: {value} is {kind}, not {types:?}"));
        return;
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        faults(document, &whole["items"], item, &format!("{at}/{index}"), found);
    }
    let (Some(object), Some(properties)) = (value.as_object(), whole["properties"].as_object()) else { return };
    for (name, item) in object {
        match properties.get(name) {
            Some(property) => faults(document, property, item, &format!("{at}/{name}"), found),
            None => found.push(format!("{at}/{name} is not in the document")),
        }
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !object.contains_key(name) {
            found.push(format!("{at}/{name} is missing"));
        }
    }
}

#[test]
fn every_example_is_as_its_schema_says() {
    let house = House::open();
    let document = Client::nobody(&house).get("/v1/openapi.json").ok();
    let (mut found, mut seen) = (vec![], 0);
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if let Some(example) = schema.get("example") {
            seen += 1;
            faults(&document, schema, example, name, &mut found);
        }
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for response in operation["responses"].as_object().unwrap().values() {
                let content = &response["content"]["application/json"];
                if let Some(example) = content.get("example") {
                    seen += 1;
                    faults(&document, &content["schema"], example, &format!("{method} {path}"), &mut found);
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(seen >= 12, "only {seen} examples");
}

#[test]
fn every_answer_is_as_the_document_says() {
    let house = House::open();
    let supplier = house.supplier("northwind");
    curl::put_ok(&house, "northwind", &house.file("a.edi", FILE), "a.edi");
    let file = house.settled("a.edi");
    let (operator, client) = (Client::of(&house, None), Client::of(&house, Some(supplier)));
    let document = operator.get("/v1/openapi.json").ok();
    let invoice = client.get("/v1/invoices").data()[0]["id"].as_str().unwrap().to_owned();
    let text = include_str!("../config/profiles/waybill-invoices.toml");
    let put = operator.call(
        reqwest::Method::PUT,
        "/v1/feed-profiles/waybill-invoices",
        &[("content-type", "application/toml")],
        text.into(),
    );
    curl::put_ok(&house, "northwind", &house.file("c.edi", "c"), "c.edi.part");
    let held = house.files().into_iter().find(|file| file.name == "c.edi.part").unwrap().id;
    let session = open_session(&house);
    let json = [("content-type", "application/json")];
    let change = json!({"policy": {"quota_files": 9}}).to_string();
    let answers = [
        ("post", "/v1/files/{id}/release", "202", client.post(&format!("/v1/files/{held}/release"), &[], "").ok()),
        ("get", "/v1/accounts/{id}", "200", client.get("/v1/accounts/northwind").ok()),
        (
            "patch",
            "/v1/accounts/{id}",
            "200",
            operator.call(reqwest::Method::PATCH, "/v1/accounts/northwind", &json, change.into()).ok(),
        ),
        ("put", "/v1/feed-profiles/{name}", "200", put.ok()),
        ("post", "/v1/orgs", "201", operator.post_json("/v1/orgs", &json!({"name": "Acme"})).ok()),
        (
            "post",
            "/v1/accounts",
            "201",
            operator.post_json("/v1/accounts", &json!({"login": "a", "org": "Acme", "password": "a long one"})).ok(),
        ),
        ("post", "/v1/api-tokens", "201", operator.post_json("/v1/api-tokens", &json!({"name": "t"})).ok()),
        (
            "post",
            "/v1/bans",
            "201",
            operator.post_json("/v1/bans", &json!({"network": "203.0.113.7", "reason": "noisy"})).ok(),
        ),
        ("get", "/v1/sessions", "200", operator.get("/v1/sessions").ok()),
        (
            "delete",
            "/v1/sessions/{id}",
            "202",
            operator.call(reqwest::Method::DELETE, &format!("/v1/sessions/{session}"), &[], vec![]).ok(),
        ),
        ("get", "/v1/bans", "200", operator.get("/v1/bans").ok()),
        (
            "delete",
            "/v1/bans/{network}",
            "200",
            operator.call(reqwest::Method::DELETE, "/v1/bans/203.0.113.7", &[], vec![]).ok(),
        ),
        ("post", "/v1/files", "201", client.post("/v1/files?name=b.txt", &[], "x").ok()),
        (
            "post",
            "/v1/files/{id}/reprocess",
            "202",
            client.post(&format!("/v1/files/{}/reprocess", file.id), &[], "").ok(),
        ),
        ("get", "/v1/healthz", "200", client.get("/v1/healthz").ok()),
        ("get", "/v1/readyz", "200", client.get("/v1/readyz").ok()),
        ("get", "/v1/me", "200", client.get("/v1/me").ok()),
        ("get", "/v1/me", "200", operator.get("/v1/me").ok()),
        ("get", "/v1/files", "200", client.get("/v1/files").ok()),
        ("get", "/v1/files/{id}", "200", client.get(&format!("/v1/files/{}", file.id)).ok()),
        ("get", "/v1/files/{id}/errors", "200", client.get(&format!("/v1/files/{}/errors", file.id)).ok()),
        ("get", "/v1/invoices", "200", client.get("/v1/invoices").ok()),
        ("get", "/v1/invoices/{id}", "200", client.get(&format!("/v1/invoices/{invoice}")).ok()),
        ("get", "/v1/events", "200", operator.get("/v1/events").ok()),
        ("get", "/v1/orgs", "200", operator.get("/v1/orgs").ok()),
        ("get", "/v1/accounts", "200", operator.get("/v1/accounts").ok()),
        ("post", "/v1/accounts/{id}/keys", "201", operator.post_json("/v1/accounts/a/keys", &json!({"key": KEY})).ok()),
        ("get", "/v1/accounts/{id}/keys", "200", operator.get("/v1/accounts/a/keys").ok()),
        ("post", "/v1/accounts/{id}/totp", "201", operator.post("/v1/accounts/a/totp", &[], "").ok()),
        ("get", "/v1/accounts/{id}/authentication", "200", operator.get("/v1/accounts/a/authentication").ok()),
        (
            "patch",
            "/v1/accounts/{id}/authentication",
            "200",
            operator.json(reqwest::Method::PATCH, "/v1/accounts/a/authentication", &json!({"methods": null})).ok(),
        ),
        (
            "delete",
            "/v1/accounts/{id}/keys/{fingerprint}",
            "200",
            operator.json(reqwest::Method::DELETE, &format!("/v1/accounts/a/keys/{FINGERPRINT}"), &json!(null)).ok(),
        ),
        (
            "delete",
            "/v1/accounts/{id}/totp",
            "200",
            operator.json(reqwest::Method::DELETE, "/v1/accounts/a/totp", &json!(null)).ok(),
        ),
        ("get", "/v1/feed-profiles", "200", operator.get("/v1/feed-profiles").ok()),
        ("get", "/v1/feed-profiles/{name}", "200", operator.get("/v1/feed-profiles/waybill-invoices").ok()),
    ];
    let mut found = vec![];
    for (method, path, status, answer) in &answers {
        let schema = &document["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {path} {status} has no schema");
        faults(&document, schema, answer, &format!("{method} {path}"), &mut found);
    }
    let problem = client.get("/v1/files?x=1").is_problem(400, "validation_failed");
    faults(&document, &json!({"$ref": "#/components/schemas/Problem"}), &problem, "problem", &mut found);
    assert!(found.is_empty(), "{found:#?}");
    let described: usize =
        document["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len()).sum();
    // The rest is not JSON: content, stream, and the document itself.
    let asked: std::collections::BTreeSet<_> = answers.iter().map(|(method, path, ..)| (method, path)).collect();
    assert_eq!(asked.len() + 3, described, "an operation is not asked here");
}

/// A session that a node has told of.
fn open_session(house: &House) -> SessionId {
    let (id, organisation) = (SessionId::random(), house.account("northwind").organisation);
    house.ask(async |record| {
        let node = record.nodes().await.unwrap()[0].id.clone();
        let row = SessionRow {
            id,
            node: node.clone(),
            organisation,
            login: "northwind".to_owned(),
            door: "sftp".to_owned(),
            address: "203.0.113.9:50122".to_owned(),
            client: None,
            started_at: Timestamp::now(),
            files: 1,
            bytes: 1,
            receiving: vec![],
            is_ending: false,
        };
        record.tell_sessions(&node, &SessionChanges { new: vec![row], ..SessionChanges::default() }).await.unwrap();
    });
    id
}
