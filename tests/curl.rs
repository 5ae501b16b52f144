//! The simplest of the real clients, for tests that are about something else: one process, one file.

use std::path::Path;
use std::process::{Command, Output};

use crate::house::{House, PASSWORD};

/// Puts a file into `/drop`. A success says that the bytes went over, not that CLOSE was answered OK.
pub(crate) fn put(house: &House, login: &str, file: &Path, name: &str) -> Output {
    curl(login).arg("--upload-file").arg(file).arg(url(house, name)).output().unwrap()
}

/// Puts and insists.
pub(crate) fn put_ok(house: &House, login: &str, file: &Path, name: &str) {
    let done = put(house, login, file, name);
    assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Reads a file of `/drop` back, if it is there.
pub(crate) fn get(house: &House, login: &str, name: &str) -> Option<Vec<u8>> {
    let done = curl(login).arg(url(house, name)).output().unwrap();
    done.status.success().then_some(done.stdout)
}

fn curl(login: &str) -> Command {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--insecure", "--max-time", "60", "--user"]);
    curl.arg(format!("{login}:{PASSWORD}"));
    curl
}

fn url(house: &House, name: &str) -> String {
    format!("sftp://{}/drop/{name}", house.sftp())
}
