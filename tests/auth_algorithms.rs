//! Which algorithms the SFTP door speaks, with whom, and what an operator sees of it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Output;

use waybill::land::proofs::{self, Wanted};

use crate::clients_openssh::{client, make_key, text, with_key};
use crate::house::{House, PATIENCE, wait_for};

/// What an ERP system of 2014 speaks.
const OLD: [&str; 4] = [
    "KexAlgorithms=diffie-hellman-group14-sha1",
    "Ciphers=aes256-cbc",
    "MACs=hmac-sha1",
    "HostKeyAlgorithms=ecdsa-sha2-nistp256",
];

fn supplier(house: &House, login: &str) -> PathBuf {
    let key = make_key(house.folder(), login, &["-t", "ed25519"]);
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    house.supplier_with_keys(login, &[&public]);
    key
}

fn sftp(house: &House, login: &str, options: &[&str]) -> Output {
    let batch = house.file("batch", "pwd\n");
    let mut sftp = client("sftp", house);
    for option in options {
        sftp.args(["-o", option]);
    }
    let key = house.folder().join(login);
    with_key(&mut sftp, &key).arg("-b").arg(batch).arg(format!("{login}@127.0.0.1")).output().unwrap()
}

fn legacy_from(house: &House, login: &str, networks: &[&str]) {
    let legacy_from = Some(networks.iter().map(|network| (*network).to_owned()).collect());
    let account = house.account(login);
    let wanted = Wanted { legacy_from, ..Wanted::default() };
    house.ask(async |record| proofs::change(record, &account, &wanted).await.unwrap());
}

/// What the door offers whoever connects: its KEXINIT, which is in clear.
fn offer(house: &House) -> String {
    let mut stream = TcpStream::connect(house.sftp()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"SSH-2.0-Test\r\n").unwrap();
    let mut heard = vec![];
    while !heard.windows(5).any(|window| window == b"none\0") {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "no offer");
        heard.extend(&buffer[..count]);
    }
    text(&heard)
}

/// Waits until the old algorithms are offered, or not any more: the list is a moment old at most.
fn offers_the_old(house: &House, wanted: bool) {
    wait_for("the offer to change", || (offer(house).contains("aes256-cbc") == wanted).then_some(()));
}

#[test]
fn old_algorithms_are_for_the_accounts_that_may_and_from_where_they_may() {
    let house = House::open();
    supplier(&house, "northwind");
    supplier(&house, "rival");
    let modern = offer(&house);
    assert!(modern.contains("mlkem768x25519-sha256,curve25519-sha256") && !modern.contains("cbc"), "{modern}");
    assert!(!sftp(&house, "northwind", &OLD).status.success(), "spoken with everybody");
    assert!(!house.data().join("ssh_host_ecdsa_key").exists(), "no second host key until it is wanted");

    legacy_from(&house, "northwind", &["192.0.2.0/24", "127.0.0.0/8"]);
    offers_the_old(&house, true);
    let done = sftp(&house, "northwind", &OLD);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let started = house.events(&["session.started"]);
    let algorithms = &started.last().unwrap().data["algorithms"];
    assert_eq!(
        algorithms.to_string(),
        r#"{"kex":"diffie-hellman-group14-sha1","host_key":"ecdsa-sha2-nistp256","cipher":"aes256-cbc","mac":"hmac-sha1"}"#
    );

    // Who shares the address is offered them too, and is told that they are not for it.
    let done = sftp(&house, "rival", &OLD);
    let said = text(&done.stderr);
    assert!(!done.status.success() && said.contains("this account may not speak the old algorithms"), "{said}");
    assert!(said.contains("(diffie-hellman-group14-sha1, aes256-cbc, hmac-sha1)"), "{said}");
    let refused = house.events(&["auth.failed"]);
    let told = refused.last().unwrap();
    assert_eq!(told.user.as_deref(), Some("rival"));
    assert!(told.msg.contains("aes256-cbc") && told.data["algorithms"]["cipher"] == "aes256-cbc", "{told:?}");
    assert!(house.events(&["session.started"]).iter().all(|event| event.user.as_deref() == Some("northwind")));
    // One old algorithm is enough to be refused, and none to come in.
    assert!(!sftp(&house, "rival", &["Ciphers=aes192-ctr"]).status.success());
    assert!(!sftp(&house, "rival", &["KexAlgorithms=ecdh-sha2-nistp256"]).status.success());
    for fine in [&[][..], &["HostKeyAlgorithms=ecdsa-sha2-nistp256"], &["Ciphers=aes256-ctr"]] {
        assert!(sftp(&house, "rival", fine).status.success(), "{fine:?}");
    }

    // From elsewhere they are nobody's.
    legacy_from(&house, "northwind", &["192.0.2.0/24"]);
    offers_the_old(&house, false);
    assert!(!sftp(&house, "northwind", &OLD).status.success());
    assert!(sftp(&house, "northwind", &[]).status.success());
}

#[test]
fn what_is_broken_is_not_spoken_with_anybody() {
    let house = House::open();
    supplier(&house, "northwind");
    legacy_from(&house, "northwind", &["127.0.0.1"]);
    offers_the_old(&house, true);
    for option in [
        "Ciphers=3des-cbc",
        "MACs=hmac-md5",
        "MACs=umac-64@openssh.com",
        "KexAlgorithms=diffie-hellman-group1-sha1",
        "KexAlgorithms=diffie-hellman-group-exchange-sha1",
        "HostKeyAlgorithms=ssh-rsa",
        "HostKeyAlgorithms=rsa-sha2-512",
    ] {
        let done = sftp(&house, "northwind", &[option, "MACs=hmac-sha1", "Ciphers=aes128-ctr"]);
        assert!(!done.status.success(), "{option} was spoken");
    }
    // Nor can a client talk itself out of encryption: compression and `none` are refused by russh and us.
    assert!(sftp(&house, "northwind", &["Compression=yes"]).status.success(), "asked for, not given, no harm");
}
