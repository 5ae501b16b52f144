//! Documents over REST: found by what is known of them, exact to the cent, traceable to their line.

use serde_json::Value;

use crate::api::Client;
use crate::curl;
use crate::house::{House, wait_for};

const INVOICES: &[u8] = include_bytes!("../fixtures/x12/ok/everything-mapped/input.edi");
const BAD: &[u8] = include_bytes!("../fixtures/x12/err/fault-beside-good-ones/input.edi");

#[test]
fn documents_are_found_by_what_is_known_of_them() {
    let house = House::open();
    let supplier = house.supplier("northwind");
    for (name, body) in [("good.edi", INVOICES), ("bad.edi", BAD)] {
        curl::put_ok(&house, "northwind", &house.file(name, body), name);
        house.settled(name);
    }
    let client = Client::of(&house, Some(supplier));
    let all = client.get("/v1/invoices").data();
    let one = all
        .iter()
        .find(|invoice| !invoice["purchase_order"].is_null() && !invoice["seller"].is_null())
        .expect("a document with an order and a seller");
    let find = |filter: &str, value: &Value| {
        let value = value.as_str().unwrap_or_default();
        let query = reqwest::Url::parse_with_params("http://x/v1/invoices", [(filter, value)]).unwrap();
        let found = client.get(&format!("/v1/invoices?{}", query.query().unwrap())).data();
        assert!(found.iter().any(|found| found["id"] == one["id"]), "{filter}={value}: {found:?}");
        found.len()
    };
    for (filter, member) in [
        ("kind", "kind"),
        ("status", "status"),
        ("number", "number"),
        ("po", "purchase_order"),
        ("file_id", "file_id"),
        ("supplier", "seller"),
        ("vendor", "seller"),
        ("invoice_date_from", "issue_date"),
        ("invoice_date_to", "issue_date"),
        ("q", "number"),
        ("updated_since", "updated_at"),
    ] {
        find(filter, &one[member]);
    }
    find("amount_min", &one["payable"]["amount"]);
    find("amount_max", &one["payable"]["amount"]);
    for none in [
        "number=nothing",
        "amount_min=99999999999",
        "currency=XXX",
        "invoice_date_to=1990-01-01",
        "q=zzzz",
        "updated_since=2200-01-01",
        "kind=voucher",
        "buyer=nobody",
        "due_from=2200-01-01",
    ] {
        assert_eq!(client.get(&format!("/v1/invoices?{none}")).data().len(), 0, "{none}");
    }
    let with = client.get("/v1/invoices?has_errors=true").data().len();
    let without = client.get("/v1/invoices?has_errors=false").data().len();
    assert_eq!(with + without, all.len());
    let mut paged = vec![];
    let mut next = Some(String::new());
    while let Some(cursor) = next {
        let page = client.get(&format!("/v1/invoices?limit=1{cursor}")).ok();
        paged.extend(page["data"].as_array().unwrap().clone());
        next = page["next_cursor"].as_str().map(|cursor| format!("&cursor={cursor}"));
    }
    assert_eq!(paged, all);
}

#[test]
fn a_document_is_shown_whole_with_where_it_stood() {
    let house = House::open();
    let client = Client::of(&house, Some(house.supplier("northwind")));
    curl::put_ok(&house, "northwind", &house.file("a.edi", INVOICES), "a.edi");
    let file = house.settled("a.edi");
    let listed = wait_for("a document", || client.get("/v1/invoices").data().first().cloned());
    let whole = client.get(listed["links"]["self"].as_str().unwrap()).ok();
    for (member, value) in listed.as_object().unwrap() {
        assert_eq!(&whole[member], value, "{member} differs between list and document");
    }
    assert!(whole["document"].is_object());
    assert!(whole["payable"]["amount"].is_string(), "an amount is never a number");
    assert_eq!(whole["provenance"]["file_id"], file.id.to_string());
    assert_eq!(whole["provenance"]["sha256"], file.sha256);
    assert!(whole["provenance"]["line"].as_i64().unwrap() > 0);
    assert!(!String::from_utf8_lossy(&client.get(listed["links"]["file_content"].as_str().unwrap()).body).is_empty());
    for id in ["doc_x", "fil_01ARZ3NDEKTSV4RRFFQ69G5FAV", "doc_01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
        client.get(&format!("/v1/invoices/{id}")).is_problem(404, "not_found");
    }
}
