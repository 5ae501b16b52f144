//! Organisations, accounts, tokens and profiles, made over REST and good for the doors at once.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::Client;
use crate::curl;
use crate::house::{House, PASSWORD};

#[test]
fn an_organisation_made_over_rest_sends_files_a_moment_later() {
    let house = House::open();
    let operator = Client::of(&house, None);
    let organisation = operator.post_json("/v1/orgs", &json!({"name": "Acme Industries", "kind": "payer"})).ok();
    assert_eq!(organisation["kind"], "payer");
    operator.post_json("/v1/orgs", &json!({"name": "Acme Industries"})).is_problem(409, "state_conflict");
    operator.post_json("/v1/orgs", &json!({"name": "b", "kind": "bank"})).is_problem(400, "validation_failed");

    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ erp";
    let new = json!({"login": "acme-erp", "org": "Acme Industries", "password": PASSWORD, "keys": [key]});
    let account = operator.post_json("/v1/accounts", &new).ok();
    assert_eq!((account["has_password"].as_bool(), account["keys"].as_array().unwrap().len()), (Some(true), 1));
    operator.post_json("/v1/accounts", &new).is_problem(409, "state_conflict");
    let listed = operator.get("/v1/accounts").data();
    assert_eq!((&listed[0]["login"], &listed[0]["keys"]), (&account["login"], &account["keys"]));
    assert!(!listed[0].to_string().contains("argon2"));
    // The curl of Debian 12 knows no MAC that is modern.
    let legacy = json!({"legacy_from": ["127.0.0.1"]});
    let changed = operator.json(Method::PATCH, "/v1/accounts/acme-erp/authentication", &legacy).ok();
    assert_eq!((&changed["legacy_from"], &changed["usual_methods"]), (&json!(["127.0.0.1"]), &json!(true)));
    curl::put_ok(&house, "acme-erp", &house.file("a.csv", "x"), "a.csv");

    let made = operator.post_json("/v1/api-tokens", &json!({"name": "erp", "org": "Acme Industries"})).ok();
    let client = Client::with(&house, made["token"].as_str().unwrap());
    let me = client.get("/v1/me").ok();
    assert_eq!((&me["scope"], &me["organisation"]["name"]), (&json!("organisation"), &json!("Acme Industries")));
    assert_eq!(client.get("/v1/files").data().len(), 1);
    let other = operator.post_json("/v1/api-tokens", &json!({"name": "ops", "expires_days": 1})).ok();
    assert!(other["expires_at"].is_string());
    assert_eq!(Client::with(&house, other["token"].as_str().unwrap()).get("/v1/me").ok()["scope"], "operator");
    let secret = &made["token"].as_str().unwrap()[35..];
    assert!(!house.log().contains(secret) && !house.log().contains(PASSWORD), "a secret stands in the log");
    let stored = house.stored();
    assert!(!stored.windows(secret.len()).any(|window| window == secret.as_bytes()), "a secret is stored");
}

#[test]
fn an_account_that_cannot_be_is_refused_with_its_place() {
    let house = House::open();
    house.supplier("northwind");
    let operator = Client::of(&house, None);
    for (account, pointer) in [
        (json!({"login": "UPPER", "org": "northwind", "password": PASSWORD}), "/login"),
        (json!({"login": "", "org": "northwind", "password": PASSWORD}), "/login"),
        (json!({"login": "a".repeat(65), "org": "northwind", "password": PASSWORD}), "/login"),
        (json!({"login": "a\nb", "org": "northwind", "password": PASSWORD}), "/login"),
        (json!({"login": "a", "org": "nobody", "password": PASSWORD}), "/org"),
        (json!({"login": "a", "org": "northwind", "password": "short"}), "/password"),
        (json!({"login": "a", "org": "northwind"}), "/password"),
        (json!({"login": "a", "org": "northwind", "keys": ["ssh-ed25519 AAAA"]}), "/keys/0"),
    ] {
        let problem = operator.post_json("/v1/accounts", &account).is_problem(400, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{account}");
    }
    assert_eq!(operator.get("/v1/accounts").data().len(), 1);
}

#[test]
fn how_an_account_logs_in_is_changed_as_a_whole_or_not_at_all() {
    let house = House::open();
    house.supplier("northwind");
    let operator = Client::of(&house, None);
    let before = operator.get("/v1/accounts/northwind/authentication").ok();
    let change = |body: Value| operator.json(Method::PATCH, "/v1/accounts/northwind/authentication", &body);
    for (body, pointer) in [
        (json!({"methods": ["totp"]}), "/methods"),
        (json!({"methods": []}), "/methods"),
        (json!({"methods": ["password+totp"]}), "/methods"),
        (json!({"methods": ["certificate"]}), "/certificates"),
        (json!({"methods": ["password"], "legacy_from": ["10.0.0.0/33"]}), "/legacy_from"),
        (json!({"methods": ["password"], "certificates": ["acme"]}), "/certificates"),
        (json!({"legacy_from": vec!["10.0.0.1"; 51]}), "/legacy_from"),
    ] {
        let problem = change(body.clone()).is_problem(400, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
    }
    change(json!({"colour": "red"})).is_problem(400, "validation_failed");
    let now = operator.get("/v1/accounts/northwind/authentication").ok();
    assert_eq!(now, before);
    assert_eq!(now["usual_methods"], json!(true));
    let then = change(json!({"methods": ["certificate+password"], "certificates": ["dns:ERP.acme.example"]})).ok();
    assert_eq!(
        (&then["methods"], &then["certificates"]),
        (&json!(["certificate+password"]), &json!(["dns:erp.acme.example"]))
    );
    assert_eq!(change(json!({"methods": null})).ok()["methods"], json!(["publickey", "certificate", "password"]));

    let totp = operator.post("/v1/accounts/northwind/totp", &[], "").ok();
    assert!(totp["otpauth"].as_str().unwrap().starts_with("otpauth://totp/Waybill:northwind?secret="));
    assert_eq!(totp["recovery_codes"].as_array().unwrap().len(), 10);
    change(json!({"methods": ["publickey+totp", "password+totp"]})).ok();
    let remove = || operator.json(Method::DELETE, "/v1/accounts/northwind/totp", &json!(null));
    remove().is_problem(409, "state_conflict");
    change(json!({"methods": null})).ok();
    assert_eq!(remove().ok()["totp"], false);
    remove().is_problem(404, "not_found");
    let (secret, stored) = (totp["secret"].as_str().unwrap(), house.stored());
    for shown in [secret, &totp["recovery_codes"][0].as_str().unwrap().replace('-', "")] {
        assert!(!house.log().contains(shown) && !stored.windows(shown.len()).any(|found| found == shown.as_bytes()));
    }

    let keys = "/v1/accounts/northwind/keys";
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ erp";
    let added = operator.post_json(keys, &json!({"key": key, "not_after": "2020-01-01"})).ok();
    assert_eq!((&added["state"], &added["comment"]), (&json!("expired"), &json!("erp")));
    operator.post_json(keys, &json!({"key": key})).is_problem(409, "state_conflict");
    let never = json!({"key": key, "not_before": "2026-01-01", "not_after": "2025-01-01"});
    operator.post_json(keys, &never).is_problem(400, "validation_failed");
    let fingerprint = added["fingerprint"].as_str().unwrap().replace('/', "%2F").replace('+', "%2B");
    assert_eq!(operator.get(keys).data().len(), 1);
    let one = format!("{keys}/{fingerprint}");
    assert_eq!(operator.json(Method::DELETE, &one, &json!(null)).ok()["keys"], json!([]));
    operator.json(Method::DELETE, &one, &json!(null)).is_problem(404, "not_found");
}

#[test]
fn a_profile_is_checked_before_it_is_applied() {
    let house = House::open();
    let acme = house.supplier("acme");
    let operator = Client::of(&house, None);
    let toml = [("content-type", "application/toml")];
    let put = |path: &str, headers: &[(&str, &str)], text: &str| operator.call(Method::PUT, path, headers, text.into());
    let text = include_str!("../config/profiles/waybill-invoices.toml");
    let name = text.lines().find_map(|line| line.strip_prefix("name = ")).unwrap().trim_matches('"');
    let path = format!("/v1/feed-profiles/{name}");
    assert_eq!(put(&path, &toml, text).ok()["version"], 1);
    assert_eq!(put(&path, &toml, text).ok()["version"], 1, "the same text is the same version");
    let json = json!({"text": format!("{text}\n# again\n")}).to_string();
    assert_eq!(put(&path, &[("content-type", "application/json")], &json).ok()["version"], 2);
    assert_eq!(put(&format!("{path}?org=acme"), &toml, text).ok()["organisation"], acme.to_string());
    let own = Client::of(&house, Some(acme)).get(&path).ok();
    assert_eq!(
        (&own["organisation"], &own["version"]),
        (&json!(acme.to_string()), &json!(1)),
        "the own one comes first"
    );
    assert_eq!(operator.get(&path).ok()["version"], 2);

    let wrong = put(&path, &toml, &format!("{text}\ncolour = \"red\"\n")).is_problem(400, "validation_failed");
    assert!(wrong["errors"][0]["line"].as_u64().is_some_and(|line| line > 1), "{wrong}");
    put("/v1/feed-profiles/another", &toml, text).is_problem(400, "validation_failed");
    put(&path, &[("content-type", "image/png")], text).is_problem(415, "unsupported_media_type");
    operator.get("/v1/feed-profiles/nothing").is_problem(404, "not_found");
    assert_eq!(operator.get(&path).ok()["version"], 2, "nothing wrong was applied");
}

#[test]
fn a_house_that_cannot_work_is_not_ready() {
    let house = House::open();
    let nobody = Client::nobody(&house);
    assert_eq!(nobody.get("/v1/healthz").ok()["status"], "ok");
    assert_eq!(nobody.get("/v1/readyz").ok()["status"], "ok");
    let http = house.ready().doors.iter().find(|door| door.door == "http").unwrap();
    assert_eq!(http.url.as_deref(), Some(house.http().as_str()));
    // A spool that is no folder takes no files, whoever runs the test.
    let spool = house.data().join("spool");
    std::fs::rename(&spool, house.data().join("aside")).unwrap();
    std::fs::write(&spool, "").unwrap();
    nobody.get("/v1/readyz").is_problem(503, "unavailable");
    assert_eq!(nobody.get("/v1/healthz").ok()["status"], "ok");
    std::fs::remove_file(&spool).unwrap();
    std::fs::rename(house.data().join("aside"), &spool).unwrap();
    assert_eq!(nobody.get("/v1/readyz").ok()["status"], "ok");
}
