//! The page at `/`.

use crate::api::Client;
use crate::house::House;

#[test]
fn the_front_page_says_how_to_send_a_file_and_loads_nothing_from_elsewhere() {
    let house = House::open();
    let page = Client::nobody(&house).get("/");
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let text = String::from_utf8(page.body.clone()).unwrap();
    assert!(text.contains(&format!("sftp -P {} LOGIN@127.0.0.1", house.sftp().port())), "{text}");
    assert!(!text.contains("{{") && !text.contains("<script"), "{text}");
    let links: Vec<&str> = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(links, ["/style.css", "/v1/openapi.json", "/v1/healthz", "/v1/readyz"]);
    for link in links {
        assert_eq!(Client::nobody(&house).get(link).status.as_u16(), 200, "{link}");
    }
    assert_eq!(Client::nobody(&house).get("/style.css").header("content-type"), "text/css; charset=utf-8");
}

#[test]
fn the_name_a_browser_asked_for_cannot_write_into_the_page() {
    let house = House::open();
    let asked = |host: &str| {
        let page = Client::nobody(&house).get_with("/", &[("host", host)]);
        String::from_utf8(page.body).unwrap()
    };
    assert!(asked("gate.example.com:8080").contains("http://gate.example.com:8080/v1/files"));
    for hostile in ["<script>alert(1)</script>", "a\"b", "a b", "a/b", "{{send}}", ""] {
        assert!(asked(hostile).contains("http://127.0.0.1:8080/v1/files"), "{hostile}");
    }
}

#[test]
fn with_the_sftp_door_closed_the_page_names_none() {
    let house = House::with(&[("WAYBILL_SFTP_ENABLED", "false")]);
    let page = Client::nobody(&house).get("/");
    assert!(page.status.is_success() && !String::from_utf8(page.body).unwrap().contains("sftp"));
}
