//! OpenSSH's own `sftp`, `scp` and `ssh` at the SFTP door, as a sender's script uses them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::house::{House, PASSWORD, wait_for};
use waybill::domain::Digest;

/// A house with one supplier, `northwind`, who has a key of this kind.
fn house_with_key(kind: &[&str]) -> (House, PathBuf) {
    let house = House::open();
    let key = make_key(house.folder(), "key", kind);
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    house.supplier_with_keys("northwind", &[&public]);
    (house, key)
}

pub(crate) fn make_key(folder: &Path, name: &str, kind: &[&str]) -> PathBuf {
    let key = folder.join(name);
    let made = Command::new("ssh-keygen").args(["-q", "-N", "", "-f"]).arg(&key).args(kind).status().unwrap();
    assert!(made.success());
    key
}

/// A client of OpenSSH's that looks at nothing of the user's own settings.
pub(crate) fn client(program: &str, house: &House) -> Command {
    let mut client = Command::new(program);
    let port = house.sftp().port().to_string();
    client.args(["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "IdentityAgent=none", "-o", "LogLevel=ERROR"]);
    client.arg("-o").arg(format!("UserKnownHostsFile={}", house.folder().join("known_hosts").display()));
    client.args(["-o", &format!("Port={port}")]);
    client.current_dir(house.folder());
    client
}

pub(crate) fn with_key<'a>(client: &'a mut Command, key: &Path) -> &'a mut Command {
    client.args(["-o", "IdentitiesOnly=yes", "-o", "PasswordAuthentication=no", "-i"]).arg(key)
}

/// As if somebody typed this password whenever asked.
fn with_password<'a>(client: &'a mut Command, house: &House, password: &str) -> &'a mut Command {
    let askpass = house.file("askpass", format!("#!/bin/sh\necho '{password}'\n"));
    let _ = Command::new("chmod").arg("+x").arg(&askpass).status();
    client
        .env("SSH_ASKPASS", askpass)
        .env("SSH_ASKPASS_REQUIRE", "force")
        .env("DISPLAY", "none")
        .args(["-o", "PubkeyAuthentication=no"])
}

/// Runs these lines in `sftp`; a line that fails ends it with status 1, unless it begins with `-`.
fn sftp(house: &House, key: &Path, lines: &str) -> Output {
    let batch = house.file("batch", lines);
    let mut sftp = client("sftp", house);
    with_key(&mut sftp, key).arg("-b").arg(batch).arg("northwind@127.0.0.1").output().unwrap()
}

fn sftp_ok(house: &House, key: &Path, lines: &str) -> String {
    let done = sftp(house, key, lines);
    assert!(done.status.success(), "{lines}\n{}", text(&done.stderr));
    text(&done.stdout)
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn ed25519() -> (House, PathBuf) {
    house_with_key(&["-t", "ed25519"])
}

#[test]
fn sftp_puts_lists_gets_renames_and_removes() {
    let (house, key) = ed25519();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number * 7 / 3) as u8).collect();
    house.file("big.bin", &bytes);
    house.file("empty.bin", b"");
    let shown = sftp_ok(
        &house,
        &key,
        "pwd\nput big.bin\nput empty.bin\nls -l\nget big.bin back.bin\nget empty.bin back-empty.bin\n\
         rename big.bin other.bin\nls -1\nls -la /\nrm other.bin\nls -1\nput -p big.bin /root.bin\nchmod 600 root.bin\n",
    );
    assert!(shown.contains("Remote working directory: /drop"), "{shown}");
    assert!(shown.contains("-rw-r--r--    1 waybill  waybill       3000000 "), "{shown}");
    assert_eq!(std::fs::read(house.folder().join("back.bin")).unwrap(), bytes);
    assert_eq!(std::fs::read(house.folder().join("back-empty.bin")).unwrap(), b"");
    let mut parts = shown.split("sftp> ");
    let listing = parts.find(|part| part.starts_with("ls -1")).unwrap();
    assert!(listing.contains("other.bin") && !listing.contains("big.bin"), "{listing}");
    let listing = parts.find(|part| part.starts_with("ls -1")).unwrap();
    assert!(!listing.contains("other.bin"), "{listing}");
    assert_eq!(house.settled("root.bin").sha256, Digest::of(&bytes).to_string());
}

#[test]
fn sftp_copies_on_the_server_and_asks_for_the_room_there_is() {
    let (house, key) = ed25519();
    let content: Vec<u8> = (0..700_000_u32).map(|n| (n % 251) as u8).collect();
    house.file("one.bin", &content);
    // OpenSSH 9.1 and newer copy; what is older says that it does not know the command.
    let said = sftp_ok(&house, &key, "put one.bin\n-cp one.bin two.bin\ndf -h\n");
    assert!(said.contains("Avail") || said.contains("avail"), "{said}");
    let newer = String::from_utf8_lossy(&Command::new("ssh").arg("-V").output().unwrap().stderr).contains("OpenSSH_9");
    if newer {
        assert_eq!(house.settled("two.bin").sha256, house.settled("one.bin").sha256);
    }
}

#[test]
fn what_is_not_done_here_is_refused_and_the_session_goes_on() {
    let (house, key) = ed25519();
    house.file("a.edi", b"ISA*");
    let done = sftp(
        &house,
        &key,
        "-mkdir sub\n-mkdir /drop\n-rmdir /drop\n-cd sub\n-get nothing\n-put a.edi x.OK\n-put a.edi sub/a.edi\n\
         -rename nothing something\n-rm nothing\n-ln -s a b\n-put a.edi ../../etc/passwd\nput a.edi\nls -1\n",
    );
    assert!(done.status.success(), "{}", text(&done.stderr));
    let said = text(&done.stderr);
    for refusal in [
        "remote mkdir \"/drop/sub\": Permission denied",
        "remote mkdir \"/drop\": Failure",
        "remote rmdir \"/drop\": Permission denied",
        "dest open \"/drop/x.OK\": Permission denied",
        "remote delete /drop/nothing: No such file or directory",
        "remote rename \"/drop/nothing\" to \"/drop/something\": No such file or directory",
    ] {
        assert!(said.contains(refusal), "no `{refusal}` in\n{said}");
    }
    assert!(text(&done.stdout).ends_with("ls -1\na.edi\n"), "{}", text(&done.stdout));
}

#[test]
fn a_broken_off_upload_is_resumed_where_it_stopped() {
    let (house, key) = ed25519();
    let bytes: Vec<u8> = (0..4_000_000_u32).map(|number| (number / 3) as u8).collect();
    house.file("big.bin", &bytes);
    let batch = house.file("slow", "put big.bin\n");
    let mut slow = client("sftp", &house);
    // 1 MB/s, so that it can be caught in the middle.
    let mut slow = with_key(&mut slow, &key)
        .args(["-l", "8000", "-b"])
        .arg(batch)
        .arg("northwind@127.0.0.1")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let spool = house.data().join("spool");
    wait_for("the first half megabyte", || {
        let files = std::fs::read_dir(&spool).unwrap().filter_map(Result::ok);
        files.filter_map(|file| file.metadata().ok()).find(|file| file.len() > 500_000)
    });
    slow.kill().unwrap();
    slow.wait().unwrap();
    wait_for("the upload to be broken off", || house.log().contains("was broken off").then_some(()));
    assert_eq!(house.files().len(), 0);
    let shown = sftp_ok(&house, &key, "ls -l\nreput big.bin\nls -l\n");
    assert!(shown.contains(" 4000000 "), "{shown}");
    let file = house.settled("big.bin");
    assert_eq!(file.sha256, Digest::of(&bytes).to_string());
    assert!(house.log().contains("resum"), "it went on from what was there");
}

#[test]
fn keys_are_exchanged_anew_in_the_middle_of_a_transfer() {
    let (house, key) = ed25519();
    let bytes: Vec<u8> = (0..64 << 20_u32).map(|number| (number / 7) as u8).collect();
    house.file("big.bin", &bytes);
    let batch = house.file("batch", "put big.bin\nget big.bin back.bin\n");
    let mut sftp = client("sftp", &house);
    // A hundred times over, in both directions.
    sftp.args(["-o", "RekeyLimit=1M"]);
    let done = with_key(&mut sftp, &key).arg("-b").arg(batch).arg("northwind@127.0.0.1").output().unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(std::fs::read(house.folder().join("back.bin")).unwrap() == bytes);
    assert_eq!(house.settled("big.bin").sha256, Digest::of(&bytes).to_string());
}

#[test]
fn every_cipher_and_nothing_weak_is_spoken() {
    let (house, key) = ed25519();
    let speak = |option: &str, value: &str| {
        let batch = house.file("batch", "pwd\n");
        let mut sftp = client("sftp", &house);
        sftp.arg("-o").arg(format!("{option}={value}"));
        with_key(&mut sftp, &key).arg("-b").arg(batch).arg("northwind@127.0.0.1").output().unwrap()
    };
    for (option, value) in [
        ("Ciphers", "chacha20-poly1305@openssh.com"),
        ("Ciphers", "aes256-gcm@openssh.com"),
        ("Ciphers", "aes128-gcm@openssh.com"),
        ("Ciphers", "aes256-ctr"),
        ("Ciphers", "aes128-ctr"),
        ("KexAlgorithms", "curve25519-sha256"),
        ("KexAlgorithms", "curve25519-sha256@libssh.org"),
    ] {
        let done = speak(option, value);
        assert!(done.status.success(), "{value}: {}", text(&done.stderr));
    }
    for (option, value) in [
        ("Ciphers", "aes128-cbc"),
        ("Ciphers", "3des-cbc"),
        ("KexAlgorithms", "diffie-hellman-group14-sha1"),
        ("KexAlgorithms", "diffie-hellman-group14-sha256"),
        ("HostKeyAlgorithms", "ssh-rsa"),
    ] {
        assert!(!speak(option, value).status.success(), "{value} was spoken");
    }
}

#[test]
fn an_interrupted_download_is_resumed() {
    let (house, key) = ed25519();
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|number| (number / 3) as u8).collect();
    house.file("big.bin", &bytes);
    house.file("back.bin", &bytes[..400_000]);
    sftp_ok(&house, &key, "put big.bin\nreget big.bin back.bin\n");
    assert_eq!(std::fs::read(house.folder().join("back.bin")).unwrap(), bytes);
}

#[test]
fn scp_works_and_its_old_protocol_is_refused_with_a_sentence() {
    let (house, key) = ed25519();
    house.file("a.edi", b"ISA*hello");
    let scp = |arguments: &[&str]| {
        let mut scp = client("scp", &house);
        with_key(&mut scp, &key).args(arguments).output().unwrap()
    };
    for done in [scp(&["a.edi", "northwind@127.0.0.1:"]), scp(&["-p", "a.edi", "northwind@127.0.0.1:/drop/b.edi"])] {
        assert!(done.status.success(), "{}", text(&done.stderr));
    }
    let done = scp(&["northwind@127.0.0.1:/drop/b.edi", "back.edi"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert_eq!(std::fs::read(house.folder().join("back.edi")).unwrap(), b"ISA*hello");
    let done = scp(&["-O", "a.edi", "northwind@127.0.0.1:c.edi"]);
    assert!(!done.status.success());
    assert!(text(&done.stderr).contains("Use sftp, or scp without -O."), "{}", text(&done.stderr));
    let mut ssh = client("ssh", &house);
    let done = with_key(&mut ssh, &key).args(["northwind@127.0.0.1", "id"]).output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert!(text(&done.stderr).contains("commands, shells"), "{}", text(&done.stderr));
}

#[test]
fn a_password_logs_in_and_a_wrong_one_does_not() {
    let house = House::with(&[("WAYBILL_SFTP_LOGIN_FAILURES_MAX", "2")]);
    house.supplier("northwind");
    let sftp = |password: &str, login: &str| {
        let batch = house.file("batch", "pwd\n");
        let mut sftp = client("sftp", &house);
        let sftp =
            with_password(&mut sftp, &house, password).args(["-o", "NumberOfPasswordPrompts=5", "-o", "BatchMode=no"]);
        sftp.arg("-b").arg(batch).args(["-o", "BatchMode=no"]).arg(format!("{login}@127.0.0.1")).output().unwrap()
    };
    let done = sftp(PASSWORD, "northwind");
    assert!(done.status.success(), "{}", text(&done.stderr));
    for (password, login) in [("not the password", "northwind"), (PASSWORD, "nobody")] {
        let done = sftp(password, login);
        assert!(!done.status.success());
        // Two tries of five, then the line is dead.
        let tries = house.events(&["auth.failed"]).iter().filter(|event| event.user.as_deref() == Some(login)).count();
        assert_eq!(tries, 2, "{}", text(&done.stderr));
    }
    let log = house.log();
    assert!(!log.contains(PASSWORD) && !log.contains("not the password"), "a password is in the log");
}

#[test]
fn keys_of_every_kind_log_in_and_sha1_does_not() {
    for kind in [&["-t", "ecdsa", "-b", "256"][..], &["-t", "ecdsa", "-b", "521"], &["-t", "rsa", "-b", "3072"]] {
        let (house, key) = house_with_key(kind);
        sftp_ok(&house, &key, "pwd\n");
        // Four other keys are offered first, at no cost in time or tries.
        let others: Vec<_> =
            (0..4).map(|n| make_key(house.folder(), &format!("other{n}"), &["-t", "ed25519"])).collect();
        let mut sftp = client("sftp", &house);
        for other in &others {
            with_key(&mut sftp, other);
        }
        let batch = house.file("batch", "pwd\n");
        let done = with_key(&mut sftp, &key).arg("-b").arg(batch).arg("northwind@127.0.0.1").output().unwrap();
        assert!(done.status.success(), "{kind:?}: {}", text(&done.stderr));
        if kind[1] == "rsa" {
            let batch = house.file("batch", "pwd\n");
            let mut sftp = client("sftp", &house);
            sftp.args(["-o", "PubkeyAcceptedAlgorithms=ssh-rsa"]);
            let done = with_key(&mut sftp, &key).arg("-b").arg(batch).arg("northwind@127.0.0.1").output().unwrap();
            assert!(!done.status.success(), "a SHA-1 signature logged in");
        }
    }
}

#[test]
fn the_host_key_is_the_one_the_house_names_and_stays_the_same() {
    let (mut house, key) = ed25519();
    let fingerprint = house.ready().doors.iter().find_map(|door| door.fingerprint.clone()).unwrap();
    let scanned = Command::new("sh")
        .args(["-c", &format!("ssh-keyscan -p {} 127.0.0.1 2>/dev/null | ssh-keygen -lf -", house.sftp().port())])
        .output()
        .unwrap();
    let scanned = text(&scanned.stdout);
    assert_eq!(scanned.lines().count(), 1, "one host key, and that is Ed25519: {scanned}");
    assert!(scanned.contains(&fingerprint) && scanned.contains("(ED25519)"), "{scanned}");
    sftp_ok(&house, &key, "pwd\n");
    assert!(house.stop().success());
    house.start();
    assert_eq!(house.ready().doors.iter().find_map(|door| door.fingerprint.clone()), Some(fingerprint));
}
