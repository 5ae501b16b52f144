//! Secrets at rest that must be read again: sealed with AES-256-GCM under the house's master key, and bound to the
//! row and column they stand in, so that one that is moved does not open.
//!
//! The master key is systemd's credential `master.key`, or the file of this name in the data folder, made when the
//! first secret is sealed. It is 32 bytes in base 64: `openssl rand -base64 32` makes one.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::domain::Digest;

/// Its name in the data folder and among systemd's credentials.
const FILE: &str = "master.key";
/// Beside it, which key it is: a house that has lost its key must not quietly begin with another one.
const WITNESS: &str = "master.key.id";
const KEY_BYTES: usize = 32;
/// How a sealed text begins, and which way of sealing it is.
const VERSION: &str = "v1";

/// Why something was not sealed, or did not open.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("could not read the master key {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the master key {path} is not 32 bytes in base 64; restore it from a backup")]
    Corrupt { path: PathBuf },
    #[error("others may read the master key {path} (mode {mode:03o}); run chmod 600 on it")]
    Exposed { path: PathBuf, mode: u32 },
    #[error(
        "the master key of this house ({id}) is not at {path}; if it is a systemd credential, do this over the API \
         (--url), otherwise restore it from a backup"
    )]
    Gone { path: PathBuf, id: String },
    #[error("the master key at {path} is {found}, and this house's is {id}; restore the right one from a backup")]
    Another { path: PathBuf, found: String, id: String },
    #[error("could not make the master key {path}")]
    Make {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("a sealed secret does not open: it was sealed with another key, or for another place")]
    DoesNotOpen,
    #[error("the system has no randomness")]
    NoRandomness,
}

/// Seals and opens for one data folder. The key is read when it is needed.
#[derive(Debug, Clone)]
pub struct Vault {
    data: PathBuf,
    /// systemd's, if it gave us any.
    credentials: Option<PathBuf>,
}

impl Vault {
    /// The vault of a data folder, or of `$CREDENTIALS_DIRECTORY` where that has a master key.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Self { data: data.to_owned(), credentials: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from) }
    }

    /// Seals bytes for their place: `table|column|row`. Where there has never been a master key and `may_make`, one
    /// is made.
    ///
    /// # Errors
    /// There is no master key, or not the right one.
    pub fn seal(&self, secret: &[u8], place: &str, may_make: bool) -> Result<String, SealError> {
        let key = self.key(may_make)?;
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| SealError::NoRandomness)?;
        let mut bytes = Zeroizing::new(secret.to_vec());
        cipher(&key)?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place.as_bytes()), &mut *bytes)
            .map_err(|_| SealError::DoesNotOpen)?;
        Ok(format!("{VERSION}:{}:{}", id(&key), STANDARD.encode([&nonce, bytes.as_slice()].concat())))
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// It was sealed with another key or for another place, or there is no master key.
    pub fn open(&self, sealed: &str, place: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let key = self.key(false)?;
        let mut parts = sealed.split(':');
        let (Some(VERSION), Some(_id), Some(text), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(SealError::DoesNotOpen);
        };
        let bytes = STANDARD.decode(text).map_err(|_| SealError::DoesNotOpen)?;
        let (nonce, bytes) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(SealError::DoesNotOpen)?;
        let mut bytes = Zeroizing::new(bytes.to_vec());
        let length = cipher(&key)?
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place.as_bytes()), &mut bytes)
            .map_err(|_| SealError::DoesNotOpen)?
            .len();
        bytes.truncate(length);
        Ok(bytes)
    }

    fn key(&self, may_make: bool) -> Result<Zeroizing<[u8; KEY_BYTES]>, SealError> {
        let credential = self.credentials.as_ref().map(|folder| folder.join(FILE)).filter(|path| path.exists());
        let path = credential.unwrap_or_else(|| self.data.join(FILE));
        let witness = self.data.join(WITNESS);
        let known = fs::read_to_string(&witness).ok().map(|text| text.trim().to_owned());
        if !path.exists() {
            if let Some(id) = known {
                return Err(SealError::Gone { path, id });
            }
            if !may_make {
                return Err(SealError::Gone { path, id: "unknown".to_owned() });
            }
            make(&path).map_err(|source| SealError::Make { path: path.clone(), source })?;
        }
        // Read back: if another process was faster, its key is the one.
        let key = read(&path)?;
        match known {
            Some(known) if known == id(&key) => {}
            Some(known) => return Err(SealError::Another { path, found: id(&key), id: known }),
            None => write(&witness, format!("{}\n", id(&key)).as_bytes())
                .map_err(|source| SealError::Make { path: witness, source })?,
        }
        Ok(key)
    }
}

fn cipher(key: &[u8; KEY_BYTES]) -> Result<LessSafeKey, SealError> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| SealError::DoesNotOpen)
}

/// Which key it is, without a word about the key.
fn id(key: &[u8; KEY_BYTES]) -> String {
    let text = Digest::of(&[b"waybill master key\0".as_slice(), key].concat()).to_string();
    text.chars().take(16).collect()
}

fn read(path: &Path) -> Result<Zeroizing<[u8; KEY_BYTES]>, SealError> {
    let unreadable = |source| SealError::Read { path: path.to_owned(), source };
    let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(SealError::Exposed { path: path.to_owned(), mode: mode & 0o777 });
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(unreadable)?);
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).unwrap_or_default());
    let key: [u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| SealError::Corrupt { path: path.to_owned() })?;
    Ok(Zeroizing::new(key))
}

/// Whole or not at all, and never over one that is there.
fn make(path: &Path) -> io::Result<()> {
    let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
    rand::fill(key.as_mut_slice()).map_err(|_| io::Error::other("the system has no randomness"))?;
    let text = Zeroizing::new(format!("{}\n", STANDARD.encode(key.as_slice())));
    write(path, text.as_bytes())
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A name of its own each time: two threads may be the first at once.
    static TIMES: AtomicU64 = AtomicU64::new(0);
    let time = TIMES.fetch_add(1, Ordering::Relaxed);
    let aside = path.with_extension(format!("new-{}-{time}", std::process::id()));
    let _ = fs::remove_file(&aside);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(data: &Path) -> Vault {
        Vault { data: data.to_owned(), credentials: None }
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_and_with_its_key_only() {
        let data = tempfile::tempdir().unwrap();
        let sealed = vault(data.path()).seal(b"a secret", "t|c|1", true).unwrap();
        assert!(!sealed.contains("secret") && sealed.starts_with("v1:"));
        assert_ne!(sealed, vault(data.path()).seal(b"a secret", "t|c|1", true).unwrap(), "each with its own nonce");
        assert_eq!(*vault(data.path()).open(&sealed, "t|c|1").unwrap(), b"a secret");
        for (sealed, place) in [
            (sealed.clone(), "t|c|2"),
            (sealed.clone(), "t|d|1"),
            (sealed.replace("v1", "v2"), "t|c|1"),
            (sealed[..sealed.len() - 4].to_owned(), "t|c|1"),
            (String::new(), "t|c|1"),
        ] {
            assert!(matches!(vault(data.path()).open(&sealed, place), Err(SealError::DoesNotOpen)), "{sealed} {place}");
        }
        let other = tempfile::tempdir().unwrap();
        vault(other.path()).seal(b"x", "t", true).unwrap();
        assert!(matches!(vault(other.path()).open(&sealed, "t|c|1"), Err(SealError::DoesNotOpen)));
    }

    #[test]
    fn a_master_key_is_made_once_and_no_other_takes_its_place() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(FILE);
        assert!(matches!(vault(data.path()).seal(b"x", "t", false), Err(SealError::Gone { .. })), "not made unasked");
        let sealed = vault(data.path()).seal(b"x", "t", true).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(vault(data.path()).open(&sealed, "t"), Err(SealError::Exposed { mode: 0o640, .. })));
        fs::remove_file(&path).unwrap();
        assert!(matches!(vault(data.path()).seal(b"x", "t", true), Err(SealError::Gone { .. })));
        write(&path, b"c2hvcnQ=").unwrap();
        assert!(matches!(vault(data.path()).seal(b"x", "t", true), Err(SealError::Corrupt { .. })));
        fs::remove_file(&path).unwrap();
        make(&path).unwrap();
        assert!(matches!(vault(data.path()).seal(b"x", "t", true), Err(SealError::Another { .. })));
        fs::remove_file(&path).unwrap();
        write(&path, text.as_bytes()).unwrap();
        assert_eq!(*vault(data.path()).open(&sealed, "t").unwrap(), b"x");
    }

    #[test]
    fn a_credential_of_systemd_comes_before_the_file() {
        let (data, credentials) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        make(&credentials.path().join(FILE)).unwrap();
        let given = Vault { data: data.path().to_owned(), credentials: Some(credentials.path().to_owned()) };
        let sealed = given.seal(b"x", "t", true).unwrap();
        assert!(!data.path().join(FILE).exists());
        assert_eq!(*given.open(&sealed, "t").unwrap(), b"x");
        // The command line, which was not given it, makes no second key.
        assert!(matches!(vault(data.path()).seal(b"x", "t", true), Err(SealError::Gone { .. })));
    }
}
