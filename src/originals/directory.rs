//! The shelf as a directory. An object appears under its key in one step, by a hard link to a file that
//! is already synced; a link never overwrites, which is the directory's `If-None-Match: *`.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ShelfError;

/// The shelf. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Originals {
    root: Arc<PathBuf>,
}

/// An object that is open for reading.
#[derive(Debug)]
pub struct Original {
    file: Arc<File>,
    size_bytes: u64,
}

impl Originals {
    /// The shelf of a data folder.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn directory(data: &Path) -> Result<Self, ShelfError> {
        let root = data.join("originals");
        fs::create_dir_all(&root).map_err(ShelfError::io("make the folder", &root))?;
        sync_folder(data)?;
        Ok(Self { root: Arc::new(root) })
    }

    /// Puts a staged file under a key and returns once it is there for good. The staged file stays where
    /// it is, as a second name of the same bytes; putting it again is a success.
    ///
    /// # Errors
    /// Another object is under that key, or the disk refused.
    pub async fn put(&self, key: &str, staged: &Path) -> Result<(), ShelfError> {
        let shelf = self.clone();
        let (key, staged) = (key.to_owned(), staged.to_owned());
        tokio::task::spawn_blocking(move || shelf.put_blocking(&key, &staged))
            .await
            .unwrap_or_else(|_| Err(ShelfError::NotFound("the storing task".to_owned())))
    }

    fn put_blocking(&self, key: &str, staged: &Path) -> Result<(), ShelfError> {
        let path = self.path_of(key)?;
        let folder = path.parent().unwrap_or(&self.root);
        self.make_folders(folder)?;
        let file = File::open(staged).map_err(ShelfError::io("open", staged))?;
        file.sync_all().map_err(ShelfError::io("sync", staged))?;
        file.set_permissions(fs::Permissions::from_mode(0o400)).map_err(ShelfError::io("seal", staged))?;
        match fs::hard_link(staged, &path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let (ours, theirs) = (file.metadata(), fs::metadata(&path));
                let same = matches!((ours, theirs), (Ok(a), Ok(b)) if a.dev() == b.dev() && a.ino() == b.ino());
                if !same {
                    return Err(ShelfError::Exists(key.to_owned()));
                }
            }
            Err(error) => return Err(ShelfError::io("store", &path)(error)),
        }
        sync_folder(folder)
    }

    /// Takes an object away that nobody was promised: its commit was refused.
    pub async fn forget(&self, key: &str) {
        let done = self.path_of(key).and_then(|path| fs::remove_file(&path).map_err(ShelfError::io("remove", &path)));
        if let Err(error) = done {
            tracing::warn!(error = &error as &dyn std::error::Error, "could not take a refused original away");
        }
    }

    /// Opens the object under a key.
    ///
    /// # Errors
    /// There is none, or the disk refused.
    pub async fn open(&self, key: &str) -> Result<Original, ShelfError> {
        let path = self.path_of(key)?;
        let file = File::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ShelfError::NotFound(key.to_owned()),
            _ => ShelfError::io("open", &path)(error),
        })?;
        let size_bytes = file.metadata().map_err(ShelfError::io("read the size of", &path))?.len();
        Ok(Original { file: Arc::new(file), size_bytes })
    }

    /// `t/org_…/fil_…ab` rests in `t/org_…/ab/fil_…ab`, so that no folder grows without bound.
    fn path_of(&self, key: &str) -> Result<PathBuf, ShelfError> {
        let known = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        };
        let (folder, name) = key.rsplit_once('/').ok_or_else(|| ShelfError::Key(key.to_owned()))?;
        if !key.split('/').all(known) {
            return Err(ShelfError::Key(key.to_owned()));
        }
        let stem = name.split('.').next().unwrap_or(name);
        let shard = stem.get(stem.len().saturating_sub(2)..).unwrap_or(stem);
        Ok(self.root.join(folder).join(shard).join(name))
    }

    /// Makes the folders down to `folder`, each made durable in its parent.
    fn make_folders(&self, folder: &Path) -> Result<(), ShelfError> {
        if folder.is_dir() {
            return Ok(());
        }
        if let Some(parent) = folder.parent()
            && parent.starts_with(self.root.as_path())
        {
            self.make_folders(parent)?;
        }
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(ShelfError::io("make the folder", folder)(error))
            }
            _ => folder.parent().map_or(Ok(()), sync_folder),
        }
    }
}

/// Makes the names in a folder durable.
fn sync_folder(folder: &Path) -> Result<(), ShelfError> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(ShelfError::io("sync the folder", folder))
}

impl Original {
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Fills as much of `buffer` as there is from `offset` on; 0 at the end.
    ///
    /// # Errors
    /// The disk refused.
    pub async fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_at_blocking(offset, buffer)
    }

    /// As [`read_at`](Self::read_at), for a thread that may wait.
    ///
    /// # Errors
    /// The disk refused.
    pub fn read_at_blocking(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset.saturating_add(filled as u64)) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// Reads front to back, for a thread that may wait.
    #[must_use]
    pub fn reader(&self) -> impl io::Read + Send + 'static {
        Reading { original: Self { file: Arc::clone(&self.file), size_bytes: self.size_bytes }, offset: 0 }
    }
}

struct Reading {
    original: Original,
    offset: u64,
}

impl io::Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.original.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[tokio::test]
    async fn an_object_is_put_once_and_reads_back() {
        let data = tempfile::tempdir().unwrap();
        let shelf = Originals::directory(data.path()).unwrap();
        let staged = data.path().join("staged");
        fs::write(&staged, b"ISA*").unwrap();
        shelf.put("t/org_1/fil_1", &staged).await.unwrap();
        shelf.put("t/org_1/fil_1", &staged).await.unwrap();
        let other = data.path().join("other");
        fs::write(&other, b"other").unwrap();
        assert!(matches!(shelf.put("t/org_1/fil_1", &other).await, Err(ShelfError::Exists(_))));
        let mut text = String::new();
        shelf.open("t/org_1/fil_1").await.unwrap().reader().read_to_string(&mut text).unwrap();
        assert_eq!(text, "ISA*");
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
