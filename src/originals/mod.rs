//! The immutable shelf: originals and the answers to them, each put once under its own key and never
//! changed. In the embedded house it is a directory; in a larger one a bucket of S3, with the same contract.

mod bucket;
mod directory;
mod original;
mod sending;

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

pub use original::Original;
pub use sending::Sending;

use crate::config;
use crate::domain::Digest;
use bucket::Bucket;
use directory::Directory;
use futures_util::FutureExt;

/// The shelf. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Originals(Shelf);

#[derive(Clone, Debug)]
enum Shelf {
    Directory(Directory),
    Bucket(Bucket),
}

/// What went wrong at the shelf.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    #[error("`{0}` is not a key of this shelf")]
    Key(String),
    #[error("there is already another object under {0}")]
    Exists(String),
    #[error("there is nothing under {0}")]
    NotFound(String),
    #[error("could not {doing} {path}")]
    Io {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the bucket did not {doing} {key}")]
    Bucket {
        doing: &'static str,
        key: String,
        /// It may do so later: a time-out, a broken connection, an error of its own.
        passing: bool,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// What is known about an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub key: String,
    pub size_bytes: u64,
    /// The digest it was put with, where the shelf keeps one.
    pub digest: Option<Digest>,
}

impl ShelfError {
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    /// Whether the shelf failed, not what was asked of it: a full disk, a bucket that does not answer.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Io { source, .. } => source.kind() == io::ErrorKind::StorageFull,
            Self::Bucket { passing, .. } => *passing,
            _ => false,
        }
    }
}

// The futures of the bucket are boxed here: their types are so deep that a door around them could not be compiled.
impl Originals {
    /// The shelf that the settings name.
    ///
    /// # Errors
    /// The folder cannot be made, or the bucket is not there, or it is not ours.
    pub async fn of(store: &config::Store, s3: &config::S3) -> Result<Self, ShelfError> {
        match store.originals {
            config::Shelf::Directory => Self::directory(&store.data),
            config::Shelf::S3 => Ok(Self(Shelf::Bucket(Bucket::open(s3).boxed().await?))),
        }
    }

    /// The shelf of a data folder.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn directory(data: &Path) -> Result<Self, ShelfError> {
        Directory::open(data).map(|directory| Self(Shelf::Directory(directory)))
    }

    /// Begins to send what will be the object under a key, while it still arrives.
    #[must_use]
    pub fn sending(&self, key: String) -> Sending {
        Sending::begin(self.clone(), key)
    }

    /// Puts a staged file under a key and returns once it is there for good. The staged file stays where it is; putting
    /// it again is a success.
    ///
    /// # Errors
    /// Another object is under that key, or the shelf refused.
    pub async fn put(&self, key: &str, staged: &Path, digest: Digest) -> Result<(), ShelfError> {
        match &self.0 {
            Shelf::Directory(directory) => directory.put(key, staged).await,
            Shelf::Bucket(bucket) => bucket.put(key, staged, digest).boxed().await,
        }
    }

    /// Takes an object away that nobody was promised: its commit was refused.
    pub async fn forget(&self, key: &str) {
        if let Err(error) = self.remove(key).await {
            tracing::warn!(error = &error as &dyn Error, "could not take a refused original away");
        }
    }

    /// Opens the object under a key.
    ///
    /// # Errors
    /// There is none, or the shelf refused.
    pub async fn open(&self, key: &str) -> Result<Original, ShelfError> {
        match &self.0 {
            Shelf::Directory(directory) => directory.open_file(key),
            Shelf::Bucket(bucket) => bucket.object(key).boxed().await,
        }
    }

    /// The keys of objects after one key, in the order of their bytes, at most a thousand or so; none at the end.
    ///
    /// # Errors
    /// The shelf did not answer.
    pub async fn keys_after(&self, after: &str) -> Result<Vec<String>, ShelfError> {
        match &self.0 {
            Shelf::Directory(directory) => directory.keys_after(after).await,
            Shelf::Bucket(bucket) => bucket.keys_after(after).boxed().await,
        }
    }

    /// Takes away what a killed daemon had begun to send in parts, so long ago; how many. A directory has none.
    ///
    /// # Errors
    /// The shelf did not answer.
    pub async fn take_back_parts(&self, begun_before: std::time::Duration) -> Result<usize, ShelfError> {
        match &self.0 {
            Shelf::Directory(_) => Ok(0),
            Shelf::Bucket(bucket) => bucket.take_back_parts(begun_before).boxed().await,
        }
    }

    /// Takes an object away for good.
    ///
    /// # Errors
    /// The shelf did not do it.
    pub async fn remove(&self, key: &str) -> Result<(), ShelfError> {
        match &self.0 {
            Shelf::Directory(directory) => directory.remove(key),
            Shelf::Bucket(bucket) => bucket.remove(key).boxed().await,
        }
    }

    /// The file that the object under a key is, on a shelf that has files.
    #[must_use]
    pub fn path_of(&self, key: &str) -> Option<PathBuf> {
        match &self.0 {
            Shelf::Directory(directory) => directory.path_of(key).ok(),
            Shelf::Bucket(_) => None,
        }
    }

    /// Looks at the object under a key without reading it.
    ///
    /// # Errors
    /// The shelf did not answer.
    pub async fn look(&self, key: &str) -> Result<Option<Stored>, ShelfError> {
        match &self.0 {
            Shelf::Directory(directory) => directory.look(key),
            Shelf::Bucket(bucket) => bucket.look(key).boxed().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    /// The contract that every shelf keeps; `s3_server.rs` among the promises holds a bucket to it.
    #[tokio::test]
    async fn an_object_is_put_once_and_reads_back() {
        let data = tempfile::tempdir().unwrap();
        let shelf = Originals::directory(data.path()).unwrap();
        let staged = data.path().join("staged");
        std::fs::write(&staged, b"ISA*").unwrap();
        let digest = Digest::of(b"ISA*");
        shelf.put("t/org_1/fil_1", &staged, digest).await.unwrap();
        shelf.put("t/org_1/fil_1", &staged, digest).await.unwrap();
        let other = data.path().join("other");
        std::fs::write(&other, b"other").unwrap();
        let again = shelf.put("t/org_1/fil_1", &other, Digest::of(b"other")).await;
        assert!(matches!(again, Err(ShelfError::Exists(_))));
        let mut text = String::new();
        shelf.open("t/org_1/fil_1").await.unwrap().reader().read_to_string(&mut text).unwrap();
        assert_eq!(text, "ISA*");
        assert_eq!(shelf.look("t/org_1/fil_1").await.unwrap().unwrap().size_bytes, 4);
        assert_eq!(shelf.look("t/org_1/fil_2").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_key_cannot_leave_the_shelf() {
        let data = tempfile::tempdir().unwrap();
        let shelf = Originals::directory(data.path()).unwrap();
        for key in ["../x", "t/../../x", "/etc/passwd", "t//x", "x", "t/.hidden"] {
            assert!(matches!(shelf.open(key).await, Err(ShelfError::Key(_))), "{key}");
        }
    }
}
