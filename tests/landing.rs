//! What a sender may rely on when CLOSE has been answered OK, and what happens when it has not.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::house::{House, wait_for};
use crate::{curl, openssh};
use waybill::domain::Digest;
use waybill::record::FileStatus;

const X12: &[u8] = include_bytes!("../fixtures/x12/ok/minimal/input.edi");
const UBL_NAMESPACE: &str = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2";

#[test]
fn an_acknowledged_file_is_stored_read_and_answered() {
    let house = House::open();
    house.supplier("northwind");
    let file = house.file("a.edi", X12);
    curl::put_ok(&house, "northwind", &file, "a.edi");
    let arrived = house.settled("a.edi");
    assert_eq!((arrived.status, arrived.documents, arrived.errors), (FileStatus::Applied, 1, 0));
    assert_eq!(arrived.sha256, Digest::of(X12).to_string());
    assert_eq!(arrived.size_bytes, X12.len() as i64);
    assert_eq!(curl::get(&house, "northwind", "a.edi").unwrap(), X12);
    let answer = String::from_utf8(curl::get(&house, "northwind", "a.edi.OK").unwrap()).unwrap();
    assert!(answer.starts_with("OK a.edi\n"), "{answer}");
    let life = house.life_of(&arrived);
    let wanted = [
        "session.started",
        "upload.opened",
        "upload.completed",
        "file.received",
        "file.identified",
        "receipt.written",
        "file.applied",
    ];
    let mut told = life.iter();
    for kind in wanted {
        assert!(told.any(|event| event == kind), "no `{kind}` in its place in {life:?}");
    }
}

#[test]
fn a_filepart_is_not_an_arrival_until_it_is_renamed() {
    let house = House::open();
    house.supplier("northwind");
    let file = house.file("a.edi", X12);
    curl::put_ok(&house, "northwind", &file, "a.edi.filepart");
    assert_eq!(house.files().iter().map(|file| file.status).collect::<Vec<_>>(), [FileStatus::Held]);
    let renamed = std::process::Command::new("curl")
        .args(["-sS", "-k", "--user", &format!("northwind:{}", crate::house::PASSWORD)])
        .args(["-Q", "-rename /drop/a.edi.filepart /drop/a.edi"])
        .arg(format!("sftp://{}/drop/", house.sftp()))
        .output()
        .unwrap();
    assert!(renamed.status.success(), "{}", String::from_utf8_lossy(&renamed.stderr));
    assert_eq!(house.settled("a.edi").documents, 1);
    assert_eq!(house.files().len(), 1);
}

#[test]
fn the_same_bytes_again_are_a_duplicate_with_no_second_effect() {
    let house = House::open();
    house.supplier("northwind");
    house.supplier("harbour");
    let file = house.file("a.edi", X12);
    curl::put_ok(&house, "northwind", &file, "a.edi");
    let first = house.settled("a.edi");
    curl::put_ok(&house, "northwind", &file, "again.edi");
    let again = house.settled("again.edi");
    assert_eq!((again.status, again.duplicate_of), (FileStatus::Duplicate, Some(first.id)));
    // Another sender's file with the same bytes is a file of its own.
    curl::put_ok(&house, "harbour", &file, "theirs.edi");
    assert_eq!(house.settled("theirs.edi").status, FileStatus::Applied);
    assert_eq!(house.documents_of(&first).len(), 1);
    // The answer stands beside the duplicate too.
    assert!(curl::get(&house, "northwind", "again.edi.OK").is_some());
}

#[test]
fn nobody_sees_another_senders_files() {
    let house = House::open();
    house.supplier("northwind");
    house.supplier("harbour");
    let file = house.file("a.edi", X12);
    curl::put_ok(&house, "northwind", &file, "a.edi");
    house.settled("a.edi");
    assert_eq!(curl::get(&house, "harbour", "a.edi"), None);
    assert_eq!(curl::get(&house, "harbour", "a.edi.OK"), None);
}

/// One bad file of each kind: a clear answer, the original kept, the good documents beside the bad one
/// recorded.
#[test]
fn a_bad_file_gets_a_clear_answer_and_loses_nothing() {
    let good = String::from_utf8(X12.to_vec()).unwrap();
    let set = {
        let start = good.find("ST*810").unwrap();
        let end = good.find("GE*").unwrap();
        good[start..end].to_owned()
    };
    let second = set.replace("ST*810*0001", "ST*810*0002").replace("*0001~", "*0002~").replace("NW-1001", "NW-1002");
    // Two sets, the second with a wrong segment count.
    let count = good.replace(&set, &format!("{set}{second}")).replace("GE*1*", "GE*2*");
    let wrong_count = count.replacen("SE*", "SE*9", 1).replacen("SE*9", "SE*", 1);
    let last = wrong_count.rfind("SE*").unwrap();
    let wrong_count =
        format!("{}SE*99*0002{}", &wrong_count[..last], &wrong_count[last..][wrong_count[last..].find('~').unwrap()..]);
    let truncated = &count[..count.rfind("TDS*").unwrap() + 6];
    let not_utf8 = [
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Invoice xmlns=\"{UBL_NAMESPACE}\"><ID>M").into_bytes(),
        vec![0xfc, b'l', b'l'],
        b"er</ID></Invoice>".to_vec(),
    ]
    .concat();
    let long_line = [good.as_bytes(), &vec![b'x'; 10 << 20]].concat();
    let house = House::open();
    house.supplier("northwind");
    openssh::supplier(&house, "harbour");
    for (name, content, documents, says) in [
        ("counts.edi", wrong_count.into_bytes(), 2, "SE01"),
        ("truncated.edi", truncated.as_bytes().to_vec(), 2, "TRUNCATED"),
        ("encoding.xml", not_utf8, 0, "XML-ENCODING"),
        ("long.edi", long_line, 1, ""),
        ("empty.edi", vec![], 0, "empty_file"),
        ("noise.bin", vec![0x80; 4096], 0, "unknown_format"),
    ] {
        let file = house.file(name, &content);
        curl::put_ok(&house, "northwind", &file, name);
        let arrived = house.settled(name);
        assert!(arrived.errors > 0, "{name}: {arrived:?}");
        assert_eq!(arrived.documents, documents, "{name}: {:?}", house.findings_of(&arrived));
        assert_eq!(curl::get(&house, "northwind", name).unwrap(), content, "{name}: the original");
        let answer = curl::get(&house, "northwind", &format!("{name}.ERRORS.csv")).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("line,field,severity,code,rule,message,fix,path,value,original"), "{answer}");
        assert!(answer.contains(says), "{name}: {answer}");
        if documents == 2 {
            let rejected: Vec<_> = house.documents_of(&arrived).iter().map(|row| row.status == "rejected").collect();
            assert_eq!(rejected, [false, true], "{name}: the good one beside the bad one");
            assert_eq!(arrived.status, FileStatus::AppliedWithErrors, "{name}");
        } else if documents == 0 {
            assert_eq!(arrived.status, FileStatus::Rejected, "{name}");
        }
    }
    // Where no document is right, nothing of the file could be used, and its status says so.
    let lone = include_bytes!("../fixtures/x12/err/se01-count/input.edi");
    curl::put_ok(&house, "northwind", &house.file("lone.edi", lone), "lone.edi");
    let arrived = house.settled("lone.edi");
    assert_eq!((arrived.status, arrived.documents), (FileStatus::Rejected, 1));
    // A name that leaves the folder is refused with a sentence.
    let file = house.file("a.edi", X12);
    let refused = openssh::batch(&house, "harbour", &format!("put {} ../../etc/passwd\n", file.display()));
    assert!(!refused.status.success());
    // OpenSSH shows the status only; the sentence beside it is tested with paramiko.
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("Permission denied"), "{said}");
}

#[test]
fn a_file_over_the_limit_is_refused_with_a_sentence_and_nothing_lands() {
    let house = House::with(&[("WAYBILL_LAND_FILE_MAX", "1 MiB")]);
    house.supplier("northwind");
    let file = house.file("big.edi", vec![b'x'; 2 << 20]);
    assert!(!curl::put(&house, "northwind", &file, "big.edi").status.success());
    assert!(house.files().is_empty());
    wait_for("the spool to be empty", || {
        let left = std::fs::read_dir(house.data().join("spool")).unwrap().count();
        (left == 0).then_some(())
    });
}

#[test]
fn what_rests_in_a_new_folder_is_for_nobody_else_on_the_machine() {
    let house = House::open();
    let mode = std::fs::metadata(house.data()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn what_a_killed_daemon_said_of_its_doors_is_not_taken_for_the_next_ones() {
    let mut house = House::open();
    house.kill();
    let ready = house.data().join("ready.json");
    assert!(ready.exists(), "a killed daemon cleans nothing up");
    // The next one does not get as far as its doors.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let next = Command::new(env!("CARGO_BIN_EXE_waybill"))
        .args(["serve", "--sftp-listen", "127.0.0.1:0", "--http-listen", &taken.local_addr().unwrap().to_string()])
        .arg("--data")
        .arg(house.data())
        .output()
        .unwrap();
    assert_eq!(next.status.code(), Some(2), "{next:?}");
    assert!(!ready.exists());
}

#[test]
fn the_ready_file_is_there_before_the_ready_lines_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_waybill"))
        .args(["serve", "--sftp-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said = std::fs::read_to_string(folder.path().join("ready.json"));
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    let address = line.split_whitespace().nth(2).unwrap().to_owned();
    assert!(line.starts_with("ready sftp ") && said.unwrap().contains(&address), "{line}");
}

#[test]
fn stopping_is_orderly_and_the_next_start_finds_everything() {
    let mut house = House::open();
    house.supplier("northwind");
    let file = house.file("a.edi", X12);
    curl::put_ok(&house, "northwind", &file, "a.edi");
    assert!(house.stop().success());
    assert!(!house.data().join("ready.json").exists());
    house.start();
    assert_eq!(house.settled("a.edi").documents, 1);
    assert_eq!(curl::get(&house, "northwind", "a.edi").unwrap(), X12);
}
