//! OpenSSH user certificates: real ones, made with `ssh-keygen -s`, and OpenSSH's client.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use waybill::land::proofs::{self, NewKey};

use crate::clients_openssh::{client, make_key, text};
use crate::house::{House, PASSWORD};

/// A house that trusts an authority, and a client's key that nobody knows.
struct Certified {
    house: House,
    authority: PathBuf,
    key: PathBuf,
    trusted: PathBuf,
    revoked: PathBuf,
    _folder: tempfile::TempDir,
}

impl Certified {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = make_key(folder.path(), "authority", &["-t", "ed25519"]);
        let (trusted, revoked) = (folder.path().join("trusted"), folder.path().join("revoked"));
        std::fs::copy(authority.with_extension("pub"), &trusted).unwrap();
        std::fs::write(&revoked, "# nothing yet\n").unwrap();
        let house = House::with(&[
            ("WAYBILL_LAND_TRUSTED_USER_CA_KEYS", trusted.to_str().unwrap()),
            ("WAYBILL_LAND_REVOKED_KEYS", revoked.to_str().unwrap()),
            ("WAYBILL_SFTP_LOGIN_FAILURES_MAX", "2"),
        ]);
        house.supplier_with_keys("northwind", &[]);
        let key = make_key(house.folder(), "key", &["-t", "ed25519"]);
        Self { house, authority, key, trusted, revoked, _folder: folder }
    }

    /// Signs the client's key, `key-cert.pub`.
    fn sign(&self, options: &[&str]) {
        self.sign_with(&self.authority, options);
    }

    fn sign_with(&self, authority: &Path, options: &[&str]) {
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-s"]).arg(authority).args(["-I", "erp 2026"]).args(options);
        assert!(keygen.arg(self.key.with_extension("pub")).status().unwrap().success(), "{options:?}");
    }

    fn sftp(&self) -> Output {
        self.sftp_with(&[])
    }

    fn sftp_with(&self, options: &[&str]) -> Output {
        let batch = self.house.file("batch", "pwd\n");
        let mut sftp = client("sftp", &self.house);
        for option in options {
            sftp.args(["-o", option]);
        }
        sftp.args(["-o", "IdentitiesOnly=yes", "-o", "PreferredAuthentications=publickey", "-i"]).arg(&self.key);
        sftp.arg("-b").arg(batch).arg("northwind@127.0.0.1").output().unwrap()
    }

    #[track_caller]
    fn comes_in(&self) {
        let done = self.sftp();
        assert!(done.status.success(), "{}", text(&done.stderr));
    }

    /// And an event says why not.
    #[track_caller]
    fn is_refused(&self, why: &str) {
        assert!(!self.sftp().status.success());
        let refused = self.house.events(&["auth.failed"]);
        let told = refused.last().expect("an event").msg.clone();
        assert!(told.contains(why) && told.contains("`erp 2026`, serial "), "{told}");
    }
}

#[test]
fn a_certificate_logs_in_whom_it_names_while_it_is_valid() {
    let certified = Certified::new();
    assert!(!certified.sftp().status.success(), "a key that nobody knows");
    certified.sign(&["-n", "other,northwind", "-z", "7", "-V", "-1h:+1h"]);
    certified.comes_in();
    let started = certified.house.events(&["session.started"]);
    assert_eq!(started[0].data["method"], "publickey");
    let shown = started[0].data["certificate"].as_str().unwrap();
    assert!(shown.starts_with("`erp 2026`, serial 7, by SHA256:"), "{shown}");

    for (options, why) in [
        (&["-n", "other"][..], "it does not name `northwind`"),
        (&["-n", "northwin"], "it does not name `northwind`"),
        (&[], "it does not name `northwind`"),
        (&["-n", "northwind", "-O", "source-address=192.0.2.0/24"], "it is not for use from 127.0.0.1"),
        (&["-n", "northwind", "-O", "force-command=/bin/sh"], "it is for one command"),
        (&["-n", "northwind", "-O", "critical:colour@example.com=red"], "critical option colour@example.com"),
        (&["-n", "northwind", "-O", "verify-required"], "critical option verify-required"),
    ] {
        certified.sign(options);
        certified.is_refused(why);
    }
    for options in [
        &["-n", "northwind", "-O", "source-address=192.0.2.0/24,127.0.0.0/8"][..],
        &["-n", "northwind", "-O", "force-command=internal-sftp"],
        &["-n", "northwind", "-O", "clear", "-O", "extension:whatever@example.com=x"],
    ] {
        certified.sign(options);
        certified.comes_in();
    }
    // The client does not show a host's, and russh refuses the others before we are asked.
    for options in
        [&["-h", "-n", "northwind"][..], &["-n", "northwind", "-V", "-2h:-1h"], &["-n", "northwind", "-V", "+1h:+2h"]]
    {
        certified.sign(options);
        assert!(!certified.sftp().status.success(), "{options:?}");
    }
}

#[test]
fn only_the_authorities_that_are_trusted_vouch_for_anybody() {
    let certified = Certified::new();
    let stranger = make_key(certified.house.folder(), "stranger", &["-t", "ed25519"]);
    certified.sign_with(&stranger, &["-n", "northwind"]);
    certified.is_refused("its authority is not trusted for this login");
    // A key of the account's is no authority, and an authority is no key.
    let account = certified.house.account("northwind");
    let add = |key: &Path, is_authority| {
        let line = std::fs::read_to_string(key.with_extension("pub")).unwrap();
        let new = NewKey { line, is_authority, ..NewKey::default() };
        certified.house.ask(async |record| proofs::add_key(record, &account, &new).await.unwrap())
    };
    let row = add(&stranger, false);
    certified.is_refused("its authority is not trusted");
    certified.house.ask(async |record| proofs::remove_key(record, &account, &row.fingerprint).await.unwrap());
    add(&stranger, true);
    certified.comes_in();
    let own = client("sftp", &certified.house)
        .args(["-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-i"])
        .arg(&stranger)
        .arg("northwind@127.0.0.1")
        .output()
        .unwrap();
    assert!(!own.status.success(), "an authority logged in with its own key");
    // It is this account's, and nobody else's.
    certified.house.supplier_with_keys("rival", &[]);
    certified.sign_with(&stranger, &["-n", "rival,northwind"]);
    let rival = client("sftp", &certified.house)
        .args(["-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-i"])
        .arg(&certified.key)
        .arg("rival@127.0.0.1")
        .output()
        .unwrap();
    assert!(!rival.status.success(), "another account's authority vouched");

    // An authority that is added to the file is trusted at once; one of SHA-1, or a short one, never.
    let rsa = make_key(certified.house.folder(), "rsa", &["-t", "rsa", "-b", "3072"]);
    let mut trusted = std::fs::read_to_string(&certified.trusted).unwrap();
    trusted.push_str(&std::fs::read_to_string(rsa.with_extension("pub")).unwrap());
    std::fs::write(&certified.trusted, &trusted).unwrap();
    certified.sign_with(&rsa, &["-n", "northwind", "-t", "rsa-sha2-512"]);
    certified.comes_in();
    certified.sign_with(&rsa, &["-n", "northwind", "-t", "ssh-rsa"]);
    assert!(!certified.sftp_with(&["CASignatureAlgorithms=+ssh-rsa"]).status.success(), "SHA-1 vouched");
}

#[test]
fn what_is_revoked_is_refused_from_then_on() {
    let certified = Certified::new();
    let krl = |specification: &str| {
        let specification = certified.house.file("specification", specification);
        let made = Command::new("ssh-keygen")
            .args(["-q", "-k", "-f"])
            .arg(&certified.revoked)
            .arg("-s")
            .arg(certified.authority.with_extension("pub"))
            .arg(specification)
            .status()
            .unwrap();
        assert!(made.success());
    };
    certified.sign(&["-n", "northwind", "-z", "7"]);
    certified.comes_in();
    krl("serial: 5-7\n");
    certified.is_refused("it is revoked");
    certified.sign(&["-n", "northwind", "-z", "8"]);
    certified.comes_in();
    krl("id: erp 2026\n");
    certified.is_refused("it is revoked");
    for text in ["serial: 8\n".to_owned(), std::fs::read_to_string(certified.key.with_extension("pub")).unwrap()] {
        std::fs::write(&certified.revoked, "# nothing\n").unwrap();
        certified.comes_in();
        std::fs::write(&certified.revoked, text).unwrap();
        certified.is_refused("it is revoked");
    }
    std::fs::copy(certified.authority.with_extension("pub"), &certified.revoked).unwrap();
    certified.is_refused("it is revoked");
}

#[test]
fn a_list_of_what_is_revoked_that_cannot_be_read_lets_no_key_in() {
    let certified = Certified::new();
    let known = make_key(certified.house.folder(), "known", &["-t", "ed25519"]);
    let line = std::fs::read_to_string(known.with_extension("pub")).unwrap();
    let account = certified.house.account("northwind");
    let new = NewKey { line: line.clone(), ..NewKey::default() };
    certified.house.ask(async |record| proofs::add_key(record, &account, &new).await.unwrap());
    let comes_in = || {
        let mut sftp = client("sftp", &certified.house);
        sftp.args(["-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-i"]).arg(&known);
        let batch = certified.house.file("batch", "pwd\n");
        sftp.arg("-b").arg(batch).arg("northwind@127.0.0.1").output().unwrap().status.success()
    };
    certified.sign(&["-n", "northwind"]);
    assert!(comes_in());
    certified.comes_in();
    for broken in [Some("no such line\n"), Some("SSHKRL\n\0half of a list"), None] {
        match broken {
            Some(text) => std::fs::write(&certified.revoked, text).unwrap(),
            None => std::fs::remove_file(&certified.revoked).unwrap(),
        }
        assert!(!comes_in(), "{broken:?}");
        assert!(!certified.sftp().status.success(), "{broken:?}");
    }
    std::fs::write(&certified.revoked, &line).unwrap();
    assert!(!comes_in(), "a key that is revoked");
    assert!(certified.house.events(&["auth.failed"]).last().unwrap().msg.contains("is revoked"));
    std::fs::write(&certified.revoked, "").unwrap();
    assert!(comes_in());
}

/// Where certificates are trusted, a client signs with every key it has; that is no guessing.
#[test]
fn keys_that_nobody_knows_cost_no_tries_where_certificates_are_trusted() {
    let certified = Certified::new();
    certified.sign(&["-n", "northwind"]);
    let mut sftp = client("sftp", &certified.house);
    sftp.args(["-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]);
    for number in 0..4 {
        let other = make_key(certified.house.folder(), &format!("other{number}"), &["-t", "ed25519"]);
        sftp.arg("-i").arg(other);
    }
    let batch = certified.house.file("batch", "pwd\n");
    let done = sftp.arg("-i").arg(&certified.key).arg("-b").arg(batch).arg("northwind@127.0.0.1").output().unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(certified.house.events(&["auth.failed"]).is_empty());
    assert!(!certified.house.log().contains(PASSWORD));
}
