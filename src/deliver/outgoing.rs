//! How a file of the operator's gets in line for a partner: onto the shelf, and into the record.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::config::Partner;
use crate::domain::{ArrivalId, FileName, Hasher, PathError};
use crate::originals::{Originals, ShelfError};
use crate::record::{NewPush, PushRow, Record, RecordError};

/// A file in line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    pub row: PushRow,
    /// It is the same file under the same name as before, and stands where it stood.
    pub known: bool,
}

/// Why it is not in line.
#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    #[error("could not read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} cannot be sent under its name")]
    Name {
        path: PathBuf,
        #[source]
        source: PathError,
    },
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// Puts a file in line, once; with `again`, once more. What is sent is what the file holds now.
///
/// # Errors
/// It cannot be read or stored, or its name cannot be sent.
pub async fn queue(
    record: &Record,
    originals: &Originals,
    partner: &Partner,
    data: &Path,
    path: &Path,
    again: bool,
) -> Result<Queued, OutgoingError> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
    let name = FileName::parse(name).map_err(|source| OutgoingError::Name { path: path.to_owned(), source })?;
    let id = ArrivalId::random();
    let staged = data.join("spool").join(format!("outgoing-{id}"));
    let copied = copy(path, &staged).map_err(|source| OutgoingError::Read { path: path.to_owned(), source });
    let queued = async {
        let (digest, size_bytes) = copied?;
        let mut identity = format!("file:{digest}:{name}");
        if again {
            identity = format!("{identity}:{id}");
        }
        let object_key = format!("p/{}/{id}", partner.name);
        originals.put(&object_key, &staged, digest).await?;
        let organisation = record.credential(&partner.account).await?.map(|account| account.organisation);
        let new =
            NewPush { identity, organisation, upload: None, name: name.as_str().to_owned(), object_key, size_bytes };
        let (row, is_new) = record.queue_push(&partner.name, &new).await?;
        if !is_new {
            originals.forget(&new.object_key).await;
        }
        Ok(Queued { row, known: !is_new })
    }
    .await;
    let _ = std::fs::remove_file(&staged);
    queued
}

fn copy(from: &Path, to: &Path) -> io::Result<(crate::domain::Digest, u64)> {
    let mut from = File::open(from)?;
    if !from.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut to = File::options().write(true).create_new(true).mode(0o600).open(to)?;
    let mut hasher = Hasher::default();
    let size = hasher.copy(&mut from, &mut to)?;
    Ok((hasher.finish(), size))
}
