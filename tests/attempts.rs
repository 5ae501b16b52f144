//! What an attempt at reading a file leaves: one generation of its records, and nothing else.

use std::os::unix::fs::PermissionsExt;

use crate::curl;
use crate::house::{House, wait_for};
use waybill::domain::Scope;
use waybill::record::FileStatus;

const X12: &[u8] = include_bytes!("../fixtures/x12/ok/minimal/input.edi");

#[test]
fn a_file_that_cannot_be_read_again_keeps_the_records_it_has() {
    let mut house = House::open();
    house.supplier("northwind");
    let file = house.file("a.edi", X12);
    curl::put_ok(&house, "northwind", &file, "a.edi");
    let read = house.settled("a.edi");
    assert_eq!(house.documents_of(&read).len(), 1);
    // The disk has lost a byte of the original since.
    let shelf = std::process::Command::new("find").arg(house.data().join("originals/t")).args(["-type", "f"]).output();
    let original = String::from_utf8(shelf.unwrap().stdout).unwrap().trim().to_owned();
    std::fs::set_permissions(&original, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&original, &X12[..X12.len() - 1]).unwrap();
    let scope = Scope::operator("tests");
    assert!(house.ask(async |record| record.reprocess(&scope, read.id).await.unwrap()));
    let again = wait_for("the second reading to fail", || {
        house.files().into_iter().find(|file| file.status == FileStatus::Quarantined)
    });
    // The rows of the failed attempt are swept right after it is set aside; those that are shown stay.
    assert_eq!(house.documents_of(&again).len(), 1);
    wait_for("the log to say so", || house.life_of(&again).contains(&"file.quarantined".to_owned()).then_some(()));
    assert!(house.stop().success());
    house.start();
    assert_eq!(house.documents_of(&again).len(), 1);
}
