//! One object from one shelf to another, its digest checked on the way.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::domain::{ArrivalId, Digest, Hasher, chain};
use crate::originals::{Original, Originals, ShelfError};

/// What is to be carried.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) key: String,
    pub(crate) size_bytes: u64,
    /// `None` where nobody has noted it: then it is what the source has.
    pub(crate) digest: Option<Digest>,
    /// What is at the target has been found to have this digest before.
    pub(crate) known: Option<Digest>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Carried {
    /// It was there already.
    Kept(Digest),
    Copied(Digest),
    /// The source has not got it, or something else under its name.
    Bad(String),
}

/// How an object comes to the target.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    /// A folder beside the target's objects, on the same file system.
    pub(crate) staging: PathBuf,
    /// By a second name of the same bytes, where that is possible.
    pub(crate) link: bool,
}

const BUFFER: usize = 128 * 1024;

/// Carries an object, unless it is there.
///
/// # Errors
/// The target did not take it, or one of the shelves did not answer.
pub(crate) async fn carry(from: &Originals, to: &Originals, wanted: &Wanted, way: &Way) -> anyhow::Result<Carried> {
    let key = wanted.key.as_str();
    if let Some(there) = to.look(key).await? {
        let is_whole = there.size_bytes == wanted.size_bytes;
        if is_whole && let Some(known) = wanted.known.filter(|known| wanted.digest.is_none_or(|d| d == *known)) {
            return Ok(Carried::Kept(known));
        }
        if is_whole && let Ok(digest) = digest_of(to.open(key).await?).await? {
            // Of what nobody has noted the digest of, the source is asked.
            let right = match (wanted.digest, from.open(key).await) {
                (Some(right), _) => Some(right),
                (None, Ok(original)) => digest_of(original).await?.ok(),
                (None, Err(_)) => None,
            };
            if right == Some(digest) {
                return Ok(Carried::Kept(digest));
            }
        }
        // Another one, or damaged: it is put once more.
        to.forget(key).await;
    }
    let original = match from.open(key).await {
        Ok(original) => original,
        Err(ShelfError::NotFound(_)) => return Ok(Carried::Bad(format!("{key} is not on the shelf"))),
        Err(error @ ShelfError::Io { .. }) => return Ok(Carried::Bad(chain(&error))),
        Err(error) => return Err(error.into()),
    };
    if way.link
        && let Some(path) = from.path_of(key)
    {
        let digest = match digest_of(original.clone()).await? {
            Ok(digest) => digest,
            Err(error) => return Ok(Carried::Bad(format!("{key}: {}", chain(&error)))),
        };
        if let Some(bad) = wanted.differs(digest, original.size_bytes()) {
            return Ok(Carried::Bad(bad));
        }
        if to.put(key, &path, digest).await.is_ok() {
            return Ok(Carried::Copied(digest));
        }
        // Another file system: the bytes go over.
    }
    let staged = way.staging.join(ArrivalId::random().to_string());
    let done = match copy(original, staged.clone()).await? {
        Ok((digest, size_bytes)) => match wanted.differs(digest, size_bytes) {
            Some(bad) => Ok(Carried::Bad(bad)),
            None => to.put(key, &staged, digest).await.map(|()| Carried::Copied(digest)).map_err(Into::into),
        },
        Err(error @ Poured::Read(_)) => Ok(Carried::Bad(format!("{key}: {}", chain(&error)))),
        Err(error @ Poured::Write(_)) => Err(error).with_context(|| format!("could not write {}", staged.display())),
    };
    let _ = fs::remove_file(&staged);
    done
}

impl Wanted {
    /// What is wrong with what the source has.
    pub(crate) fn differs(&self, digest: Digest, size_bytes: u64) -> Option<String> {
        let key = &self.key;
        if size_bytes != self.size_bytes {
            return Some(format!("{key} is damaged: it has {size_bytes} bytes, and should have {}", self.size_bytes));
        }
        let right = self.digest.filter(|right| *right != digest)?;
        Some(format!("{key} is damaged: its SHA-256 is {digest}, and should be {right}"))
    }
}

/// Reads all of an object.
///
/// # Errors
/// The reading thread did not come to its end.
pub(crate) async fn digest_of(original: Original) -> anyhow::Result<Result<Digest, Poured>> {
    let read = move || pour(&mut original.reader(), &mut std::io::sink()).map(|(digest, _)| digest);
    Ok(tokio::task::spawn_blocking(read).await?)
}

async fn copy(original: Original, to: PathBuf) -> anyhow::Result<Result<(Digest, u64), Poured>> {
    let write = move || {
        let file = File::options().write(true).create_new(true).mode(0o600).open(&to);
        pour(&mut original.reader(), &mut file.map_err(Poured::Write)?)
    };
    Ok(tokio::task::spawn_blocking(write).await?)
}

/// Copies a file of the folder's own, and makes it durable under its name.
pub(crate) fn copy_file(from: &Path, to: &Path) -> anyhow::Result<(Digest, u64)> {
    let draft = to.with_extension("new");
    let write = || -> Result<(Digest, u64), Poured> {
        let mut source = File::open(from).map_err(Poured::Read)?;
        let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&draft);
        let mut file = file.map_err(Poured::Write)?;
        let done = pour(&mut source, &mut file)?;
        file.sync_all().and_then(|()| fs::rename(&draft, to)).map_err(Poured::Write)?;
        Ok(done)
    };
    write().with_context(|| format!("could not copy {} to {}", from.display(), to.display()))
}

/// The digest and the size of a file.
pub(crate) fn digest_of_file(path: &Path) -> Result<(Digest, u64), Poured> {
    pour(&mut File::open(path).map_err(Poured::Read)?, &mut std::io::sink())
}

/// Which side of a copy failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Poured {
    #[error("could not read it")]
    Read(#[source] std::io::Error),
    #[error("could not write it")]
    Write(#[source] std::io::Error),
}

fn pour(from: &mut impl Read, to: &mut impl Write) -> Result<(Digest, u64), Poured> {
    let (mut hasher, mut size, mut buffer) = (Hasher::default(), 0_u64, vec![0; BUFFER]);
    loop {
        let count = match from.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            read => read.map_err(Poured::Read)?,
        };
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
        to.write_all(bytes).map_err(Poured::Write)?;
        size += bytes.len() as u64;
    }
    Ok((hasher.finish(), size))
}
