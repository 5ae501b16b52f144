//! A disk that forgets what was not synced when the power goes: a program of its own (`forgetful_disk.rs`), held by its
//! standard input.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A mounted disk. Dropping it takes it away.
pub(crate) struct Forgetful {
    at: PathBuf,
    server: Child,
    said: BufReader<ChildStdout>,
}

impl Forgetful {
    /// A new disk at this folder; `None` where nobody may mount one.
    pub(crate) fn mount(at: &Path) -> Option<Self> {
        let mut server = Command::new(program())
            .arg(at)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the disk: cargo build --example forgetful-disk");
        let said = BufReader::new(server.stdout.take().unwrap());
        let mut disk = Self { at: at.to_owned(), server, said };
        disk.is_ready().then_some(disk)
    }

    /// The power goes and comes back. Nobody may have a file of the disk open.
    pub(crate) fn cut(&mut self) {
        self.server.stdin.as_mut().unwrap().write_all(b"cut\n").unwrap();
        assert!(self.is_ready(), "the disk did not come back");
    }

    fn is_ready(&mut self) -> bool {
        let mut line = String::new();
        self.said.read_line(&mut line).is_ok() && line == "ready\n"
    }
}

impl Drop for Forgetful {
    fn drop(&mut self) {
        // Whoever still looks into it sees it go.
        let _ = Command::new("umount").arg("--lazy").arg(&self.at).status();
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Cargo puts examples beside the tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join("examples/forgetful-disk")
}
