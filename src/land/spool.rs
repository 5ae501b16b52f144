//! The files uploads are in until they land.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::Inner;
use super::error::LandError;
use crate::domain::{ArrivalId, Digest, Hasher};

impl Inner {
    pub(super) fn spool_path(&self, id: ArrivalId) -> PathBuf {
        self.spool.join(format!("{id}.part"))
    }
}

/// Makes the spool file of a new upload.
pub(super) fn make(spool: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(spool)
}

/// Opens the spool file of a broken-off upload. If it broke off between being stored and being committed
/// (DURABILITY section 4, CP 8), it is sealed, and an orphan on the shelf is its second name: nobody was
/// promised that one, and it is sealed again when the upload is finished.
pub(super) fn open_again(spool: &Path) -> io::Result<File> {
    if std::fs::symlink_metadata(spool)?.is_file() {
        std::fs::set_permissions(spool, Permissions::from_mode(0o600))?;
    }
    OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(spool)
}

pub(super) fn digest_from(file: &File, mut hasher: Hasher, mut offset: u64) -> io::Result<Digest> {
    hasher.copy(&mut OffsetReader { file, offset: &mut offset }, &mut io::sink())?;
    Ok(hasher.finish())
}

struct OffsetReader<'a> {
    file: &'a File,
    offset: &'a mut u64,
}

impl Read for OffsetReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, *self.offset)?;
        *self.offset += count as u64;
        Ok(count)
    }
}

pub(super) fn write_error(error: &io::Error, doing: &'static str) -> LandError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => LandError::NoSpace,
        _ => LandError::unavailable(doing, error),
    }
}

pub(super) fn remove_spool(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(error = %error, "could not remove a spool file");
    }
}
