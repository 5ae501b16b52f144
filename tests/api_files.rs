//! Files over REST: sent, listed, read back in whole and in part, and never landed twice under one key.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use waybill::domain::Digest;

use crate::api::{Answer, Client};
use crate::curl;
use crate::house::{House, wait_for};

const GOOD: &[u8] = include_bytes!("../fixtures/x12/err/fault-beside-good-ones/input.edi");
const RAW: &[(&str, &str)] = &[("content-type", "application/octet-stream")];

fn send(client: &Client<'_>, name: &str, body: &[u8], key: Option<&str>) -> Answer {
    let mut headers = RAW.to_vec();
    headers.extend(key.map(|key| ("idempotency-key", key)));
    client.post(&format!("/v1/files?name={name}"), &headers, body)
}

/// The file, once it has been read.
fn settled(client: &Client<'_>, id: &Value) -> Value {
    wait_for("the file to be read", || {
        let file = client.get(&format!("/v1/files/{}", id.as_str().unwrap())).ok();
        (!["stored", "parsing"].contains(&file["status"].as_str().unwrap())).then_some(file)
    })
}

/// Files in the spool.
fn spool(house: &House) -> usize {
    std::fs::read_dir(house.data().join("spool")).unwrap().count()
}

#[test]
fn a_file_sent_over_rest_is_a_file_like_any_other() {
    let house = House::open();
    let supplier = house.supplier("northwind");
    let client = Client::of(&house, Some(supplier));
    let sent = send(&client, "a.edi", GOOD, None);
    assert_eq!(sent.status, 201, "{sent:?}");
    let file = sent.json();
    assert_eq!(sent.header("location"), format!("/v1/files/{}", file["id"].as_str().unwrap()));
    assert_eq!(file["sha256"], Digest::of(GOOD).to_string());
    assert_eq!(
        (&file["protocol"], &file["user"], &file["size_bytes"]),
        (&json!("https"), &json!("tests"), &json!(GOOD.len()))
    );
    let file = settled(&client, &file["id"]);
    assert_eq!(file["status"], "applied_with_errors");
    assert_eq!(client.get("/v1/files?format=x12-810&status=applied_with_errors&has_errors=true").data().len(), 1);
    let documents = client.get(file["links"]["invoices"].as_str().unwrap()).data();
    assert_eq!(documents.len() as u64, file["documents"].as_u64().unwrap());
    let kinds: Vec<Value> = client.get(&format!("{}&after=0", file["links"]["events"].as_str().unwrap())).data();
    let kinds: Vec<&str> = kinds.iter().map(|event| event["type"].as_str().unwrap()).collect();
    for kind in ["upload.opened", "upload.completed", "file.received", "file.applied"] {
        assert!(kinds.contains(&kind), "{kind} is missing of {kinds:?}");
    }
}

#[test]
fn a_form_is_read_to_its_end_before_its_file_lands() {
    let house = House::open();
    let client = Client::of(&house, Some(house.supplier("northwind")));
    let form = [("content-type", "multipart/form-data; boundary=b")];
    let part = |name: &str, file: &str, body: &str| {
        format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n{body}\r\n")
    };
    let named = "; filename=\"in a form.edi\"";
    let whole = format!("{}{}{}--b--\r\n", part("note", "", "hi"), part("file", named, "ISA*1"), part("x", "", "y"));
    let sent = client.post("/v1/files", &form, whole.clone()).ok();
    assert_eq!((&sent["name"], &sent["size_bytes"]), (&json!("in a form.edi"), &json!(5)));
    for (body, why) in [
        (whole.trim_end_matches("--b--\r\n").to_owned(), "cut before its last boundary"),
        (format!("{}--b--\r\n", part("note", "", "hi")), "without a file"),
        (format!("{0}{0}--b--\r\n", part("file", named, "x")), "with two files"),
        (format!("{}--b--\r\n", part("file", "", "x")), "without a name"),
        (format!("{}--b--\r\n", part("file", "; filename=\"../x\"", "x")), "with a path"),
        (format!("--b\r\nx: {}", "a".repeat(3 << 20)), "with endless headers"),
    ] {
        let answer = client.post("/v1/files", &form, body);
        assert_eq!(answer.status, 400, "a form {why}: {answer:?}");
    }
    assert_eq!(client.get("/v1/files").data().len(), 1, "only the whole form landed");
}

#[test]
fn a_key_lands_a_file_once() {
    let house = House::open();
    let (ours, theirs) = (house.supplier("northwind"), house.supplier("other"));
    let client = Client::of(&house, Some(ours));
    let first = send(&client, "a.edi", GOOD, Some("k1"));
    assert_eq!(first.status, 201);
    assert_eq!(first.header("idempotency-replayed"), "");
    let again = send(&client, "a.edi", GOOD, Some("k1"));
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (201, "true"), "{again:?}");
    assert_eq!(again.json()["id"], first.json()["id"]);
    assert_eq!(again.header("location"), first.header("location"));
    send(&client, "a.edi", b"something else", Some("k1")).is_problem(422, "idempotency_mismatch");
    send(&client, "b.edi", GOOD, Some("k1")).is_problem(422, "idempotency_mismatch");
    assert_eq!(client.get("/v1/files").data().len(), 1);
    let elsewhere = send(&Client::of(&house, Some(theirs)), "a.edi", GOOD, Some("k1"));
    assert_eq!(elsewhere.header("idempotency-replayed"), "", "keys are each organisation's own");
    send(&client, "a.edi", GOOD, Some(&"k".repeat(256))).is_problem(400, "validation_failed");
    wait_for("what did not land to be given up", || (spool(&house) == 0).then_some(()));
    // A refused file frees its key.
    send(&client, "a.OK", GOOD, Some("k2")).is_problem(400, "validation_failed");
    assert_eq!(send(&client, "c.edi", GOOD, Some("k2")).status, 201);
}

#[test]
fn a_broken_upload_lands_nothing_and_its_key_is_in_progress_until_then() {
    let house = House::open();
    let supplier = house.supplier("northwind");
    let bearer = waybill::domain::Bearer::mint().unwrap();
    house.ask(async |record| {
        record.add_token(Some(supplier), "t", bearer.id(), &bearer.secret_sha256(), None).await.unwrap();
    });
    let client = Client::with(&house, &bearer.text());
    let mut stream = TcpStream::connect(house.http().trim_start_matches("http://")).unwrap();
    write!(
        stream,
        "POST /v1/files?name=half.edi HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nidempotency-key: k\r\ncontent-length: 1000\r\n\r\nhalf",
        bearer.text()
    )
    .unwrap();
    wait_for("the upload to begin", || client.get("/v1/events?type=upload.opened").data().first().map(|_| ()));
    send(&client, "half.edi", GOOD, Some("k")).is_problem(409, "idempotency_in_progress");
    drop(stream);
    let sent = wait_for("the key to be free", || {
        let answer = send(&client, "half.edi", GOOD, Some("k"));
        (answer.status == 201).then_some(answer)
    });
    let files = client.get("/v1/files").data();
    assert_eq!(files.len(), 1, "half a file must not land");
    wait_for("the half to be given up", || (spool(&house) == 0).then_some(()));
    assert_eq!(files[0]["id"], sent.json()["id"]);
}

#[test]
fn what_cannot_be_taken_is_refused_in_a_sentence() {
    let house = House::with(&[("WAYBILL_LAND_FILE_MAX", "1 MiB")]);
    let client = Client::of(&house, Some(house.supplier("northwind")));
    for name in ["../a.edi", "a%2fb", "a%00b", "a.edi.filepart", "x.ERRORS.csv", "%20%2e%2e%2fa", ""] {
        send(&client, name, b"x", None).is_problem(400, "validation_failed");
    }
    client.post("/v1/files", RAW, "x").is_problem(400, "validation_failed");
    send(&client, "big", &vec![b'x'; (1 << 20) + 1], None).is_problem(413, "payload_too_large");
    client.post("/v1/files?name=a&org=other", RAW, "x").is_problem(400, "validation_failed");
    Client::of(&house, None).post("/v1/files?name=a", RAW, "x").is_problem(400, "validation_failed");
    let named = client.post("/v1/files", &[("content-disposition", "attachment; filename=\"d.edi\"")], "x").ok();
    assert_eq!(named["name"], "d.edi");
    let operators = Client::of(&house, None).post("/v1/files?name=o.edi&org=northwind", RAW, "y").ok();
    assert_eq!(client.get(operators["links"]["self"].as_str().unwrap()).ok()["name"], "o.edi");
    assert_eq!(client.get("/v1/files").data().len(), 2);
}

#[test]
fn an_original_is_read_back_whole_and_in_part() {
    let house = House::open();
    let client = Client::of(&house, Some(house.supplier("northwind")));
    let body: Vec<u8> = (0..200_000_u32).flat_map(|number| number.to_be_bytes()).collect();
    let file = send(&client, "a \"b\".bin", &body, None);
    let file = if file.status == 201 { file.json() } else { panic!("{file:?}") };
    let path = file["links"]["content"].as_str().unwrap();
    let whole = client.get(path);
    assert_eq!((whole.status.as_u16(), whole.body == body), (200, true));
    assert_eq!(whole.header("etag"), format!("\"{}\"", Digest::of(&body)));
    assert_eq!(whole.header("content-type"), "application/octet-stream");
    assert_eq!(whole.header("x-content-type-options"), "nosniff");
    assert!(whole.header("content-disposition").starts_with("attachment; filename=\"a _b_.bin\""), "{whole:?}");
    let part = client.get_with(path, &[("range", "bytes=70000-139999")]);
    assert_eq!((part.status.as_u16(), &part.body[..]), (206, &body[70_000..140_000]));
    assert_eq!(part.header("content-range"), "bytes 70000-139999/800000");
    let tail = client.get_with(path, &[("range", "bytes=-4")]);
    assert_eq!((tail.status.as_u16(), &tail.body[..]), (206, &body[799_996..]));
    let beyond = client.get_with(path, &[("range", "bytes=800000-")]);
    beyond.is_problem(416, "range_not_satisfiable");
    assert_eq!(beyond.header("content-range"), "bytes */800000");
    let etag = whole.header("etag").to_owned();
    assert_eq!(client.get_with(path, &[("if-none-match", &etag)]).status, 304);
    let stale = client.get_with(path, &[("range", "bytes=0-1"), ("if-range", "\"other\"")]);
    assert_eq!((stale.status.as_u16(), stale.body.len()), (200, 800_000));
    let head = client.call(reqwest::Method::HEAD, path, &[], vec![]);
    assert_eq!((head.status.as_u16(), head.header("content-length")), (200, "800000"));
    let taken = client.get("/v1/events?type=download.opened").data();
    assert!(taken.iter().all(|event| event["file"] == file["id"]) && !taken.is_empty());
}

#[test]
fn a_single_resource_is_not_sent_twice() {
    let house = House::open();
    let client = Client::of(&house, Some(house.supplier("northwind")));
    let id = send(&client, "a.edi", GOOD, None).json()["id"].clone();
    let file = settled(&client, &id);
    let document = client.get(file["links"]["invoices"].as_str().unwrap()).data()[0]["links"]["self"].clone();
    for path in [file["links"]["self"].as_str().unwrap(), document.as_str().unwrap(), "/v1/me"] {
        let first = client.get(path);
        let tag = first.header("etag").to_owned();
        assert!(tag.len() > 10, "{path}");
        let again = client.get_with(path, &[("if-none-match", &format!("\"x\", W/{tag}"))]);
        assert_eq!((again.status.as_u16(), again.body.len()), (304, 0), "{path}");
        assert_eq!(client.get_with(path, &[("if-none-match", "\"x\"")]).status, 200);
    }
}

#[test]
fn a_list_is_paged_without_gap_or_repeat_and_filtered() {
    let house = House::open();
    house.supplier("northwind");
    let client = Client::of(&house, Some(house.supplier("acme")));
    for number in 0..7 {
        assert_eq!(send(&client, &format!("{number}.txt"), format!("file {number}").as_bytes(), None).status, 201);
    }
    let mut names = vec![];
    let mut path = "/v1/files?limit=3".to_owned();
    loop {
        let page = client.get(&path).ok();
        names.extend(page["data"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap().to_owned()));
        assert_eq!(page["has_more"], !page["next_cursor"].is_null());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        client.get(&format!("/v1/files?limit=3&user=x&cursor={cursor}")).is_problem(400, "cursor_invalid");
        client.get(&format!("/v1/invoices?limit=3&cursor={cursor}")).is_problem(400, "cursor_invalid");
        Client::of(&house, None).get(&format!("/v1/files?cursor={cursor}")).is_problem(400, "cursor_invalid");
        path = format!("/v1/files?limit=3&cursor={cursor}");
    }
    assert_eq!(names, ["6.txt", "5.txt", "4.txt", "3.txt", "2.txt", "1.txt", "0.txt"]);
    let count = |filter: &str| client.get(&format!("/v1/files?{filter}")).data().len();
    assert_eq!(count("name=3.txt"), 1);
    assert_eq!(count(&format!("sha256={}", Digest::of(b"file 3"))), 1);
    assert_eq!((count("user=tests"), count("user=nobody")), (7, 0));
    assert_eq!((count("received_from=2020-01-01"), count("received_to=2020-01-01")), (7, 0));
    wait_for("all files to be read", || (count("status=rejected,quarantined") == 7).then_some(()));
    assert_eq!((count("has_errors=true"), count("has_errors=false"), count("format=x12-810")), (7, 0, 0));
}

#[test]
fn errors_are_rows_for_programs_and_a_table_for_people() {
    let house = House::open();
    let client = Client::of(&house, Some(house.supplier("northwind")));
    let id = send(&client, "a.edi", GOOD, None).json()["id"].clone();
    let file = settled(&client, &id);
    let path = file["links"]["errors"].as_str().unwrap();
    let rows = client.get(path).data();
    assert_eq!(rows.len() as u64, file["errors"].as_u64().unwrap() + file["warnings"].as_u64().unwrap());
    for member in ["code", "message", "fix", "path"] {
        assert!(rows[0][member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {}", rows[0]);
    }
    let mut paged = vec![];
    let mut next = Some(String::new());
    while let Some(cursor) = next {
        let page = client.get(&format!("{path}?limit=1{cursor}")).ok();
        paged.extend(page["data"].as_array().unwrap().clone());
        next = page["next_cursor"].as_str().map(|cursor| format!("&cursor={cursor}"));
    }
    assert_eq!(paged, rows);
    let table = client.get_with(path, &[("accept", "text/csv")]);
    assert!(table.header("content-type").starts_with("text/csv"));
    assert!(table.header("content-disposition").contains("a.edi.ERRORS.csv"));
    let answer = curl_answer(&house, &file);
    assert_eq!(String::from_utf8_lossy(&table.body), answer, "the table is the answer in /drop");
}

/// The answer stored beside the file.
fn curl_answer(house: &House, file: &Value) -> String {
    let folder = house.data();
    let id = file["id"].as_str().unwrap();
    let mut found = vec![];
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().contains(id) {
                found.push(std::fs::read_to_string(&path).unwrap_or_default());
            }
        }
    }
    found.into_iter().find(|text| text.starts_with("line,field,")).expect("an errors file on the shelf")
}

#[test]
fn a_file_is_read_again_on_request() {
    let house = House::open();
    house.supplier("northwind");
    let ours = house.ask(async |record| record.organisation("northwind").await.unwrap().unwrap().id);
    let client = Client::of(&house, Some(ours));
    curl::put_ok(&house, "northwind", &house.file("a.edi", GOOD), "a.edi");
    let before = house.settled("a.edi");
    let path = format!("/v1/files/{}/reprocess", before.id);
    assert_eq!(client.post(&path, &[], "").status, 202);
    let after = wait_for("the file to be read again", || {
        let file = client.get(&format!("/v1/files/{}", before.id)).ok();
        let later = file["published_at"].as_str() != before.published_at.map(|at| at.to_string()).as_deref();
        (later && file["status"] == "applied_with_errors").then_some(file)
    });
    assert_eq!(after["documents"], before.documents);
    client.post("/v1/files/fil_x/reprocess", &[], "").is_problem(404, "not_found");
}

#[test]
fn an_upload_under_way_when_the_house_closes_is_finished() {
    let house = House::open();
    let supplier = house.supplier("northwind");
    let bearer = waybill::domain::Bearer::mint().unwrap();
    house.ask(async |record| {
        record.add_token(Some(supplier), "t", bearer.id(), &bearer.secret_sha256(), None).await.unwrap();
    });
    let address = house.http().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    let head = format!(
        "POST /v1/files?name=late.edi HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 8\r\n\r\nhalf",
        bearer.text()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let client = Client::with(&house, &bearer.text());
    wait_for("the upload to begin", || client.get("/v1/events?type=upload.opened").data().first().map(|_| ()));
    let told = std::process::Command::new("kill").args(["-TERM", &house.pid().to_string()]).status().unwrap();
    assert!(told.success());
    wait_for("the door to close", || TcpStream::connect(&address).is_err().then_some(()));
    stream.write_all(b"half").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let files = house.files();
    assert_eq!((files.len(), files[0].size_bytes), (1, 8));
}
