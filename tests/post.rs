//! A house with partners: their blocks of the settings, and the daemon that keeps to them.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::house::{House, wait_for};
use crate::servers::{Sshd, Vsftpd};
use waybill::domain::Event;

/// Settings that let a test be quick.
const QUICK: &str = "[partners]\npoll = \"50 ms\"\nlease = \"2 s\"\nbackoff = \"200 ms\"\nbackoff_max = \"1 s\"\n";

pub(crate) struct Post {
    pub(crate) house: House,
    config: PathBuf,
    /// Where the partners' servers are.
    pub(crate) away: tempfile::TempDir,
}

impl Post {
    /// A house with the account `northwind`, and no partner yet.
    pub(crate) fn open() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(more: &[(&str, &str)]) -> Self {
        let away = tempfile::tempdir().unwrap();
        let config = away.path().join("waybill.toml");
        std::fs::write(&config, QUICK).unwrap();
        let path = config.to_str().unwrap().to_owned();
        let house = House::with(&[&[("WAYBILL_CONFIG", path.as_str())], more].concat());
        house.supplier("northwind");
        Self { house, config, away }
    }

    /// Writes the partners into the settings, which the daemon reads again.
    pub(crate) fn partners(&self, blocks: &str) {
        self.write(blocks);
        let done = self.waybill(&["reload"]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&[done.stdout, done.stderr].concat()));
    }

    pub(crate) fn write(&self, blocks: &str) {
        std::fs::write(&self.config, format!("{QUICK}{blocks}")).unwrap();
    }

    /// The command line, beside the daemon.
    pub(crate) fn waybill(&self, arguments: &[&str]) -> Output {
        let mut waybill = Command::new(env!("CARGO_BIN_EXE_waybill"));
        waybill.args(arguments).env("WAYBILL_DATA", self.house.data());
        if arguments.first() == Some(&"partner") {
            waybill.env("WAYBILL_CONFIG", &self.config);
        }
        waybill.output().unwrap()
    }

    /// A folder at the partner's.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.away.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// A file that only its owner reads.
    pub(crate) fn secret(&self, text: &str) -> PathBuf {
        let path = self.away.path().join("secret");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// The events of one type, once there are so many.
    pub(crate) fn told(&self, kind: &str, count: usize) -> Vec<Event> {
        wait_for(&format!("{count} of {kind}"), || {
            let events = self.house.events(&[kind]);
            (events.len() >= count).then_some(events)
        })
    }
}

/// A partner's block, without what is done with it.
pub(crate) fn sftp(sshd: &Sshd, port: u16) -> String {
    format!(
        "[[partner]]\nname = \"acme\"\naccount = \"northwind\"\nprotocol = \"sftp\"\nhost = \"127.0.0.1\"\nport = {port}\n\
         user = \"{}\"\nkey_file = \"{}\"\nhost_keys = [\"{}\"]\nstall_deadline = \"5 s\"\n",
        sshd.user,
        sshd.key().display(),
        sshd.fingerprint
    )
}

pub(crate) fn ftps(vsftpd: &Vsftpd, password: &Path) -> String {
    format!(
        "[[partner]]\nname = \"acme\"\naccount = \"northwind\"\nprotocol = \"ftps\"\nhost = \"127.0.0.1\"\nport = {}\n\
         user = \"anonymous\"\npassword_file = \"{}\"\nstall_deadline = \"5 s\"\n",
        vsftpd.server.port,
        password.display()
    )
}

/// `[partner.pull]` of a folder that is looked at every second, with more lines.
pub(crate) fn pull(folder: &str, after: &str, more: &str) -> String {
    format!("[partner.pull]\nfolder = \"{folder}\"\nafter = \"{after}\"\nevery = \"1 s\"\nsettle = \"1 s\"\n{more}")
}

pub(crate) fn push(folder: &str, more: &str) -> String {
    format!("[partner.push]\nfolder = \"{folder}\"\nevery = \"1 s\"\n{more}")
}

/// The names in a folder, in order.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Some content of this length that no other number has.
pub(crate) fn content(number: u32, length: usize) -> Vec<u8> {
    let mut text = String::new();
    while text.len() < length {
        let _ = write!(text, "{number} {} ", text.len());
    }
    text.truncate(length);
    text.into_bytes()
}
