//! curl (libssh2) at the SFTP door.

use std::process::{Command, Output};

use crate::clients_openssh::make_key;
use crate::house::{House, PASSWORD, wait_for};
use waybill::domain::Digest;

fn curl(house: &House, arguments: &[&str], path: &str) -> Output {
    Command::new("curl")
        .args(["--silent", "--show-error", "--insecure", "--max-time", "60", "--user"])
        .arg(format!("northwind:{PASSWORD}"))
        .args(arguments)
        .arg(format!("sftp://{}{path}", house.sftp()))
        .current_dir(house.folder())
        .output()
        .unwrap()
}

fn curl_ok(house: &House, arguments: &[&str], path: &str) -> Vec<u8> {
    let done = curl(house, arguments, path);
    assert!(done.status.success(), "{arguments:?} {path}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

fn house() -> House {
    let house = House::open();
    house.supplier("northwind");
    house
}

#[test]
fn curl_puts_lists_gets_and_gets_a_part() {
    let house = house();
    let bytes: Vec<u8> = (0..2_000_000_u32).map(|number| (number * 13 / 7) as u8).collect();
    house.file("big.bin", &bytes);
    curl_ok(&house, &["-T", "big.bin"], "/drop/big.bin");
    assert_eq!(house.settled("big.bin").sha256, Digest::of(&bytes).to_string());
    let listing = String::from_utf8(curl_ok(&house, &[], "/drop/")).unwrap();
    assert!(listing.contains("2000000") && listing.contains("big.bin"), "{listing}");
    assert_eq!(curl_ok(&house, &["--list-only"], "/"), b".\n..\ndrop\n");
    assert_eq!(curl_ok(&house, &[], "/drop/big.bin"), bytes);
    assert_eq!(curl_ok(&house, &["--range", "1000-1999"], "/drop/big.bin"), &bytes[1000..2000]);
    assert_eq!(curl_ok(&house, &["--continue-at", "1999990"], "/drop/big.bin"), &bytes[1_999_990..]);
}

#[test]
fn curl_makes_folders_that_are_there_and_is_told_of_those_that_cannot_be() {
    let house = house();
    house.file("a.edi", b"ISA*");
    curl_ok(&house, &["--ftp-create-dirs", "-T", "a.edi"], "/drop/a.edi");
    let refused = curl(&house, &["--ftp-create-dirs", "-T", "a.edi"], "/drop/sub/a.edi");
    assert!(!refused.status.success());
    let refused = curl(&house, &["-T", "a.edi"], "/drop/a.edi.ERRORS.csv");
    assert!(!refused.status.success());
    let missing = curl(&house, &[], "/drop/missing");
    assert_eq!(missing.status.code(), Some(78), "CURLE_REMOTE_FILE_NOT_FOUND");
}

#[test]
fn curl_renames_deletes_and_logs_in_with_a_key_and_not_with_a_wrong_password() {
    let house = House::open();
    // libssh2 before 1.11 signs with an RSA key by SHA-1, which is refused.
    let key = make_key(house.folder(), "key", &["-t", "ecdsa", "-b", "256", "-m", "PEM"]);
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    house.supplier_with_keys("northwind", &[&public]);
    house.allow_curl("northwind");
    house.file("a.edi", b"ISA*");
    let rename = ["-T", "a.edi", "-Q", "-rename /drop/a.edi.part /drop/a.edi", "-Q", "-rename /drop/a.edi /drop/b.edi"];
    curl_ok(&house, &rename, "/drop/a.edi.part");
    assert_eq!(curl_ok(&house, &[], "/drop/b.edi"), b"ISA*");
    assert_eq!(curl(&house, &[], "/drop/a.edi").status.code(), Some(78));
    curl_ok(&house, &["--list-only", "-Q", "-rm /drop/b.edi"], "/drop/");
    assert_eq!(curl(&house, &[], "/drop/b.edi").status.code(), Some(78));
    let refused = curl(&house, &["-Q", "mkdir /drop/sub"], "/drop/");
    assert_eq!(refused.status.code(), Some(21), "CURLE_QUOTE_ERROR");

    let wrong = curl(&house, &["--user", "northwind:a wrong guess"], "/drop/");
    assert_eq!(wrong.status.code(), Some(67), "CURLE_LOGIN_DENIED");
    let with_key = ["--user", "northwind:", "--key", "key", "--pubkey", "key.pub"];
    curl_ok(&house, &[&with_key[..], &["-T", "a.edi"]].concat(), "/drop/by-key.edi");
    house.settled("by-key.edi");
}

#[test]
fn curl_goes_on_with_an_upload() {
    let house = house();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number / 5) as u8).collect();
    house.file("big.bin", &bytes);
    // Killed in the middle. (A curl that runs into its own --max-time says CLOSE, as if it were done.)
    let mut slow = Command::new("curl")
        .args(["-s", "-k", "--limit-rate", "1M", "-T", "big.bin", "--user", &format!("northwind:{PASSWORD}")])
        .arg(format!("sftp://{}/drop/big.bin", house.sftp()))
        .current_dir(house.folder())
        .spawn()
        .unwrap();
    wait_for("the first half megabyte", || {
        let files = std::fs::read_dir(house.data().join("spool")).unwrap().filter_map(Result::ok);
        files.filter_map(|file| file.metadata().ok()).find(|file| file.len() > 500_000)
    });
    slow.kill().unwrap();
    slow.wait().unwrap();
    wait_for("it to be broken off", || house.log().contains("was broken off").then_some(()));
    assert_eq!(house.files().len(), 0);
    curl_ok(&house, &["--continue-at", "-", "-T", "big.bin"], "/drop/big.bin");
    assert_eq!(house.settled("big.bin").sha256, Digest::of(&bytes).to_string());
}
