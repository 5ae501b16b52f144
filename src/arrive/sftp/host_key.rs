//! The key by which clients know this house. It is made once; a house that quietly made itself another
//! would teach its partners to click the warning away.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use russh::keys::key::safe_rng;
use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{Algorithm, EcdsaCurve, PrivateKey};

/// Which host key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ed25519,
    /// For clients that know no Ed25519, and only where the legacy algorithms are offered.
    Ecdsa,
}

impl Kind {
    /// Its name in the data folder, as OpenSSH would name it; the public half is beside it in `….pub`.
    fn file(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh_host_ed25519_key",
            Self::Ecdsa => "ssh_host_ecdsa_key",
        }
    }

    fn algorithm(self) -> Algorithm {
        match self {
            Self::Ed25519 => Algorithm::Ed25519,
            Self::Ecdsa => Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
        }
    }

    fn random(self) -> io::Result<PrivateKey> {
        match self {
            Self::Ed25519 => {
                let mut seed = [0; 32];
                rand::fill(&mut seed).map_err(|_| io::Error::other("the system has no randomness"))?;
                Ok(PrivateKey::from(Ed25519Keypair::from_seed(&seed)))
            }
            Self::Ecdsa => PrivateKey::random(&mut safe_rng(), self.algorithm()).map_err(io::Error::other),
        }
    }
}

/// Why there is no host key.
#[derive(Debug, thiserror::Error)]
pub enum HostKeyError {
    #[error("could not read the SSH host key {path}; restore it, a new one would alarm every client")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "the SSH host key {path} is not an unencrypted key of its kind in OpenSSH's format; restore it from a backup"
    )]
    Corrupt { path: PathBuf },
    #[error("others may read the SSH host key {path} (mode {mode:03o}); run chmod 600 on it")]
    Exposed { path: PathBuf, mode: u32 },
    #[error(
        "the SSH host key {path} is gone, but its public half is still there; restore it from a backup, or remove \
         {path}.pub too if every client shall be told that the server is another one"
    )]
    Gone { path: PathBuf },
    #[error("could not make the SSH host key {path}")]
    Make {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// The host key of a data folder, made if there has never been one.
pub(super) fn host_key(data: &Path, kind: Kind) -> Result<PrivateKey, HostKeyError> {
    let path = data.join(kind.file());
    match fs::read_to_string(&path) {
        Ok(text) => read(&path, &text, kind),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if path.with_extension("pub").exists() {
                return Err(HostKeyError::Gone { path });
            }
            make(&path, kind).map_err(|source| HostKeyError::Make { path: path.clone(), source })?;
            // Read back: what was written is what will be read at the next start, and if another process
            // was faster, its key is the one.
            let text = fs::read_to_string(&path).map_err(|source| HostKeyError::Read { path: path.clone(), source })?;
            read(&path, &text, kind)
        }
        Err(source) => Err(HostKeyError::Read { path, source }),
    }
}

/// The same, of a house that stands: it is read and never made.
pub(super) fn host_key_again(data: &Path, kind: Kind) -> Result<PrivateKey, HostKeyError> {
    let path = data.join(kind.file());
    let text = fs::read_to_string(&path).map_err(|source| HostKeyError::Read { path: path.clone(), source })?;
    read(&path, &text, kind)
}

fn read(path: &Path, text: &str, kind: Kind) -> Result<PrivateKey, HostKeyError> {
    let mode =
        fs::metadata(path).map_err(|source| HostKeyError::Read { path: path.to_owned(), source })?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(HostKeyError::Exposed { path: path.to_owned(), mode: mode & 0o777 });
    }
    PrivateKey::from_openssh(text)
        .ok()
        .filter(|key| !key.is_encrypted() && key.algorithm() == kind.algorithm())
        .ok_or_else(|| HostKeyError::Corrupt { path: path.to_owned() })
}

fn make(path: &Path, kind: Kind) -> io::Result<()> {
    let key = kind.random()?;
    let private = key.to_openssh(LineEnding::LF).map_err(io::Error::other)?;
    let public = key.public_key().to_openssh().map_err(io::Error::other)?;
    // Whole or not at all: written aside, synced, then linked to its name, which fails if the name is taken.
    let aside = path.with_extension(format!("new-{}", std::process::id()));
    let _ = fs::remove_file(&aside);
    write(&aside, 0o600, private.as_bytes())?;
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside)?;
    match linked {
        Ok(()) => write(&path.with_extension("pub"), 0o644, format!("{public} waybill\n").as_bytes())?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn write(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_key_is_made_once_and_kept() {
        let data = tempfile::tempdir().unwrap();
        let first = host_key(data.path(), Kind::Ed25519).unwrap();
        let second = host_key(data.path(), Kind::Ed25519).unwrap();
        assert_eq!(first.public_key(), second.public_key());
        let path = data.path().join(Kind::Ed25519.file());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::read_to_string(path).unwrap().starts_with("-----BEGIN OPENSSH PRIVATE KEY-----"));
        assert_eq!(fs::read_dir(data.path()).unwrap().count(), 2);
        let old = host_key(data.path(), Kind::Ecdsa).unwrap();
        assert_eq!(old.public_key(), host_key(data.path(), Kind::Ecdsa).unwrap().public_key());
        assert_eq!(old.algorithm(), Kind::Ecdsa.algorithm());
    }

    #[test]
    fn no_second_key_is_invented() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(Kind::Ed25519.file());
        host_key(data.path(), Kind::Ed25519).unwrap();
        let text = fs::read_to_string(&path).unwrap();

        fs::write(&path, &text[..text.len() / 2]).unwrap();
        assert!(matches!(host_key(data.path(), Kind::Ed25519), Err(HostKeyError::Corrupt { .. })));
        fs::write(&path, "").unwrap();
        assert!(matches!(host_key(data.path(), Kind::Ed25519), Err(HostKeyError::Corrupt { .. })));
        fs::write(&path, &text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(host_key(data.path(), Kind::Ed25519), Err(HostKeyError::Exposed { mode: 0o644, .. })));
        fs::remove_file(&path).unwrap();
        assert!(matches!(host_key(data.path(), Kind::Ed25519), Err(HostKeyError::Gone { .. })));
        fs::create_dir(&path).unwrap();
        assert!(matches!(host_key(data.path(), Kind::Ed25519), Err(HostKeyError::Read { .. })));
    }
}
