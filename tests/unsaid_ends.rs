//! FTPS uploads that end without TLS's `close_notify`, of accounts that tolerate it: held until they prove to be whole.

use std::process::Command;

use reqwest::Method;
use serde_json::json;
use waybill::record::{FileRow, FileStatus};

use crate::api::Client;
use crate::ftps_clients::python;
use crate::house::{FTPS, House, wait_for};

fn house() -> House {
    let house = House::with(&FTPS);
    house.supplier("northwind");
    let body = json!({"policy": {"tolerate_missing_close_notify": true}}).to_string();
    let headers = [("content-type", "application/json")];
    Client::of(&house, None).call(Method::PATCH, "/v1/accounts/northwind", &headers, body.into()).ok();
    house.file("whole.edi", include_bytes!("../fixtures/x12/ok/minimal/input.edi"));
    house.file("whole.xml", include_bytes!("../fixtures/ubl/ok/invoice/input.xml"));
    house.file("table.csv", "number,amount\n1,2.00\n");
    house
}

/// What sends without an end, as old clients do.
const UNSAID: &str = r#"
ftp = client()
ftp.voidcmd("TYPE I")
def send(name, content):
    data = ftp.transfercmd("STOR " + name)
    data.sendall(content)
    raw = socket.socket(fileno=data.detach())
    raw.shutdown(socket.SHUT_RDWR)
    raw.close()
    try:
        return ftp.voidresp()
    except ftplib.all_errors as error:
        return str(error)
edi, xml, table = (open(name, "rb").read() for name in ["whole.edi", "whole.xml", "table.csv"])
"#;

fn file(house: &House, name: &str) -> FileRow {
    house.files().into_iter().find(|file| file.name == name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn what_proves_to_be_whole_is_taken_and_what_does_not_is_held_and_not_acknowledged() {
    let house = house();
    python(
        &house,
        &format!(
            r#"{UNSAID}
assert send("proved.edi", edi).startswith("226 ")
assert send("proved.xml", xml).startswith("226 ")
for name, content in [("cut.edi", edi[:-40]), ("cut.xml", xml[:-3]), ("table.csv", table), ("empty.edi", b"")]:
    reply = send(name, content)
    assert reply.startswith("451 ") and "held as fil_" in reply and "close_notify" in reply, reply
# ALLO says how long it will be, and so it is.
assert ftp.sendcmd("ALLO %d" % len(table + b"3,4.00\n")).startswith("202 ")
assert send("announced.csv", table + b"3,4.00\n").startswith("226 ")
# Another size, or another file's: no proof.
ftp.sendcmd("ALLO 1000")
assert send("shorter.csv", table + b"5,6.00\n").startswith("451 ")
assert send("later.csv", table + b"7,8.00\n").startswith("451 ")
"#
        ),
    );
    for name in ["proved.edi", "proved.xml", "announced.csv"] {
        assert!(!matches!(house.settled(name).status, FileStatus::Held), "{name}");
    }
    assert_eq!(house.settled("proved.edi").documents, 1);
    for name in ["cut.edi", "cut.xml", "table.csv", "empty.edi", "shorter.csv", "later.csv"] {
        let held = file(&house, name);
        assert_eq!(held.status, FileStatus::Held, "{name}");
        assert!(held.reason.as_deref().is_some_and(|reason| reason.contains("close_notify")), "{name}: {held:?}");
        assert!(house.life_of(&held).contains(&"file.held".to_owned()), "{name}");
    }
}

#[test]
fn the_same_bytes_again_or_somebody_who_may_let_a_held_file_be_read() {
    let house = house();
    python(
        &house,
        &format!(
            r#"{UNSAID}
import io
assert send("twice.csv", table).startswith("451 ")
assert send("twice.csv", table).startswith("226 ")
assert send("proper.csv", b"proper," + table).startswith("451 ")
assert ftp.storbinary("STOR again.csv", io.BytesIO(b"proper," + table)).startswith("226 ")
# A name says nothing about the rest of it.
assert send("renamed.csv.tmp", b"renamed," + table).startswith("451 ")
ftp.rename("renamed.csv.tmp", "renamed.csv")
assert send("other.csv", b"other," + table).startswith("451 ")
"#
        ),
    );
    // Both of each are whole; one of them has the records.
    for name in ["twice.csv", "proper.csv", "again.csv"] {
        for row in house.files().into_iter().filter(|file| file.name == name) {
            wait_for(name, || (file(&house, name).status != FileStatus::Held).then_some(()));
            assert_ne!(row.status, FileStatus::Held, "{name}");
        }
    }
    assert_eq!(file(&house, "proper.csv").duplicate_of, Some(file(&house, "again.csv").id));
    let renamed = file(&house, "renamed.csv");
    assert_eq!(renamed.status, FileStatus::Held);
    let waybill = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_waybill")).args(arguments).arg("--data").arg(house.data()).output().unwrap()
    };
    let released = waybill(&["file", "release", &renamed.id.to_string()]);
    assert!(released.status.success(), "{released:?}");
    assert!(String::from_utf8_lossy(&released.stdout).contains("renamed.csv is released"), "{released:?}");
    house.settled("renamed.csv");
    let again = waybill(&["file", "release", &renamed.id.to_string()]);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("not held"), "{again:?}");
    assert!(house.life_of(&renamed).contains(&"file.released".to_owned()));
    let other = file(&house, "other.csv");
    let owner = Client::of(&house, Some(other.organisation));
    owner.post(&format!("/v1/files/{}/release", other.id), &[], "").ok();
    owner.post(&format!("/v1/files/{}/release", other.id), &[], "").is_problem(409, "state_conflict");
    house.settled("other.csv");
}
