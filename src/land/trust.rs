//! Files the operator keeps that say who is trusted: read again when they change, and asked at every login. One that
//! cannot be read is a refusal, as it is to OpenSSH: half a list of revoked keys is none.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::certificate::read_authorities;
use super::revoked::Revoked;
use crate::config;

/// Whose certificates are good, and what is revoked.
#[derive(Debug)]
pub(super) struct Trust {
    /// Keys in SSH wire format.
    authorities: Watched<Vec<Vec<u8>>>,
    revoked: Watched<Revoked>,
}

/// Why a file that says who is trusted is of no use.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("could not read {path}, which says who is trusted; until it can be read, no key logs in")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path}: {why}; until it is put right, no key logs in")]
    Wrong { path: PathBuf, why: String },
}

/// The largest such file.
const FILE_BYTES_MAX: u64 = 16 << 20;

impl Trust {
    /// The files of the settings, read once, so that a mistake in them is said at the start.
    pub(super) fn open(settings: &config::Land) -> Result<Self, TrustError> {
        let trust = Self {
            authorities: Watched::new(&settings.trusted_user_ca_keys, read_authorities),
            revoked: Watched::new(&settings.revoked_keys, Revoked::read),
        };
        trust.authorities()?;
        trust.revoked()?;
        Ok(trust)
    }

    /// The authorities whose certificates are good for any login they name.
    pub(super) fn authorities(&self) -> Result<Arc<Vec<Vec<u8>>>, TrustError> {
        self.authorities.get()
    }

    pub(super) fn revoked(&self) -> Result<Arc<Revoked>, TrustError> {
        self.revoked.get()
    }
}

/// How the bytes of a file are understood, or why they are not.
type Reading<T> = fn(&[u8]) -> Result<T, String>;

/// A file and what stood in it when it was last looked at.
#[derive(Debug)]
struct Watched<T> {
    /// Empty: there is none.
    path: PathBuf,
    read: Reading<T>,
    known: Mutex<Option<(Stamp, Arc<T>)>>,
}

/// What differs when a file was written again or put in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    changed: (i64, i64),
    renamed: (i64, i64),
}

impl<T: Default> Watched<T> {
    fn new(path: &Path, read: Reading<T>) -> Self {
        Self { path: path.to_owned(), read, known: Mutex::new(None) }
    }

    fn get(&self) -> Result<Arc<T>, TrustError> {
        if self.path.as_os_str().is_empty() {
            return Ok(Arc::default());
        }
        let unreadable = |source| TrustError::Read { path: self.path.clone(), source };
        let file = fs::File::open(&self.path).map_err(unreadable)?;
        // Of the open file: what is read is what the stamp is of.
        let metadata = file.metadata().map_err(unreadable)?;
        let stamp = Stamp {
            inode: metadata.ino(),
            size: metadata.size(),
            changed: (metadata.mtime(), metadata.mtime_nsec()),
            renamed: (metadata.ctime(), metadata.ctime_nsec()),
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((seen, value)) = known.as_ref()
            && *seen == stamp
        {
            return Ok(Arc::clone(value));
        }
        *known = None;
        let wrong = |why: String| TrustError::Wrong { path: self.path.clone(), why };
        let mut bytes = vec![];
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(wrong(format!("it is larger than {FILE_BYTES_MAX} bytes")));
        }
        let value = Arc::new((self.read)(&bytes).map_err(wrong)?);
        *known = Some((stamp, Arc::clone(&value)));
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_again_when_it_changes_and_a_broken_one_is_a_refusal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revoked");
        let settings = config::Land { revoked_keys: path.clone(), ..config::Land::default() };
        assert!(matches!(Trust::open(&settings), Err(TrustError::Read { .. })));
        fs::write(&path, "# nothing yet\n").unwrap();
        let trust = Trust::open(&settings).unwrap();
        let first = trust.revoked().unwrap();
        assert!(Arc::ptr_eq(&first, &trust.revoked().unwrap()), "not read twice");
        fs::write(&path, "nonsense\n").unwrap();
        assert!(matches!(trust.revoked(), Err(TrustError::Wrong { .. })));
        assert!(matches!(trust.revoked(), Err(TrustError::Wrong { .. })), "and stays one");
        fs::remove_file(&path).unwrap();
        assert!(trust.revoked().is_err());
        fs::write(&path, "serial: 1\n").unwrap();
        trust.revoked().unwrap();
        // None of these is set: nobody is trusted, nothing is revoked, and nothing is read.
        assert!(Trust::open(&config::Land::default()).unwrap().authorities().unwrap().is_empty());
    }
}
