//! A disk that is full before long: a file system in memory that is given a size, and more when there has to be room.

use std::path::{Path, PathBuf};
use std::process::Command;

const MIB: u64 = 1 << 20;
/// What it begins with, in MiB: a database and some files.
const FIRST_MIB: u64 = 16;
/// What it grows by.
const MORE_MIB: u64 = 8;

/// A mounted disk, taken away when it is dropped.
pub(crate) struct Small {
    at: PathBuf,
    size_mib: u64,
}

impl Small {
    /// `None` where nobody may mount.
    pub(crate) fn mount(at: &Path) -> Option<Self> {
        let disk = Self { at: at.to_owned(), size_mib: FIRST_MIB };
        disk.call("mount", &["-t", "tmpfs", "-o", &format!("size={FIRST_MIB}m,mode=0700"), "small"]).then_some(disk)
    }

    /// Makes room, as an operator does who was called.
    pub(crate) fn grow(&mut self) {
        self.size_mib += MORE_MIB;
        assert!(self.call("mount", &["-o", &format!("remount,size={}m", self.size_mib)]), "no more room");
    }

    /// Free bytes.
    pub(crate) fn free(&self) -> u64 {
        rustix::fs::statvfs(&self.at).map_or(MIB, |found| found.f_bavail * found.f_frsize)
    }

    fn call(&self, program: &str, arguments: &[&str]) -> bool {
        Command::new(program).args(arguments).arg(&self.at).status().is_ok_and(|status| status.success())
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Whoever still looks into it keeps it until they have done.
        self.call("umount", &["--lazy"]);
    }
}
