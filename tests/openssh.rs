//! OpenSSH's `sftp`, the client whose exit code can be believed: it fails when CLOSE is refused or never
//! answered. (curl does not: it reports success even if the connection dies before CLOSE is answered.)

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::house::House;

/// A supplier that logs in with a key of its own; the key's file.
pub(crate) fn supplier(house: &House, login: &str) -> PathBuf {
    let key = house.folder().join(format!("{login}.key"));
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status().unwrap();
    assert!(made.success());
    let public = fs::read_to_string(key.with_extension("key.pub")).unwrap();
    house.supplier_with_keys(login, &[public.trim()]);
    house.allow_curl(login);
    key
}

/// Runs the lines of a batch; `sftp` ends at the first that fails.
pub(crate) fn batch(house: &House, login: &str, lines: &str) -> Output {
    batch_at(house, login, house.sftp(), lines)
}

/// The same, where the door is reached at another address.
pub(crate) fn batch_at(house: &House, login: &str, door: SocketAddr, lines: &str) -> Output {
    let mut sftp = sftp(house, login, door, &["-q", "-oLogLevel=ERROR"]);
    // A client that could not connect has closed its input already.
    let _ = sftp.stdin.take().unwrap().write_all(lines.as_bytes());
    sftp.wait_with_output().unwrap()
}

/// An `sftp` that reads the lines of a batch, with more options.
pub(crate) fn sftp(house: &House, login: &str, door: SocketAddr, options: &[&str]) -> Child {
    Command::new("sftp")
        .args(options)
        .args(["-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null"])
        .args(["-oIdentitiesOnly=yes", "-oIdentityAgent=none", "-oConnectTimeout=20"])
        .arg("-i")
        .arg(house.folder().join(format!("{login}.key")))
        .args(["-b", "-", "-P", &door.port().to_string()])
        .arg(format!("{login}@{}", door.ip()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Puts a file into `/drop`; whether it was acknowledged.
pub(crate) fn put(house: &House, login: &str, file: &Path, name: &str) -> bool {
    batch(house, login, &format!("put {} /drop/{name}\n", file.display())).status.success()
}
