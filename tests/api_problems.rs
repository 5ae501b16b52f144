//! Every answer that is not what was asked for is a problem that says what to do.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use waybill::domain::Bearer;

use crate::api::Client;
use crate::house::House;

#[test]
fn every_route_but_the_open_ones_answers_401_without_a_valid_token() {
    let house = House::open();
    let document = Client::nobody(&house).get("/v1/openapi.json").ok();
    let forged = Client::with(&house, &Bearer::mint().unwrap().text());
    let garbled = Client::with(&house, "waybill_x");
    let mut closed = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.replace("{id}", "fil_01ARZ3NDEKTSV4RRFFQ69G5FAV").replace("{name}", "x");
        for (method, operation) in item.as_object().unwrap() {
            if ["/v1/healthz", "/v1/readyz", "/v1/openapi.json"].contains(&path.as_str()) {
                assert!(operation["security"].is_null());
                assert!(Client::nobody(&house).get(&path).status.is_success());
                continue;
            }
            for client in [&Client::nobody(&house), &forged, &garbled] {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let answer = client.call(method, &path, &[], vec![]);
                answer.is_problem(401, "unauthenticated");
                assert!(answer.header("www-authenticate").starts_with("Bearer"), "{path}");
            }
            closed += 1;
        }
    }
    assert!(closed >= 17, "only {closed} closed operations");
}

#[test]
fn a_wrong_secret_an_expired_token_and_a_wrong_scheme_are_the_same_401() {
    let house = House::open();
    let supplier = house.supplier("northwind");
    let (right, other, old) = (Bearer::mint().unwrap(), Bearer::mint().unwrap(), Bearer::mint().unwrap());
    house.ask(async |record| {
        record.add_token(Some(supplier), "right", right.id(), &right.secret_sha256(), None).await.unwrap();
        record.add_token(Some(supplier), "other", other.id(), &other.secret_sha256(), None).await.unwrap();
        let past = waybill::domain::Timestamp::now().plus_micros(-1);
        record.add_token(Some(supplier), "old", old.id(), &old.secret_sha256(), Some(past)).await.unwrap();
    });
    assert_eq!(Client::with(&house, &right.text()).get("/v1/me").ok()["token"]["name"], "right");
    let text = right.text();
    let (id, secret) = (&text[..34], other.text());
    let mixed =
        Client::with(&house, &format!("{id}{}", &secret[34..])).get("/v1/me").is_problem(401, "unauthenticated");
    let expired = Client::with(&house, &old.text()).get("/v1/me").is_problem(401, "unauthenticated");
    assert_eq!(mixed["detail"], expired["detail"]);
    let basic = Client::nobody(&house).get_with("/v1/me", &[("authorization", &format!("Basic {text}"))]);
    basic.is_problem(401, "unauthenticated");
    let lower = Client::nobody(&house).get_with("/v1/me", &[("authorization", &format!("bearer {text}"))]);
    assert!(lower.status.is_success(), "a scheme is case-insensitive");
}

#[test]
fn a_request_that_is_wrong_is_told_where() {
    let house = House::open();
    let operator = Client::of(&house, None);
    for (path, pointer) in [
        ("/v1/files?stauts=applied", "stauts"),
        ("/v1/files?status=lost", "status"),
        ("/v1/files?limit=0", "limit"),
        ("/v1/files?limit=201", "limit"),
        ("/v1/files?limit=ten", "limit"),
        ("/v1/files?sha256=xyz", "sha256"),
        ("/v1/files?received_from=yesterday", "received_from"),
        ("/v1/files?has_errors=maybe", "has_errors"),
        ("/v1/files?name=a&name=b", "name"),
        ("/v1/files?name=", "name"),
        ("/v1/invoices?amount_min=1e3", "amount_min"),
        ("/v1/invoices?due_from=2026-02-30", "due_from"),
        ("/v1/invoices?file_id=doc_x", "file_id"),
        ("/v1/invoices?supplier=a&vendor=b", "vendor"),
        ("/v1/events?sev=loud", "sev"),
        ("/v1/events?after=-1", "after"),
        ("/v1/events?after=1&before=2", "before"),
        ("/v1/events?org=nobody", "org"),
        ("/v1/events/stream?after=x", "after"),
        ("/v1/me?x=1", "x"),
        ("/v1/healthz?x=1", "x"),
    ] {
        let problem = operator.get(path).is_problem(400, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{path}: {problem}");
        assert!(problem["instance"].as_str().is_some_and(|instance| path.starts_with(instance)));
    }
    let both = operator.get("/v1/files?a=1&b=2").is_problem(400, "validation_failed");
    assert_eq!(both["errors"].as_array().unwrap().len(), 2, "each wrong parameter is named");
    for bad in ["/v1/files?cursor=x", "/v1/invoices?cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        operator.get(bad).is_problem(400, "cursor_invalid");
    }
    operator.get("/v1/nothing").is_problem(404, "not_found");
    operator.get("/index.html").is_problem(404, "not_found");
    let refused = operator.call(Method::DELETE, "/v1/files", &[], vec![]);
    refused.is_problem(405, "method_not_allowed");
    assert!(refused.header("allow").contains("POST"), "{refused:?}");
}

#[test]
fn a_body_that_is_wrong_is_told_so() {
    let house = House::with(&[("WAYBILL_HTTP_BODY_MAX", "4 KiB")]);
    let operator = Client::of(&house, None);
    let json = [("content-type", "application/json")];
    let problem = operator.post("/v1/orgs", &json, "{\n  \"name\": }").is_problem(400, "validation_failed");
    assert_eq!(problem["errors"][0]["line"], 2);
    operator.post("/v1/orgs", &json, "{\"name\": \"a\", \"colour\": \"red\"}").is_problem(400, "validation_failed");
    operator.post("/v1/orgs", &[], "name=a").is_problem(415, "unsupported_media_type");
    operator.post("/v1/orgs", &json, vec![b' '; 5_000]).is_problem(413, "payload_too_large");
    operator.post_json("/v1/orgs", &json!({"name": " \u{7} "})).is_problem(400, "validation_failed");
}

#[test]
fn a_request_id_is_kept_if_it_can_stand_in_a_log_and_made_otherwise() {
    let house = House::open();
    let nobody = Client::nobody(&house);
    assert_eq!(nobody.get_with("/v1/healthz", &[("x-request-id", "run-7.a_B")]).header("x-request-id"), "run-7.a_B");
    for bad in ["a b", "x\"y", "{}", &"a".repeat(65)] {
        let answer = nobody.get_with("/v1/healthz", &[("x-request-id", bad)]);
        assert!(answer.header("x-request-id").starts_with("req_"), "{bad}");
    }
    let answer = nobody.get("/v1/healthz");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
}

#[test]
fn a_request_that_dawdles_is_ended() {
    let house = House::with(&[("WAYBILL_HTTP_REQUEST_TIMEOUT", "300 ms"), ("WAYBILL_DOORS_LOGIN_DEADLINE", "1 s")]);
    let operator = Bearer::mint().unwrap();
    house.ask(async |record| {
        record.add_token(None, "slow", operator.id(), &operator.secret_sha256(), None).await.unwrap();
    });
    // A body that does not come.
    let head = format!(
        "POST /v1/orgs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{",
        operator.text()
    );
    assert!(dawdle(&house, head.as_bytes()).starts_with("HTTP/1.1 408 "));
    // Headers that do not come.
    let answer = dawdle(&house, b"GET /v1/healthz HTTP/1.1\r\nhost: x\r\n");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
    // Headers without end.
    let mut long = b"GET /v1/healthz HTTP/1.1\r\nx: ".to_vec();
    long.resize(80 * 1024, b'a');
    let answer = dawdle(&house, &long);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

/// Sends this and nothing more; what comes back before the server closes.
fn dawdle(house: &House, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(house.http().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The server may close before it has read it all.
    let _ = stream.write_all(bytes);
    let mut answer = vec![];
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "the server never closed: {error}"),
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn more_connections_than_an_address_may_have_are_closed_and_given_back() {
    let house = House::with(&[("WAYBILL_DOORS_CONNECTIONS_PER_ADDRESS_MAX", "3")]);
    let address = house.http().trim_start_matches("http://").to_owned();
    let ask = |stream: &mut TcpStream| {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let _ = stream.write_all(b"GET /v1/healthz HTTP/1.1\r\nhost: x\r\n\r\n");
        let mut start = [0; 12];
        stream.read_exact(&mut start).map(|()| start == *b"HTTP/1.1 200").unwrap_or(false)
    };
    let mut kept: Vec<TcpStream> = (0..3).map(|_| TcpStream::connect(&address).unwrap()).collect();
    assert!(kept.iter_mut().all(ask));
    assert!(!ask(&mut TcpStream::connect(&address).unwrap()), "a fourth connection was answered");
    kept.clear();
    crate::house::wait_for("a place to be given back", || {
        ask(&mut TcpStream::connect(&address).unwrap()).then_some(())
    });
}
