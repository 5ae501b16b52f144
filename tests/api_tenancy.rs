//! What is somebody else's is, through a token, not there: on every route, with the same words as for what
//! never was.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Answer, Client};
use crate::curl;
use crate::house::House;

const BAD: &[u8] = include_bytes!("../fixtures/x12/err/fault-beside-good-ones/input.edi");

#[test]
fn a_foreign_id_is_not_there_on_any_route() {
    let house = House::open();
    let (ours, theirs) = (house.supplier("northwind"), house.supplier("rival"));
    curl::put_ok(&house, "northwind", &house.file("a.edi", BAD), "a.edi");
    let file = house.settled("a.edi");
    house.ask(async |record| record.apply_profile(Some(ours), "secret", "name = \"secret\"").await.unwrap());
    let (owner, rival) = (Client::of(&house, Some(ours)), Client::of(&house, Some(theirs)));
    let operator = Client::of(&house, None);
    let document = owner.get("/v1/invoices").data()[0]["id"].as_str().unwrap().to_owned();
    let session = file.session.unwrap();

    // Every path of the document that names a thing by id is asked with the foreign one.
    let paths = operator.get("/v1/openapi.json").ok()["paths"].clone();
    let mut asked = 0;
    for (path, item) in paths.as_object().unwrap() {
        let (Some(slot), foreign, unknown) = (match () {
            () if path.contains("/files/{id}") => (Some("{id}"), file.id.to_string(), "fil_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
            () if path.contains("/invoices/{id}") => (Some("{id}"), document.clone(), "doc_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
            () if path.contains("/accounts/{id}") => {
                (Some("{id}"), "northwind".to_owned(), "acc_01ARZ3NDEKTSV4RRFFQ69G5FAV")
            }
            () if path.contains("/feed-profiles/{name}") => (Some("{name}"), "secret".to_owned(), "nobodys"),
            // Not of an organisation: an operator's alone (`only_an_operator_changes_who_there_is`).
            () if path == "/v1/bans/{network}" || path == "/v1/sessions/{id}" => continue,
            () => {
                assert!(!path.contains('{'), "{path} is not tried here");
                continue;
            }
        }) else {
            continue;
        };
        // What only operators may do says so to everybody, whatever the id (below).
        let operators = |method: &str| method == "put" || path.contains("/accounts/") && method != "get";
        for method in item.as_object().unwrap().keys().filter(|method| !operators(method)) {
            let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let ask = |client: &Client<'_>, id: &str| client.call(method.clone(), &path.replace(slot, id), &[], vec![]);
            let (foreign_answer, unknown_answer) = (ask(&rival, &foreign), ask(&rival, unknown));
            assert_eq!(told(&foreign_answer), told(&unknown_answer), "{method} {path}");
            foreign_answer.is_problem(404, "not_found");
            let own = ask(&owner, &foreign);
            // It is there, and not held.
            let is_told = path.ends_with("/release") && own.status == 409;
            assert!(own.status.is_success() || is_told, "{method} {path}: {own:?}");
            asked += 1;
        }
    }
    assert_eq!(asked, 10, "routes with an id");

    // Every list is empty of it, whatever the filter.
    for path in [
        "/v1/files".to_owned(),
        format!("/v1/files?sha256={}", file.sha256),
        "/v1/files?name=a.edi".to_owned(),
        "/v1/invoices".to_owned(),
        format!("/v1/invoices?file_id={}", file.id),
        format!("/v1/events?file={}", file.id),
        format!("/v1/events?session={session}"),
        "/v1/events?user=northwind".to_owned(),
        "/v1/events?type=file.received".to_owned(),
    ] {
        assert!(rival.get(&path).data().is_empty(), "{path}");
        assert!(!owner.get(&path).data().is_empty(), "{path} shows its owner nothing");
    }
    let names = |client: &Client<'_>, path: &str, member: &str| -> Vec<Value> {
        client.get(path).data().iter().map(|row| row[member].clone()).collect()
    };
    assert_eq!(names(&rival, "/v1/orgs", "name"), [json!("rival")]);
    assert_eq!(names(&rival, "/v1/accounts", "login"), [json!("rival")]);
    assert_eq!(names(&rival, "/v1/feed-profiles", "name"), Vec::<Value>::new());
    assert_eq!(rival.get("/v1/me").ok()["organisation"]["name"], "rival");
    let all = names(&operator, "/v1/orgs", "name");
    assert!(all.contains(&json!("rival")) && all.contains(&json!("northwind")));
    for event in rival.get("/v1/events?limit=200").data() {
        assert_eq!(event["org"], theirs.to_string());
    }
    // Asking for another organisation by name is asking for none.
    for (path, never) in [
        ("/v1/events?org=northwind", "/v1/events?org=nobody"),
        ("/v1/events/stream?org=northwind", "/v1/events/stream?org=nobody"),
    ] {
        let (foreign, unknown) = (rival.get(path), rival.get(never));
        foreign.is_problem(400, "validation_failed");
        assert_eq!(told(&foreign).to_string().replace("northwind", "nobody"), told(&unknown).to_string());
    }
    rival.post("/v1/files?name=x&org=northwind", &[], "x").is_problem(400, "validation_failed");

    // The same bytes and the same key are each organisation's own.
    let sent = rival.post("/v1/files?name=a.edi", &[("idempotency-key", "k")], BAD).ok();
    assert!(sent["duplicate_of"].is_null() && sent["organisation"] == theirs.to_string());
    assert_eq!(owner.get("/v1/files").data().len(), 1);
}

/// What an answer says, without what differs between any two requests.
fn told(answer: &Answer) -> Value {
    let mut body = answer.json();
    let body_of = body.as_object_mut().unwrap();
    body_of.remove("request_id");
    body_of.remove("instance");
    json!({"status": answer.status.as_u16(), "type": answer.header("content-type"), "body": body})
}

#[test]
fn only_an_operator_changes_who_there_is() {
    let house = House::open();
    let own = Client::of(&house, Some(house.supplier("northwind")));
    let before = house.ask(async |record| record.newest_event().await.unwrap());
    for (path, body) in [
        ("/v1/orgs", json!({"name": "x", "kind": "payer"})),
        ("/v1/accounts", json!({"login": "x", "org": "northwind", "password": "long enough"})),
        ("/v1/api-tokens", json!({"name": "x"})),
        ("/v1/api-tokens", json!({"name": "x", "org": "northwind"})),
        ("/v1/bans", json!({"network": "203.0.113.7", "reason": "x"})),
    ] {
        own.post_json(path, &body).is_problem(403, "forbidden_scope");
    }
    let policy = json!({"policy": {"disabled": true}}).to_string();
    let json = [("content-type", "application/json")];
    let change = own.call(reqwest::Method::PATCH, "/v1/accounts/northwind", &json, policy.into());
    change.is_problem(403, "forbidden_scope");
    let profile = own.call(
        reqwest::Method::PUT,
        "/v1/feed-profiles/p",
        &[("content-type", "application/toml")],
        b"name = \"p\"".to_vec(),
    );
    profile.is_problem(403, "forbidden_scope");
    for id in ["northwind", "nobody"] {
        for (method, path, body) in [
            (Method::PATCH, "authentication", json!({"methods": ["password"]})),
            (Method::POST, "keys", json!({"key": "ssh-ed25519 AAAA"})),
            (Method::DELETE, "keys/SHA256:x", json!(null)),
            (Method::POST, "totp", json!(null)),
            (Method::DELETE, "totp", json!(null)),
        ] {
            own.json(method, &format!("/v1/accounts/{id}/{path}"), &body).is_problem(403, "forbidden_scope");
        }
    }
    own.get("/v1/bans").is_problem(403, "forbidden_scope");
    own.call(reqwest::Method::DELETE, "/v1/bans/203.0.113.7", &[], vec![]).is_problem(403, "forbidden_scope");
    own.call(reqwest::Method::DELETE, "/v1/sessions/ses_01ARZ3NDEKTSV4RRFFQ69G5FAV", &[], vec![])
        .is_problem(403, "forbidden_scope");
    let after = house.ask(async |record| record.newest_event().await.unwrap());
    assert_eq!(before, after, "something was changed");
}
