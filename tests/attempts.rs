//! What an attempt at reading a file leaves: one generation of its records, and nothing else.

use std::os::unix::fs::PermissionsExt;

use crate::curl;
use crate::house::{House, wait_for};
use waybill::domain::Scope;
use waybill::record::FileStatus;

const X12: &[u8] = include_bytes!("../fixtures/x12/ok/minimal/input.edi");
const HEADER: &str = "invoice_number,invoice_date,currency,invoice_amount\n";

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

#[test]
fn a_wrong_document_is_rejected_however_many_were_wrong_before_it() {
    let house = House::open();
    house.supplier("northwind");
    let mut content = HEADER.to_owned();
    for number in 0..10_500 {
        content.push_str(&format!("R-{number},2026-02-30,USD,1.00\n"));
    }
    content.push_str("R-good,2026-02-03,USD,1.00\n");
    let file = house.file("many.csv", content);
    curl::put_ok(&house, "northwind", &file, "many.csv");
    let read = house.settled("many.csv");
    assert_eq!((read.status, read.documents, read.errors), (FileStatus::AppliedWithErrors, 10_501, 10_500));
    let documents = house.documents_of(&read);
    let submitted: Vec<_> = documents.iter().filter(|row| row.status != "rejected").map(|row| &row.number).collect();
    assert_eq!(submitted, [&Some("R-good".to_owned())]);
}

#[test]
fn an_answer_that_a_killed_daemon_was_writing_is_swept() {
    let mut house = House::open();
    house.kill();
    let staged = house.data().join("spool/fil_0.1.answer");
    std::fs::write(&staged, "line,field").unwrap();
    house.start();
    wait_for("the staged answer to be gone", || (!staged.exists()).then_some(()));
}
